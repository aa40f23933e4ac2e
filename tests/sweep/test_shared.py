import dataclasses

import pytest
from conftest import make_photograph
from sweeping import rows_of

from drp_jax import InputError, preset
from drp_jax.sweep import CleanImage, Plan, Variant, degradation, run_sweep
from drp_jax.sweep.scores import METRICS
from drp_jax.sweep.shared import results_in

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
METHOD = preset(method="tv", task="reconstruct").adjusted(iterations=2)
PLAN = Plan(
    (CleanImage("image", lambda: make_photograph(12, 11, 1)),),
    (degradation("gaussian:25"),),
    (Variant("small", base=METHOD),),
    keys=(0, 1, 2),
)


@pytest.fixture
def place():
    address = "memory://bucket/results"
    yield address
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_results_are_there_and_the_next_sweep_goes_on_with_them(place, tmp_path):
    first = Plan(PLAN.images, PLAN.degradations, PLAN.variants, keys=(0,))
    with results_in(place) as results:
        assert len(list(run_sweep(first, results.folder))) == 1
        results.copy()
        there = fsspec.filesystem("memory")
        assert not there.exists("/bucket/results/runs.sqlite")  # a moment ago
        results.copy(now=True)
        assert there.exists("/bucket/results/runs.sqlite")
    with results_in(place) as results:
        assert len(list(run_sweep(PLAN, results.folder))) == 2
    names = {path.rsplit("/", 1)[-1] for path in there.find("/bucket/results")}
    with results_in(place, with_images=True) as results:
        rows = rows_of(results.folder)
        assert not list(run_sweep(PLAN, results.folder))
        files = {path.name for path in (results.folder / "images").iterdir()}
    assert files | {"runs.sqlite"} == names
    assert len(files) == 3 * 2 + 3
    list(run_sweep(PLAN, tmp_path))
    assert rows == rows_of(tmp_path)


def test_images_that_other_metrics_need_are_brought(place):
    few = dataclasses.replace(PLAN, metrics={"psnr": METRICS["psnr"]})
    with results_in(place) as results:
        list(run_sweep(few, results.folder))
        files = [name for row in rows_of(results.folder) for name in (row["files"], row["inputs"])]
    with results_in(place) as results:
        assert not list((results.folder / "images").iterdir())
        results.bring([*files, "images/none"])
        assert all(one.is_scored_again for one in run_sweep(PLAN, results.folder))
        assert len(list((results.folder / "images").iterdir())) == len(files)
    with results_in(place) as results:
        assert all(row["ssim"] is not None for row in rows_of(results.folder))


def test_an_image_that_was_made_anew_is_copied_again(place):
    there = fsspec.filesystem("memory")
    with results_in(place, with_images=True) as results:
        list(run_sweep(PLAN, results.folder))
    (path, *_) = there.glob("/bucket/results/images/[!i]*.npz")
    whole = there.cat(path)
    there.pipe(path, b"old")
    with results_in(place, with_images=True) as results:
        (results.folder / "images" / path.rsplit("/", 1)[-1]).write_bytes(whole)
    assert there.cat(path) == whole


def test_after_an_error_what_was_done_is_there(place):
    def fails():
        with results_in(place) as results:
            next(iter(run_sweep(PLAN, results.folder)))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fails()
    with results_in(place) as results:
        assert len(rows_of(results.folder)) == 1


def test_a_folder_of_this_machine_is_itself(tmp_path):
    with results_in(tmp_path / "here") as results:
        assert results.folder == tmp_path / "here"
        results.copy(now=True)


def test_a_storage_that_is_none_is_named():
    message = "magic://a: cannot be used: .*; accepted: a folder, or an address"
    with pytest.raises(InputError, match=message), results_in("magic://a"):
        pass
