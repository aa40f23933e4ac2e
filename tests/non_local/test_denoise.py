import dataclasses
import functools

import jax
import numpy as np
import pytest
from conftest import make_stripes

from drp_jax import Gaussian, InputError, NoiseFree, Poisson, Problem, Status, preset, restore
from drp_jax.metrics import psnr
from drp_jax.non_local import Denoise, denoise, noise_level
from drp_jax.operators import Downsample

KEY = jax.random.key(0)
CLEAN = make_stripes()
NOISE = np.random.default_rng(0).normal(0, 0.1, (32, 32, 3))
NOISY = np.clip(CLEAN + NOISE, 0, 1).astype(np.float32)


BEST = preset("best")


def restored(picture, method=BEST, clean=CLEAN, **options):
    return restore(picture, key=KEY, method=method, reference=clean, **options)


@pytest.fixture(scope="module")
def best():
    return restored(NOISY)


def test_every_step_denoises_and_the_second_more_than_the_first(best):
    history = np.asarray(best.history["psnr"])
    assert history.shape == (4,)
    assert (history > psnr(NOISY, CLEAN) + 8).all()
    assert history[1] > history[0]
    assert best.iterations == best.image_iteration == 4
    assert best.status == Status.COMPLETED
    assert best.message == "All steps of the method are done."
    assert 0 <= best.image.min() <= best.image.max() <= 1
    assert best.uncertainty.shape == (32, 32)
    assert best.uncertainty.max() > 0
    assert best.iterate == "last"
    assert best.run.step_name == "ridge"


def test_it_says_how_strong_the_noise_was(best):
    remark = best.run.method.remark(best.run.state.method)
    assert remark == f"noise: {255 * noise_level(NOISY):.1f} of 255"


def test_the_history_says_how_much_was_taken_away(best):
    removed = np.sqrt(np.mean((NOISY - np.asarray(best.image)) ** 2))
    np.testing.assert_allclose(best.history["residual"][-1], removed, rtol=1e-4)
    np.testing.assert_allclose(removed, NOISE.std(), rtol=0.1)
    np.testing.assert_allclose(best.history["psnr"][-1], psnr(best.image, CLEAN), rtol=1e-5)


def test_fewer_iterations_leave_steps_out_and_more_do_nothing(best):
    """The ridge steps, which come last, may be left out to begin with."""
    method = dataclasses.replace(BEST, refinements=())
    for limit, steps in ((1, 1), (6, 2)):
        limited = restored(NOISY, method.adjusted(iterations=limit))
        assert limited.iterations == steps
        assert limited.status == Status.COMPLETED
        np.testing.assert_allclose(limited.history["psnr"], best.history["psnr"][:steps], rtol=1e-5)
    # In one call it is the same.
    filtered = jax.jit(functools.partial(denoise, refinements=(), radius=BEST.radius))(NOISY)
    np.testing.assert_allclose(filtered.image, limited.image, atol=1e-5)
    np.testing.assert_allclose(filtered.spread, limited.uncertainty, atol=1e-5)


def test_another_range_is_another_unit(best):
    scaled = restored((100 + 50 * NOISY), clean=100 + 50 * CLEAN, value_range=(100.0, 150.0))
    np.testing.assert_allclose((scaled.image - 100) / 50, best.image, atol=2e-3)
    np.testing.assert_allclose(scaled.uncertainty / 50, best.uncertainty, atol=2e-3)
    np.testing.assert_allclose(scaled.history["psnr"], best.history["psnr"], atol=0.05)


def test_where_all_is_smooth_an_eighth_of_the_noise_is_uncertain():
    result = restored(np.asarray(0.5 + NOISE, np.float32))
    assert 0.9 * 0.1 / 8 < result.uncertainty.min() < 1.1 * 0.1 / 8


def test_impulses_are_filled_in_before():
    random = np.random.default_rng(0)
    hit = random.random(CLEAN.shape) < 0.05
    damaged = np.where(hit, random.integers(0, 2, CLEAN.shape), CLEAN).astype(np.float32)
    result = restored(damaged)
    assert result.history["psnr"][-1] > psnr(damaged, CLEAN) + 10


MAP = np.linspace(0.1, 0.2, 32 * 32, dtype=np.float32).reshape(32, 32)


