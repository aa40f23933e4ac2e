import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError
from drp_jax.metrics import psnr
from drp_jax.non_local.collaborative import (
    Filtered,
    hard_threshold_step,
    ridge_step,
    wiener_step,
)

SIGMA = 0.1


def stripes(channels=3):
    """A clean image that repeats itself `[32, 24, channels]`, and a noisy one."""
    rows = np.where(np.arange(32) % 8 < 4, 0.3, 0.7)[:, None, None]
    clean = np.broadcast_to(rows, (32, 24, channels)).astype(np.float32)
    noise = np.random.default_rng(1).normal(0, SIGMA, clean.shape)
    return clean, (clean + noise).astype(np.float32)


def test_a_flat_spectrum_is_white_noise_and_the_true_one_is_better():
    clean, noisy = stripes()
    flat = hard_threshold_step(noisy, SIGMA, spectrum=jnp.ones((8, 8, 3)))
    np.testing.assert_allclose(flat.image, hard_threshold_step(noisy, SIGMA).image, atol=1e-6)
    # White noise, of which every second row is the same as the one before.
    rough = noisy - clean
    smooth = clean + (rough + np.roll(rough, 1, axis=0)) / np.sqrt(2)
    passed = np.sqrt(2) * np.cos(np.pi * np.arange(8) / 16)
    spectrum = jnp.asarray(np.broadcast_to(passed[:, None, None], (8, 8, 3)), jnp.float32)
    told, untold = (hard_threshold_step(smooth, SIGMA, spectrum=s) for s in (spectrum, None))
    assert psnr(told.image, clean) > psnr(untold.image, clean) + 0.3


def test_a_spectrum_of_another_shape_is_refused():
    _, noisy = stripes()
    message = r"spectrum has shape \(8, 8, 1\); accepted: numbers above 0, \(8, 8, 3\), or None"
    with pytest.raises(InputError, match=message):
        hard_threshold_step(noisy, SIGMA, spectrum=jnp.ones((8, 8, 1)))
    with pytest.raises(InputError, match=r"spectrum is .*; accepted: numbers above 0"):
        hard_threshold_step(noisy, SIGMA, spectrum=jnp.zeros((8, 8, 3)))


def test_a_ridge_leaves_what_is_smooth():
    _, noisy = stripes()
    smooth = jnp.full_like(noisy, 0.5)
    pilot = Filtered(smooth, jnp.full((32, 24), 0.01))
    refined = ridge_step(noisy, pilot, SIGMA)
    np.testing.assert_allclose(refined.image, smooth, atol=1e-6)
    np.testing.assert_allclose(refined.spread, 0.01, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_removes_noise_and_the_second_more(channels):
    clean, noisy = stripes(channels)
    first = hard_threshold_step(noisy, SIGMA)
    assert psnr(first.image, clean) > psnr(noisy, clean) + 8
    for step in (wiener_step, ridge_step):
        second = step(noisy, first, SIGMA)
        assert psnr(second.image, clean) > psnr(first.image, clean) + 0.3
    assert first.spread.shape == (32, 24)
    assert (first.spread > 0).all()


def test_a_map_of_one_noise_level_is_that_level():
    _, noisy = stripes()
    one = hard_threshold_step(noisy, SIGMA)
    mapped = hard_threshold_step(noisy, jnp.full((32, 24), SIGMA))
    np.testing.assert_allclose(one.image, mapped.image, atol=1e-6)


def test_a_clean_image_stays_and_its_estimates_agree():
    image = make_photograph(32, 24, 3)
    flat = hard_threshold_step(jnp.full((32, 24, 3), 0.5), 0.1)
    np.testing.assert_allclose(flat.image, 0.5, atol=1e-5)
    np.testing.assert_allclose(flat.spread, 0, atol=1e-3)
    pilot = Filtered(image, jnp.zeros((32, 24)))
    for step in (hard_threshold_step(image, 0.0), ridge_step(image, pilot, 0.0)):
        assert psnr(step.image, image) > 40


def test_under_vmap_it_equals_the_plain_calls():
    images = jnp.stack([make_photograph(10, 12, 1, seed=seed) for seed in range(2)])
    batch = jax.vmap(lambda image: hard_threshold_step(image, 0.05).image)(images)
    for image, filtered in zip(images, batch, strict=True):
        single = hard_threshold_step(image, 0.05).image
        np.testing.assert_allclose(filtered, single, atol=1e-5)
