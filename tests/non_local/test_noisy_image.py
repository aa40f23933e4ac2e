import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from drp_jax import InputError
from drp_jax.metrics import psnr
from drp_jax.non_local import NoiseSpectrum, denoise, spectrum_of
from drp_jax.non_local.noisy_image import noisy_image

SIDE = 64
ROWS, COLUMNS = np.indices((SIDE, SIDE)) / SIDE
DISC = np.hypot(ROWS - 0.4, COLUMNS - 0.6) < 0.2
CLEAN = np.repeat((0.3 + 0.2 * ROWS + 0.2 * DISC)[..., None], 3, axis=2).astype(np.float32)
WHITE = np.random.default_rng(0).normal(0, 0.05, CLEAN.shape)
SMOOTH = gaussian_filter(WHITE, (1, 1, 0))
SMOOTH = 0.05 * SMOOTH / SMOOTH.std()
told = jax.jit(noisy_image)
denoised = jax.jit(functools.partial(denoise, refinements=(), radius=4))


def picture(noise):
    return jnp.asarray(CLEAN + noise, jnp.float32)


def test_white_noise_has_a_flat_spectrum_and_nothing_at_half_the_size():
    noisy = told(picture(WHITE))
    np.testing.assert_array_equal(noisy.spectrum, jnp.ones((8, 8, 3)))
    np.testing.assert_allclose(noisy.level, 0.05, rtol=0.1)
    assert noisy.coarse.level == 0


def test_smooth_noise_is_told_at_both_scales():
    noisy = told(picture(SMOOTH))
    true = spectrum_of(jnp.asarray(SMOOTH, jnp.float32))
    np.testing.assert_allclose(noisy.level, true.level, rtol=0.2)
    np.testing.assert_allclose(noisy.coarse.level, true.halved().level, rtol=0.25)
    np.testing.assert_allclose(np.mean(noisy.spectrum**2), 1, rtol=1e-4)
    np.testing.assert_allclose(NoiseSpectrum(noisy.spectrum).width, true.width, rtol=0.2)


def test_smooth_noise_is_removed_and_a_level_alone_removes_it_less():
    by_itself = psnr(denoised(picture(SMOOTH), strength=jnp.array(1.0)).image, CLEAN)
    assert by_itself > psnr(picture(SMOOTH), CLEAN) + 6
    assert by_itself > psnr(denoised(picture(SMOOTH), 0.05).image, CLEAN) + 2


def test_a_spectrum_that_is_given_is_taken():
    spectrum = spectrum_of(jnp.asarray(SMOOTH, jnp.float32))
    noisy = noisy_image(picture(SMOOTH), spectrum, strength=2.0)
    np.testing.assert_allclose(noisy.deviation, 2 * spectrum.level, rtol=1e-5)
    np.testing.assert_allclose(noisy.coarse.level, 2 * spectrum.halved().level, rtol=1e-5)
    np.testing.assert_allclose(noisy.spectrum * noisy.level, 2 * spectrum.deviations, rtol=1e-5)
    found = denoised(picture(SMOOTH), spectrum).image
    assert psnr(found, CLEAN) > psnr(picture(SMOOTH), CLEAN) + 6
    small = noisy_image(picture(SMOOTH)[:12], spectrum)
    assert small.coarse is None


def test_a_strength_of_more_than_one_removes_more():
    removed = [
        float(jnp.std(denoised(picture(SMOOTH), strength=strength).image - picture(SMOOTH)))
        for strength in jnp.array([0.5, 1.0, 1.5])
    ]
    assert removed == sorted(removed)
    level, doubled = (noisy_image(picture(WHITE), 0.05, s).level for s in (1.0, 2.0))
    np.testing.assert_allclose(doubled, 2 * level, rtol=1e-6)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="strength is 0; accepted: above 0"):
        denoise(picture(WHITE), strength=0)
    with pytest.raises(InputError, match=r"spectrum has shape \(8, 8, 1\); accepted: numbers"):
        denoise(picture(WHITE), NoiseSpectrum(jnp.ones((8, 8, 1))))