@pytest.mark.parametrize(
    ("noise", "deviation"),
    [
        (Gaussian(0.15), np.full((32, 32), 0.15)),
        (Gaussian(MAP), MAP),
        (Gaussian(MAP[..., None]), MAP),
        (Gaussian(np.array([[[0.1, 0.2, 0.2]]])), np.full((32, 32), np.sqrt(0.03))),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_stated_noise_is_taken_as_stated(noise, deviation, scale):
    noise = Gaussian(noise.level * scale)
    problem = Problem(scale * NOISY, noise=noise, value_range=(0.0, scale))
    noisy = Denoise().init(problem, KEY).noisy
    np.testing.assert_allclose(noisy.deviation, deviation, rtol=1e-5)
    np.testing.assert_allclose(noisy.level, np.sqrt(np.mean(deviation**2)), rtol=1e-5)
    np.testing.assert_allclose(noisy.image, NOISY, atol=1e-6)


def test_the_noise_of_photons_follows_the_brightness():
    ramp = np.broadcast_to(np.linspace(20, 80, 32)[:, None, None], (32, 32, 1))
    problem = Problem(ramp, noise=Poisson(2.0), value_range=(0.0, 100.0))
    noisy = Denoise().init(problem, KEY).noisy
    expected = np.sqrt(ramp[..., 0] / 2) / 100
    np.testing.assert_allclose(noisy.deviation[4:-4], expected[4:-4], rtol=1e-3)


@pytest.mark.parametrize("noise", [None, Gaussian()])
def test_noise_that_is_not_stated_is_estimated(noise):
    problem = Problem(np.asarray(0.5 + NOISE, np.float32), noise=noise)
    noisy = jax.jit(Denoise().init)(problem, KEY).noisy
    np.testing.assert_allclose(noisy.level, 0.1, rtol=0.1)
    np.testing.assert_allclose(noisy.deviation, 0.1, rtol=0.2)


def test_denoising_is_better_where_the_noise_is_as_stated():
    deviation = MAP * np.linspace(0, 1, 32)[:, None]
    picture = np.clip(CLEAN + 10 * NOISE * deviation[..., None], 0, 1).astype(np.float32)
    scores = [
        restored(
            picture, preset("fast"), noise=Gaussian(np.maximum(factor * deviation, 1e-3))
        ).history["psnr"][-1]
        for factor in (1, 0.3)
    ]
    assert scores[0] > scores[1] + 1


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            Problem(NOISY, Downsample(2)),
            "method non-local here denoises, and the operator is Downsample; accepted: Identity",
        ),
        (
            Problem(NOISY, noise=NoiseFree()),
            r"noise is NoiseFree\(\) and the operator Identity: there is nothing to restore; acc",
        ),
        (
            Problem(NOISY * 1j, complex_image=True),
            "method non-local denoises real pictures, and the image is complex; accepted: drp-dip",
        ),
    ],
)
def test_what_it_cannot_do_is_named(problem, message):
    with pytest.raises(InputError, match=message):
        restore(problem, key=KEY, method=preset())


def test_methods_are_comparable_and_their_numbers_are_leaves():
    same = Denoise(refinements=(64, 96), radius=18)
    assert preset("best") == same
    assert hash(jax.tree.structure(preset("best"))) == hash(jax.tree.structure(same))
    limits = [dataclasses.replace(same, iterations=limit) for limit in (1, 2)]
    assert jax.tree.structure(limits[0]) == jax.tree.structure(limits[1])
    assert jax.tree.leaves(limits[1]) == [1.0, 2]  # the strength beside it


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 2}, "radius is 2; accepted: whole numbers from 4 to 64"),
        ({"refinements": (0,)}, "is 0; accepted: whole numbers from 1 to 625"),
        ({"refinements": [64]}, r"refinements is \[64\]; accepted: a tuple of whole numbers"),
        ({"iterations": 0}, "iterations is 0; accepted: whole numbers from 1"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Denoise(**arguments)


@pytest.mark.parametrize(
    ("picture", "sigma", "message"),
    [
        (NOISY, -0.1, r"sigma is -0\.1; accepted: "),
        (NOISY, np.ones((3, 3)), r"sigma .*\(3, 3\); accepted: "),
        (NOISY[..., 0], 0.1, r"image has shape \(32, 32\); accepted: a float array"),
        (NOISY[:4], 0.1, r"image has shape \(4, 32, 3\); accepted: .* from 8 up"),
        ((255 * NOISY).astype(np.uint8), 0.1, "image has type uint8; accepted: a float array"),
        (255 * NOISY, 0.1, r"image has values from .*; accepted: \[0, 1\]"),
        (NOISY * np.nan, 0.1, "image has NaN or infinity in"),
    ],
)
def test_bad_pictures_and_levels_are_named(picture, sigma, message):
    with pytest.raises(InputError, match=message):
        denoise(picture, sigma)
