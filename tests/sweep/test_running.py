import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import make_photograph
from sweeping import make_plan, rows_of

from drp_jax import InputError
from drp_jax.commands import options, sweep_plan
from drp_jax.commands.sweep import sweep
from drp_jax.metrics import psnr, ssim
from drp_jax.operators import Radon, filtered_back_projection
from drp_jax.sweep import CleanImage, Degradation, Plan, Store, Variant, degradation, run_sweep
from drp_jax.sweep.rows import FAILED
from drp_jax.sweep.store import TABLE

IMAGE = make_photograph(12, 11, 1)
IMAGES = tuple(
    CleanImage(f"image {seed}", lambda seed=seed: make_photograph(12, 11, 1, seed))
    for seed in range(2)
)


@pytest.fixture(scope="module")
def method():
    from drp_jax import preset

    return preset(method="tv", task="reconstruct").adjusted(iterations=4)


@pytest.fixture(scope="module")
def plan(method):
    variants = tuple(
        Variant("small", settings={"learning_rate": rate}, base=method) for rate in (0.1, 0.2)
    )
    return Plan(IMAGES, (degradation("gaussian:25"),), variants, keys=(0, 3))


@pytest.fixture(scope="module")
def whole(plan, tmp_path_factory):
    """A sweep that nothing disturbed: its folder, what it gave, and its rows."""
    folder = tmp_path_factory.mktemp("whole")
    done = list(run_sweep(plan, folder, environment={"where": "here"}))
    return folder, done, rows_of(folder)


def test_there_is_a_row_for_every_run(plan, whole):
    folder, done, rows = whole
    assert {row["id"] for row in rows} == {plan.identity(run) for run in plan.runs()}
    assert len(done) == len(rows) == 2 * 2 * 2
    assert {(row["image"], row["settings"], row["key"]) for row in rows} == set(
        itertools.product(
            ("image 0", "image 1"), ('{"learning_rate": 0.1}', '{"learning_rate": 0.2}'), (0, 3)
        )
    )
    assert done[-1].statistics.programs == 1
    for row in rows:
        assert row["status"] == "iteration_limit"
        assert row["iterations"] == 4
        arrays = np.load(folder / f"{row['files']}.npz")
        (clean,) = (one.pixels() for one in IMAGES if one.name == row["image"])
        np.testing.assert_allclose(row["psnr"], psnr(arrays["image"], clean), rtol=1e-5)
        np.testing.assert_allclose(row["ssim"], ssim(arrays["image"], clean), rtol=1e-4)
        assert json.loads(row["scores"]) == {"psnr": row["psnr"], "ssim": row["ssim"]}
        assert row["error"] is None
        assert arrays["history_psnr"].shape == (4,)
        assert arrays["image_iteration"] == 4
        assert (folder / f"{row['files']}.png").exists()
        inputs = np.load(folder / f"{row['inputs']}.npz")
        np.testing.assert_array_equal(inputs["reference"], clean)
        deviation = np.std(inputs["start"] - clean)
        assert 0.7 * 25 / 255 < deviation < 1.1 * 25 / 255  # less where it was clipped
    assert len({row["inputs"] for row in rows}) == 2 * 2


@pytest.mark.slow
def test_the_start_of_a_measurement_is_its_direct_reconstruction(tmp_path):
    angles = np.arange(8) * np.pi / 8
    gray = CleanImage("gray", lambda: IMAGES[0].pixels()[..., :1])
    method = Variant("tv", settings={"iterations": 2})
    plan = Plan((gray,), (degradation("ct:8"), degradation("phase")), (method,))
    tomography, phase = (done.row for done in run_sweep(plan, tmp_path))
    beam = Radon(angles, shape=gray.pixels().shape[:2])
    usual = jax.jit(lambda image: filtered_back_projection(beam, beam(image)))(gray.pixels())
    inputs = np.load(tmp_path / f"{tomography['inputs']}.npz")
    np.testing.assert_allclose(inputs["start"], usual, atol=1e-5)
    # Not linear: nothing but the method's image can be shown of it.
    assert set(np.load(tmp_path / f"{phase['inputs']}.npz")) == {"reference"}
    assert phase["status"] == "iteration_limit"


def test_the_table_opens_as_sqlite_and_says_where_it_ran(whole):
    table = sqlite3.connect(whole[0] / TABLE)
    joined = "SELECT content, count(*) FROM runs JOIN environments e ON environment = e.id"
    ((content, count),) = table.execute(joined).fetchall()
    assert json.loads(content) == {"where": "here"}
    assert count == 8
    assert table.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_stopped_goes_on_and_nothing_is_done_twice(plan, whole, tmp_path):
    first = [one.row["id"] for one in itertools.islice(run_sweep(plan, tmp_path), 3)]
    asked = iter([False] * 4)
    second = [one.row["id"] for one in run_sweep(plan, tmp_path, is_over=lambda: next(asked, True))]
    assert len(second) < 5
    third = [one.row["id"] for one in run_sweep(plan, tmp_path)]
    assert sorted(first + second + third) == sorted(row["id"] for row in whole[2])
    assert rows_of(tmp_path) == whole[2]
    assert not list(run_sweep(plan, tmp_path))


