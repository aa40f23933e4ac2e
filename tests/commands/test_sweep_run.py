"""`drp-jax sweep run` and `sweep plan` as commands."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from sweeping import make_plan, rows_of

from drp_jax.commands import options, sweep_plan, sweep_run
from drp_jax.commands.sweep import sweep


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


def test_programs_are_not_all_kept(lab, capsys, monkeypatch):
    cleared, clear = [], sweep_run.jax.clear_caches
    monkeypatch.setattr(sweep_run, "MOST_PROGRAMS", 2)
    monkeypatch.setattr(sweep_run.jax, "clear_caches", lambda: (cleared.append(True), clear()))
    for side in range(12, 17):
        np.save(f"side{side}.npy", np.full((side, side), 0.5, np.float32))
    (lab / "plan.yaml").write_text(
        "images: side*.npy\ndegradations: gaussian:25\n"
        "methods: [{method: drp-dd, preset: fast, width: 4, iterations: 2}]\n"
    )
    assert command("--out", "out") == 0
    assert "5 runs in" in capsys.readouterr().out
    assert len(cleared) == 1
    assert len(rows_of(lab / "out")) == 5


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
