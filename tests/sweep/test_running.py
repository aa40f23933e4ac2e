import itertools
import json
import sqlite3

import jax
import numpy as np
import pytest
from conftest import make_photograph
from sweeping import rows_of

from drp_jax import InputError
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