def test_a_larger_plan_keeps_what_is_there(plan, tmp_path, method):
    small = Plan(IMAGES[:1], plan.degradations, plan.variants[:1], keys=(3,))
    (one,) = run_sweep(small, tmp_path)
    before = sqlite3.connect(tmp_path / TABLE).execute("SELECT finished FROM runs").fetchall()
    done = [other.row["id"] for other in run_sweep(plan, tmp_path)]
    assert len(done) == 7
    assert one.row["id"] not in done
    kept = "SELECT finished FROM runs WHERE id = ?"
    table = sqlite3.connect(tmp_path / TABLE)
    assert table.execute(kept, (one.row["id"],)).fetchall() == before


def test_a_run_that_fails_stops_no_other_and_is_done_again(plan, tmp_path):
    missing = CleanImage("gone", lambda: np.load(tmp_path / "gone.npy"))
    good = plan.degradations[0]

    def failing(clean, draw):
        if clean.shape != IMAGE.shape:
            raise ValueError("no such film")
        return good.problem(clean, draw)

    np.save(tmp_path / "gone.npy", np.ones((16, 16, 1), np.float32))
    bad = Degradation(good.name, good.task, failing)
    both = Plan((*IMAGES[:1], missing), (bad,), plan.variants[:1])
    done = {one.row["image"]: one.row for one in run_sweep(both, tmp_path)}
    assert done["gone"]["status"] == FAILED
    assert done["gone"]["error"] == "ValueError: no such film"
    assert done["image 0"]["status"] == "iteration_limit"
    (again,) = run_sweep(both, tmp_path)
    assert again.row["image"] == "gone"


def test_a_run_knows_its_time_with_and_without_compilation(tmp_path, method):
    variants = (Variant("fresh", base=method.adjusted(iterations=3)),)  # of a program of its own
    image = CleanImage("wide", lambda: make_photograph(13, 19, 1))
    plan = Plan((image,), (degradation("gaussian:25"),), variants, keys=(0, 1))
    first, second = (one.row for one in run_sweep(plan, tmp_path, slots=1))
    assert 0 < first["compile_seconds"] < first["seconds"]
    assert second["compile_seconds"] < first["compile_seconds"] / 2
    assert second["compile_seconds"] <= second["seconds"]


def test_the_view_has_the_rows_of_the_plan_that_ran_last(plan, tmp_path):
    def latest():
        with sqlite3.connect(tmp_path / TABLE) as table:
            return table.execute("SELECT image, key, psnr FROM latest ORDER BY key").fetchall()

    image = CleanImage("image", lambda: IMAGE)
    small = Plan((image,), plan.degradations, plan.variants[:1], keys=(0, 1))
    first = {done.row["key"]: done.row["psnr"] for done in run_sweep(small, tmp_path)}
    assert latest() == [("image", key, first[key]) for key in (0, 1)]
    changed = CleanImage("image", lambda: IMAGE / 2)
    fewer = Plan((changed,), plan.degradations, plan.variants[:1])
    (second,) = run_sweep(fewer, tmp_path)
    assert latest() == [("image", 0, second.row["psnr"])]
    assert len(rows_of(tmp_path)) == 3
    assert not list(run_sweep(small, tmp_path))
    assert latest() == [("image", key, first[key]) for key in (0, 1)]


