"""A method that looks three pixels around gives the same in tiles as at once."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from descent import Descent

from drp_jax import Gaussian, InputError, Problem, Status, record, restore, tiles
from drp_jax.non_local import Denoise
from drp_jax.non_local.noise_estimate import local_mean
from drp_jax.operators import Blur, Downsample, Mask, filled_back_projection
from drp_jax.tiles import restore_large
from drp_jax.tiling import tiling_of

KEY = jax.random.key(0)
PICTURE = make_photograph(100, 90, 3)


@record
class Smooth(Descent):
    """What was observed, filled in, less what its surroundings have every step."""

    is_local: ClassVar[bool] = True
    is_finite_process: ClassVar[bool] = True

    def init(self, problem, key):
        return filled_back_projection(problem.operator, problem.observation, problem.image)

    def step(self, problem, state):
        return local_mean(state, 3)

    def uncertainty(self, problem, state):
        return state[..., 0]


METHOD = dataclasses.replace(Smooth(), loop=dataclasses.replace(Smooth().loop, iterations=3))


@pytest.fixture(autouse=True)
def room(monkeypatch):
    """Programs take 100 bytes a pixel, and there is room for those of 72 x 72 pixels."""

    def program_bytes(problem, **_):
        return 100 * problem.image.shape[0] * problem.image.shape[1]

    monkeypatch.setattr(tiles, "program_bytes", program_bytes)
    monkeypatch.setattr(tiles, "_room", lambda *_: 100 * 72 * 72)
    monkeypatch.setattr(tiles, "MOST_SIDE", 80)
    monkeypatch.setattr(tiles, "LEAST_SIDE", 32)
    monkeypatch.setattr(tiles, "OVERLAP", 12)


def problems():
    rows, columns = np.indices((100, 90))
    mask = ((rows + 2 * columns) % 5 > 0)[..., None]
    small = np.asarray(Downsample(3)(jnp.asarray(PICTURE[:99])))
    level = np.full((100, 90), 0.1, np.float32)
    return {
        "noise": Problem(PICTURE, noise=Gaussian(level), reference=PICTURE),
        "range": Problem(300 * PICTURE, value_range=None),
        "gaps": Problem(PICTURE * mask, Mask(mask)),
        "enlargement": Problem(small, Downsample(3)),
    }


@pytest.mark.parametrize("name", ["noise", "range", "gaps", "enlargement"])
def test_tiles_make_what_the_whole_does(name):
    problem = problems()[name]
    whole = restore(problem, key=KEY, method=METHOD)
    result = restore_large(problem, key=KEY, method=METHOD)
    assert isinstance(result, tiles.Tiled)
    assert result.tiling.count == result.tiles > 1
    assert np.prod(result.tiling.size) <= 72 * 72
    scale = float(jnp.max(whole.image))
    # Gaps and pixels at the edge of what was enlarged are filled in by what lies further off.
    tolerance = {"gaps": 0.03, "enlargement": 0.03}.get(name, 1e-5)
    np.testing.assert_allclose(result.image, whole.image, atol=tolerance * scale)
    np.testing.assert_allclose(result.uncertainty, whole.uncertainty, atol=tolerance * scale)
    assert result.status == Status.COMPLETED
    assert result.message.startswith("All steps of the method are done. It went through ")
    assert result.history["residual"].shape == (3,)


def test_what_fits_is_restored_at_once_and_tiles_are_as_large_as_there_is_room(monkeypatch):
    problem = problems()["noise"]
    monkeypatch.setattr(tiles, "_room", lambda *_: 100 * 100 * 90)
    whole = restore_large(problem, key=KEY, method=METHOD)
    np.testing.assert_array_equal(whole.image, restore(problem, key=KEY, method=METHOD).image)
    assert "psnr" in whole.history
    monkeypatch.setattr(tiles, "_AT_ONCE", 0)
    assert not isinstance(restore_large(problem, key=KEY, method=METHOD), tiles.Tiled)


def test_one_program_does_all_tiles_and_known_ones_need_none():
    reports = []
    mask = np.ones((100, 90, 1), bool)
    mask[:8, :8] = False
    problem = Problem(PICTURE * mask, Mask(mask))
    result = restore_large(problem, key=KEY, method=METHOD, callback=reports.append)
    assert reports[0].progress is not None
    assert [one.tile for one in reports if one.progress is None] == [*range(2, result.tiles + 1)]
    assert {one.tiles for one in reports} == {result.tiles}
    np.testing.assert_allclose(result.image[72:], PICTURE[72:], atol=1e-6)


def test_tiles_that_were_not_begun_are_as_they_were_observed():
    problem = problems()["noise"]
    ended = restore_large(problem, key=KEY, method=METHOD, callback=lambda report: report.tile > 1)
    assert ended.status == Status.INTERRUPTED
    assert ended.tiles == 2
    np.testing.assert_allclose(ended.image[-8:, -8:], PICTURE[-8:, -8:], atol=1e-6)
    whole = restore(problem, key=KEY, method=METHOD)
    np.testing.assert_allclose(ended.image[:8, :8], whole.image[:8, :8], atol=1e-5)


def test_what_there_is_no_room_for_is_refused_with_the_bytes(monkeypatch):
    blur = Problem(PICTURE, Blur(np.full((3, 3), 1 / 9, np.float32)))
    for problem, method in ((blur, METHOD), (problems()["noise"], Descent())):
        with pytest.raises(
            InputError, match=r"takes [\d.]+ GB for 90 x 100 pixels; accepted: a sm"
        ):
            restore_large(problem, key=KEY, method=method)
    gap = np.ones((100, 90, 1), bool)
    gap[:, :80] = False
    with pytest.raises(InputError, match="which are a tile, nothing is known; accepted: smaller"):
        restore_large(Problem(PICTURE * gap, Mask(gap)), key=KEY, method=METHOD)
    monkeypatch.setattr(tiles, "_room", lambda *_: -1)
    with pytest.raises(
        InputError, match=r"90 x 100 pixels in tiles of \d+ x \d+; accepted: more m"
    ):
        restore_large(problems()["noise"], key=KEY, method=METHOD)


def test_there_is_room_for_what_the_programs_say_that_they_take(monkeypatch):
    monkeypatch.undo()
    problem = problems()["noise"]
    assert 100 * 90 * 3 * 4 < tiles.program_bytes(problem, method=METHOD, key=KEY) < 1e7
    small, large = (tiles._room(problem, memory) for memory in (10**9, 10**10))
    np.testing.assert_allclose(large - small, 0.9 * 9e9, rtol=0.01)
    assert tiles._room(problem, None) > 0


def test_the_filter_leaves_no_seam(monkeypatch):
    noise = np.random.default_rng(0).normal(0, 0.1, (64, 208, 1))
    problem = Problem((0.5 + noise).astype(np.float32), noise=Gaussian(0.1))
    monkeypatch.setattr(tiles, "_room", lambda *_: 100 * 64 * 112)
    monkeypatch.setattr(tiles, "MOST_SIDE", 112)
    monkeypatch.setattr(tiles, "OVERLAP", 48)
    method = Denoise(refinements=(), radius=4)
    result = restore_large(problem, key=KEY, method=method)
    assert result.tiling == tiling_of((64, 208), 112)
    whole = restore(problem, key=KEY, method=method).image
    steepness, usual = (np.abs(np.diff(it[..., 0], axis=1)).mean(0) for it in (result.image, whole))
    start, stop = result.tiling.starts[1][1], result.tiling.size[1]
    np.testing.assert_allclose(steepness[start:stop], usual[start:stop], atol=0.1 * usual.mean())
    np.testing.assert_allclose(result.image, whole, atol=0.1 * noise.std())
