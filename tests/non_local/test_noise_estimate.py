import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from drp_jax.non_local import noise_level, noise_map
from drp_jax.non_local.noise_estimate import known_noise_level, local_mean, local_variance

RANDOM = np.random.default_rng(0)


def ramp(side=96):
    """Brightness from 0.1 to 0.9 from left to right `[side, side, 3]`."""
    return np.broadcast_to(np.linspace(0.1, 0.9, side)[None, :, None], (side, side, 3))


def noisy(deviation, seed=0):
    clean = ramp()
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    return jnp.asarray(clean + deviation * noise, jnp.float32)


@pytest.mark.parametrize("deviation", [0.0, 0.01, 0.1])
def test_the_level_of_white_noise_is_found(deviation):
    np.testing.assert_allclose(noise_level(noisy(deviation)), deviation, rtol=0.05, atol=1e-6)


def test_clipping_hides_little_of_it():
    clipped = jnp.clip(noisy(0.2), 0, 1)
    np.testing.assert_allclose(noise_level(clipped), 0.2, rtol=0.12)
    everything = jnp.round(jnp.clip(noisy(1e3), 0, 1))
    assert noise_level(everything) > 0.3  # not one pixel is left in between


def test_edges_and_single_pixels_do_not_count():
    image = np.full((64, 64, 1), 0.3)
    image[:, 32:] = 0.7
    image[10, 10] = 0.9
    assert noise_level(jnp.asarray(image, jnp.float32)) == 0


def test_the_map_follows_the_brightness():
    """Photon noise: the variance is in proportion to the brightness."""
    clean = ramp()
    photons = np.random.default_rng(0).poisson(clean * 100) / 100
    found = noise_map(jnp.asarray(photons, jnp.float32))
    expected = np.sqrt(clean[..., 0] / 100)
    np.testing.assert_allclose(found[:, 10:-10], expected[:, 10:-10], rtol=0.15)


def test_the_map_of_white_noise_is_flat_even_on_a_flat_image():
    flat = 0.5 + np.random.default_rng(0).normal(0, 0.05, (64, 64, 3))
    np.testing.assert_allclose(noise_map(jnp.asarray(flat, jnp.float32)), 0.05, rtol=0.06)


def test_a_local_mean_is_the_mean():
    image = np.random.default_rng(0).random((6, 7, 2)).astype(np.float32)
    mean = local_mean(jnp.asarray(image), 3)
    np.testing.assert_allclose(mean[2, 3], image[1:4, 2:5].mean((0, 1)), rtol=1e-5)
    variance = local_variance(jnp.asarray(image), 3)
    residual = (image - np.asarray(mean))[1:4, 2:5]
    np.testing.assert_allclose(variance[2, 3, 0], np.mean(residual**2), rtol=1e-5)
    np.testing.assert_allclose(local_mean(jnp.full((6, 7, 2), 0.3), 3), 0.3, rtol=1e-6)


def test_noise_is_told_from_known_pixels_and_texture_is_none():
    rows, columns = np.mgrid[:96, :96]
    clean = (0.5 + 0.2 * np.sin(rows / 15) * np.cos(columns / 11))[..., None]
    known = (RANDOM.random((96, 96, 1)) < 0.5).astype(np.float32)
    told = jax.jit(known_noise_level)
    for sigma in (0.04, 0.1):
        noisy = (clean + sigma * RANDOM.normal(size=clean.shape)).astype(np.float32)
        np.testing.assert_allclose(told(noisy, known), sigma, rtol=0.12)
        assert told(noisy, np.where(RANDOM.random(known.shape) < 0.1, known, 0)) == 0  # too few
    smooth = scipy.ndimage.gaussian_filter(RANDOM.normal(size=(96, 96)), 0.8)[..., None]
    for texture in (clean, 0.5 + 0.2 * smooth, 0.5 + 0.02 * RANDOM.normal(size=clean.shape) * 0.3):
        assert told(texture.astype(np.float32), known) == 0