def test_a_table_of_another_version_is_left_alone(tmp_path):
    table = sqlite3.connect(tmp_path / TABLE)
    table.executescript("CREATE TABLE runs (id); PRAGMA user_version = 7;")
    with pytest.raises(InputError, match="is a table of version 7; accepted: one of version 3"):
        Store(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/runs.sqlite: cannot be opened: .*; accepted"):
        Store(tmp_path / "file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / TABLE).write_text("no table at all, but a text that is long enough")
    with pytest.raises(InputError, match="cannot be opened: file is not a database"):
        Store(tmp_path / "other")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder with a plan of 20 runs, the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    make_plan(tmp_path)
    return tmp_path


def command(*argv):
    return options.run(
        sweep, ["run", "plan.yaml", "--no-compilation-cache", *argv], program="sweep"
    )


@pytest.mark.slow
def test_after_a_kill_the_same_command_goes_on_to_the_same_table(lab, capsys):
    command("--out", "whole")
    assert "20 runs in" in capsys.readouterr().out
    argv = [sys.executable, "-m", "drp_jax", "sweep", "run", "plan.yaml", "--out", "killed"]
    with subprocess.Popen(
        [*argv, "--no-compilation-cache"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        for line in process.stdout:
            if "key 2" in line:
                break
        process.send_signal(signal.SIGKILL)
    there = len(rows_of(lab / "killed"))
    assert 3 <= there <= 20
    assert command("--out", "killed") == 0
    said = capsys.readouterr().out
    assert f"20 runs, {there} of them done" in said
    assert rows_of(lab / "killed") == rows_of(lab / "whole")
    assert command("--out", "killed") == 0
    said, best = capsys.readouterr().out.splitlines()
    assert said == "20 runs, 20 of them done"
    assert best.startswith("best in film:measure: tv, regularizer_weight ")


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for the table and a few images."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_ends_in_a_line_and_keeps_what_was_done(lab, small_disk, capsys):
    assert command("--out", str(small_disk / "out")) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert "runs.sqlite: cannot be written: " in line
    assert line.endswith("the runs before it are kept; accepted: a folder with room")
    kept = rows_of(small_disk / "out")
    assert 0 < len(kept) < 20
    command("--out", "whole")
    whole = {row["id"]: row for row in rows_of(lab / "whole")}
    assert all(row == whole[row["id"]] for row in kept)


def test_a_folder_that_cannot_be_written_is_named(lab, capsys):
    (lab / "folder").write_text("no folder at all")
    assert command("--out", "folder") == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert "folder/runs.sqlite: cannot be opened" in line


def test_the_command_says_what_a_plan_has_and_stops_in_time(lab, capsys):
    options.run(sweep, ["plan", "plan.yaml", "--no-compilation-cache"], program="sweep")
    *about, once, whole = capsys.readouterr().out.splitlines()
    assert about == [
        "1 image of 8 x 9 x 1: a.npy",
        "1 degradation: film:measure (reconstruct)",
        "method tv default: 2 iterations; regularizer_weight 0.1, 0.2, 0.3, 0.4",
        "5 keys: 0, 1, 2, 3, 4",
        "2 metrics: psnr, ssim",
        "20 runs in 1 compiled program",
        "timing a few iterations of each for about two minutes (--no-estimate: none) ...",
    ]
    program = r"tv on film:measure, 8 x 9 x 1, 20 runs"
    assert re.fullmatch(rf"{program}: about \d+ s, and \d+ s to compile", once)
    assert re.fullmatch(r"about \d+ s in all on this machine, \d+ s of it to compile .*", whole)
    assert command("--out", "short", "--limit-time", "0.001s") == 0
    assert "20 left, which the same command runs" in capsys.readouterr().out


def test_no_program_is_timed_when_time_is_up(lab, capsys, monkeypatch):
    monkeypatch.setattr(sweep_plan, "_MOST_SECONDS", -1.0)
    argv = ["plan", "plan.yaml", "--no-compilation-cache"]
    assert options.run(sweep, argv, program="sweep") == 0
    *_, one, whole = capsys.readouterr().out.splitlines()
    assert one == "tv on film:measure, 8 x 9 x 1, 20 runs: not timed, as time is up"
    assert whole.startswith("more than 0 s in all on this machine")


def test_a_torn_picture_is_named_and_the_others_run(lab, capsys):
    plan = (lab / "plan.yaml").read_text()
    (lab / "plan.yaml").write_text(plan.replace("a.npy", "a.npy, torn.png").replace("keys: 5", ""))
    (lab / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    for done in (0, 4):
        assert command("--out", "out") == 1
        lines = capsys.readouterr().out.splitlines()
        assert re.match("torn.png cannot be read and is left out: .*torn.png", lines[0])
        assert lines[1] == f"4 runs, {done} of them done"
    assert len(rows_of(lab / "out")) == 4
    assert options.run(sweep, ["plan", "plan.yaml", "--no-estimate"], program="sweep") == 1
    assert "torn.png cannot be read and is left out: " in capsys.readouterr().out


def test_a_run_says_how_many_are_done_and_the_best(lab, capsys):
    plan = (lab / "plan.yaml").read_text()
    (lab / "plan.yaml").write_text(plan.replace("keys: 5", "keys: 3"))
    assert command("--out", "out") == 0
    first, *lines, summary, best = capsys.readouterr().out.splitlines()
    assert first == "12 runs, 0 of them done"
    score = r"PSNR -?\d+\.\d\d dB, \d\.\d s, no finite ssim"  # in so small a picture
    run = rf"a\.npy, film:measure, tv, regularizer_weight 0\.\d, key \d: {score}"
    assert re.fullmatch(f" 1/12  {run}", lines[0])
    for number, line in enumerate(lines[1:], start=2):
        assert re.fullmatch(rf"{number:2}/12  \d:\d\d left  {run}", line)
    assert lines[-1].startswith("12/12  0:00 left")
    assert re.fullmatch(r"12 runs in \d+ s, 1 program, slots busy \d+%; out/runs.sqlite", summary)
    means = {}
    for row in rows_of(lab / "out"):
        means.setdefault(json.loads(row["settings"])["regularizer_weight"], []).append(row["psnr"])
    weight, scores = max(means.items(), key=lambda one: np.mean(one[1]))
    assert best.startswith(
        f"best in film:measure: tv, regularizer_weight {weight:g}, mean PSNR (dB) "
        f"{np.mean(scores):.2f} ± "
    )
    assert best.endswith(" over 3 runs")


def test_a_run_that_halving_does_again_is_counted(lab, capsys):
    plan = (lab / "plan.yaml").read_text().replace("keys: 5", "keys: 2")
    (lab / "plan.yaml").write_text(plan.replace("count: 4", "count: 2"))
    command("--out", "out")
    (lab / f"out/{rows_of(lab / 'out')[0]['files']}.npz").unlink()
    (lab / "plan.yaml").write_text(plan)
    capsys.readouterr()
    assert command("--out", "out", "--halving", "0.5") == 0
    first, *lines, summary, _ = capsys.readouterr().out.splitlines()
    assert first == "8 runs, 4 of them done"
    assert len(lines) == 5
    assert lines[-1].startswith("5/5  0:00 left")
    assert summary.startswith("5 runs in ")
    assert "left, which" not in summary


def test_a_plan_whose_functions_fail_is_refused_in_a_line(lab, capsys):
    (lab / "torn.py").write_text("def measure(image):\n    raise KeyError('no film')\n")
    plan = (lab / "plan.yaml").read_text()
    (lab / "plan.yaml").write_text(plan.replace("film:measure", "torn:measure"))
    assert options.run(sweep, ["plan", "plan.yaml", "--no-estimate"], program="sweep") == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "plan.yaml: torn:measure fails for a.npy, 8 x 9 x 1: KeyError: 'no film'; accepted: one "
        "that takes all images of the plan"
    )


def test_a_method_that_is_no_record_is_refused_in_a_line(lab, capsys):
    (lab / "plain.py").write_text(
        "from drp_jax import preset\n"
        "tv = preset(method='tv', task='reconstruct')\n"
        "class Plain(type(tv)):\n"
        "    pass\n"
        "method = Plain(**vars(tv))\n"
    )
    plan = (lab / "plan.yaml").read_text()
    (lab / "plan.yaml").write_text(plan.replace("methods:\n", 'methods:\n  - "plain:method"\n'))
    assert options.run(sweep, ["plan", "plan.yaml", "--no-estimate"], program="sweep") == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert "plan.yaml: plain:method fails for a.npy, 8 x 9 x 1: " in line


@pytest.mark.parametrize("where", ["stages", "init"])
def test_a_method_that_fails_is_named_and_the_others_are_timed(lab, capsys, where):
    (lab / f"broken_{where}.py").write_text(
        "from drp_jax import preset, record\n"
        "tv = preset(method='tv', task='reconstruct')\n"
        "@record\n"
        "class Broken(type(tv)):\n"
        f"    def {where}(self, *_, **__):\n"
        "        raise KeyError('no lens')\n"
        "method = Broken(**vars(tv))\n"
    )
    plan = (lab / "plan.yaml").read_text()
    both = f'methods:\n  - "broken_{where}:method"\n'
    (lab / "plan.yaml").write_text(plan.replace("methods:\n", both))
    argv = ["plan", "plan.yaml", "--no-compilation-cache"]
    assert options.run(sweep, argv, program="sweep") == 1
    *_, failed, timed, _ = capsys.readouterr().out.splitlines()
    about = f"broken_{where}:method on film:measure, 8 x 9 x 1, 5 runs"
    assert failed == f"{about}: a.npy fails: KeyError: 'no lens'"
    assert timed.startswith("tv on film:measure, 8 x 9 x 1, 20 runs: about ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["run"], "0 plans are given; accepted: one, like plan.yaml or smoke"),
        (
            ["run", "plan.yaml", "--limit-time", "soon"],
            "--limit-time: 'soon' is not a time above 0",
        ),
        (["run", "plan.yaml", "--out", "a.npy"], "a.npy/runs.sqlite: cannot be opened"),
        (
            ["run", "plan.yaml", "--halving", "0.6"],
            "--halving: '0.6' is not a share above 0, at most 0.5",
        ),
        (["plan", "none.yaml"], "none.yaml: No such file or directory; accepted: a YAML file"),
    ],
)
def test_bad_flags_end_in_a_line(lab, capsys, argv, message):
    assert options.run(sweep, argv, program="sweep") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
