import dataclasses
import itertools
import json
import math
import pathlib
import shutil

import jax
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError, preset, restore
from drp_jax.non_local import Denoise
from drp_jax.sweep import CleanImage, Degradation, Plan, Store, Variant, degradation, run_sweep
from drp_jax.sweep.halving import shares_of
from drp_jax.sweep.rows import DROPPED

IMAGES = tuple(
    CleanImage(f"image {seed}", lambda seed=seed: make_photograph(12, 11, 1, seed))
    for seed in range(2)
)
RATES = (0.001, 0.003, 0.2, 0.05)
ITERATIONS = 8
METHOD = preset(method="tv", task="reconstruct").adjusted(iterations=ITERATIONS)
PLAN = Plan(
    IMAGES,
    (degradation("gaussian:25"),),
    tuple(Variant("small", settings={"learning_rate": rate}, base=METHOD) for rate in RATES),
    keys=(0, 1),
)


def rows_of(folder):
    with Store(folder) as store:
        return {row["id"]: {**row, "seconds": 0, "finished": 0} for row in store.rows()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All runs to the end, and the mean score of every rate at every iteration."""
    folder = tmp_path_factory.mktemp("whole")
    list(run_sweep(PLAN, folder, slots=2))
    rows = rows_of(folder)
    curves = {}
    for row in rows.values():
        history = np.load(folder / f"{row['files']}.npz")["history_psnr"]
        curves.setdefault(row["settings"], []).append(history)
    return folder, rows, {settings: np.mean(all_, axis=0) for settings, all_ in curves.items()}


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("halved")
    done = list(run_sweep(PLAN, folder, slots=2, halving=0.25))
    return folder, done, rows_of(folder)


def test_the_worse_half_is_dropped_after_each_share(whole, halved):
    _, _, curves = whole
    _, done, rows = halved
    assert len(done) == len(rows) == 4 * 2 * 2
    alive, dropped = set(curves), {}
    for iteration, kept in ((2, 2), (4, 1)):
        ordered = sorted(alive, key=lambda one: -curves[one][iteration - 1])
        dropped |= dict.fromkeys(ordered[kept:], iteration)
        alive = set(ordered[:kept])
    for row in rows.values():
        if row["settings"] in alive:
            assert (row["status"], row["iterations"]) == ("iteration_limit", ITERATIONS)
        else:
            expected = (DROPPED, dropped[row["settings"]])
            assert (row["status"], row["iterations"]) == expected


def test_those_that_go_on_end_as_without_halving(whole, halved):
    _, rows, _ = whole
    folder, _, halved_rows = halved
    went_on = [one for one in halved_rows.values() if one["status"] != DROPPED]
    assert len(went_on) == 4
    for row in went_on:
        np.testing.assert_allclose(row["psnr"], rows[row["id"]]["psnr"], atol=1e-3)
        history = np.load(folder / f"{row['files']}.npz")["history_psnr"]
        assert history.shape == (ITERATIONS,)


def test_a_dropped_row_has_the_image_of_its_last_iteration(halved):
    row = next(one for one in halved[2].values() if one["status"] == DROPPED)
    (run,) = (one for one in PLAN.runs() if PLAN.identity(one) == row["id"])
    problem = run.problem()
    method = run.variant.method("denoise").adjusted(iterations=row["iterations"])
    alone = restore(problem, key=jax.random.key(run.key), method=method)
    image = np.load(halved[0] / f"{row['files']}.npz")["image"]
    np.testing.assert_allclose(image, alone.image, atol=1e-4)


def test_iterations_are_saved(halved):
    last = halved[1][-1].statistics
    assert last.programs == 1
    assert last.busy_steps == 4 * (4 * 2 + 2 * 2 + 1 * 4)


@pytest.mark.parametrize("seen", [0, 3, 9, 13])
def test_after_a_stop_the_table_becomes_the_same(halved, tmp_path, seen):
    list(itertools.islice(run_sweep(PLAN, tmp_path, slots=2, halving=0.25), seen))
    list(run_sweep(PLAN, tmp_path, slots=2, halving=0.25))
    rows = rows_of(tmp_path)
    assert rows.keys() == halved[2].keys()
    for identity, row in rows.items():
        for name in ("status", "iterations", "settings"):
            assert row[name] == halved[2][identity][name]
        np.testing.assert_allclose(row["psnr"], halved[2][identity]["psnr"], atol=1e-3)
    assert not list(run_sweep(PLAN, tmp_path, slots=2, halving=0.25))


def test_without_halving_what_was_dropped_is_run_to_the_end(halved, tmp_path):
    shutil.copytree(halved[0], tmp_path / "copy")
    done = [one.row for one in run_sweep(PLAN, tmp_path / "copy", slots=2)]
    assert len(done) == 12
    assert all(row["iterations"] == ITERATIONS for row in done)


def test_a_round_takes_the_scores_of_runs_that_the_table_has(whole, tmp_path):
    """All of the worst two rates done to their end before: they win nothing by it."""
    first = dataclasses.replace(PLAN, variants=PLAN.variants[:1])
    list(run_sweep(first, tmp_path, slots=2))
    done = [one.row for one in run_sweep(PLAN, tmp_path, slots=2, halving=0.25)]
    assert {row["settings"] for row in done if row["status"] != DROPPED} == {
        max(whole[2], key=lambda one: whole[2][one][3])
    }
    assert len(done) == 12


def tear(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [pathlib.Path.unlink, tear], ids=["deleted", "torn"])
def test_a_run_whose_file_cannot_be_read_is_done_again(whole, tmp_path, damage):
    """The worst rate and the best are there, to their end, each without the file of one run."""
    _, rows, curves = whole
    worst, best = (end(curves, key=lambda one: curves[one][3]) for end in (min, max))
    there = [one for one in PLAN.variants if json.dumps(one.settings) in (worst, best)]
    list(run_sweep(dataclasses.replace(PLAN, variants=tuple(there)), tmp_path, slots=2))
    lost = {row["settings"]: row["id"] for row in rows_of(tmp_path).values()}
    for identity in lost.values():
        damage(tmp_path / f"images/{identity}.npz")
    done = [one.row["id"] for one in run_sweep(PLAN, tmp_path, slots=2, halving=0.25)]
    assert len(set(done)) == len(done) == 2 * 4 + 2
    assert set(lost.values()) < set(done)
    after = rows_of(tmp_path)
    assert (after[lost[worst]]["status"], after[lost[worst]]["iterations"]) == (DROPPED, 2)
    assert after[lost[best]]["iterations"] == ITERATIONS
    np.testing.assert_allclose(after[lost[best]]["psnr"], rows[lost[best]]["psnr"], atol=1e-3)
    for identity, count in ((lost[worst], 2), (lost[best], ITERATIONS)):
        assert np.load(tmp_path / f"images/{identity}.npz")["history_psnr"].shape == (count,)


@pytest.mark.slow
def test_filters_and_failing_functions_are_not_halved(tmp_path):
    def failing(clean, draw):
        raise ValueError("no such film")

    fast = Variant("short", base=Denoise(refinements=(), iterations=1))
    images = (CleanImage("image", lambda: make_photograph(16, 16, 1)),)
    degradations = (PLAN.degradations[0], Degradation("film", "denoise", failing))
    plan = Plan(images, degradations, (fast,))
    done = {one.row["degradation"]: one.row for one in run_sweep(plan, tmp_path, halving=0.25)}
    assert done["gaussian:25"]["status"] == "completed"
    assert done["film"]["error"] == "ValueError: no such film"


@pytest.mark.parametrize(
    ("first", "shares"),
    [(0.5, [0.5]), (0.25, [0.25, 0.5]), (0.3, [0.3, 0.6]), (0.1, [0.1, 0.2, 0.4, 0.8])],
)
def test_shares_double_up_to_the_end(first, shares):
    assert shares_of(first) == pytest.approx(shares)


@pytest.mark.parametrize("first", [0, 0.6, math.nan])
def test_a_share_out_of_range_is_named(tmp_path, first):
    with pytest.raises(InputError, match=r"halving is .*; accepted: above 0, at most 0.5"):
        list(run_sweep(PLAN, tmp_path, halving=first))
