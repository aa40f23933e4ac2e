import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter

from drp_jax import InputError
from drp_jax.non_local import NoiseSpectrum, estimated_noise, spectrum_of
from drp_jax.non_local.noise_spectrum import two_scales
from drp_jax.non_local.scales import halved

SIDE = 96
LEVEL = 0.04
RAISED = 1 + 0.25 * np.clip((np.hypot(*np.indices((8, 8, 1))[:2]) - 2) / 5, 0, 1)


def white(seed=0, shape=(SIDE, SIDE, 3)):
    return np.random.default_rng(seed).normal(size=shape)


def blurred(filtered):
    """White noise filtered along rows and columns, of deviation `LEVEL`."""
    noise = filtered(white())
    return (LEVEL * noise / noise.std()).astype(np.float32)


KINDS = {
    "white": lambda noise: noise,
    "smooth": lambda noise: gaussian_filter(noise, (0.8, 0.8, 0)),
    "blocks": lambda noise: uniform_filter(noise, (2, 2, 1)),
    "grey": lambda noise: np.repeat(noise[..., :1], 3, axis=2),
}
estimate = jax.jit(estimated_noise)


def bands(spectrum):
    """Root mean squares of brightness in four rings of frequencies."""
    frequency = np.hypot(*np.indices((8, 8)))
    power = np.square(np.asarray(spectrum.deviations)[..., 0])
    edges = ((1.5, 3), (3, 5), (5, 7), (7, 10))
    return np.sqrt([power[(frequency >= low) & (frequency < high)].mean() for low, high in edges])


def test_the_spectrum_of_a_sample_is_its_power():
    noise = LEVEL * white()
    spectrum = spectrum_of(jnp.asarray(noise, jnp.float32))
    np.testing.assert_allclose(spectrum.deviations, LEVEL, rtol=0.2)
    np.testing.assert_allclose(spectrum.level, LEVEL, rtol=0.02)
    np.testing.assert_allclose(spectrum.width, 1.0, atol=0.15)
    assert spectrum.is_white
    grey = spectrum_of(jnp.asarray(blurred(KINDS["grey"])))
    np.testing.assert_allclose(grey.deviations[..., 0], np.sqrt(3) * LEVEL, rtol=0.25)
    np.testing.assert_allclose(grey.deviations[..., 1:], 1e-3)  # the least there is


def test_the_width_of_blocks_is_theirs():
    blocks = np.repeat(np.repeat(white(shape=(48, 48, 3)), 2, axis=0), 2, axis=1)
    spectrum = spectrum_of(jnp.asarray(LEVEL * blocks, jnp.float32))
    np.testing.assert_allclose(spectrum.width, 2.0, rtol=0.1)
    assert not spectrum.is_white


def test_half_a_picture_has_the_halved_spectrum():
    noise = jnp.asarray(blurred(KINDS["smooth"]))
    small = spectrum_of(halved(noise))
    np.testing.assert_allclose(bands(spectrum_of(noise).halved()), bands(small), rtol=0.2)
    flat = NoiseSpectrum(jnp.full((8, 8, 1), LEVEL))
    np.testing.assert_allclose(flat.halved().deviations, LEVEL / 2, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_told_from_a_picture(kind):
    noise = blurred(KINDS[kind])
    rows, columns = np.indices((SIDE, SIDE)) / SIDE
    disc = np.hypot(rows - 0.4, columns - 0.6) < 0.2
    clean = (0.3 + 0.2 * rows + 0.2 * disc)[..., None]
    found = estimate(jnp.asarray(clean + noise, jnp.float32))
    np.testing.assert_allclose(bands(found.spectrum), bands(spectrum_of(noise)), rtol=0.35)
    assert bool(found.is_coloured) == (kind != "white")
    assert found.factor.shape == (SIDE, SIDE)
    np.testing.assert_allclose(found.factor, 1, atol=0.35)
    assert 1 < found.spread < 2


def test_texture_without_noise_is_not_noise():
    """Stripes as steep as noise, on a part of the picture only."""
    columns = np.arange(SIDE)[None, :, None]
    stripes = np.where(columns < 64, 0.1 * np.sin(columns * columns / 40), 0.001 * columns)
    found = estimate(jnp.asarray(np.broadcast_to(0.5 + stripes, (SIDE, SIDE, 3)), jnp.float32))
    assert found.spread > 3.2
    assert not found.is_coloured


def test_noise_that_grows_with_brightness_has_a_factor_that_does():
    ramp = np.linspace(0.2, 0.8, SIDE)[None, :, None]
    noise = blurred(KINDS["smooth"]) * 2 * ramp
    factor = estimate(jnp.asarray(ramp + noise, jnp.float32)).factor
    found = np.asarray(factor).mean(0)
    np.testing.assert_allclose(found[80] / found[16], ramp[0, 80, 0] / ramp[0, 16, 0], rtol=0.3)


def test_a_picture_without_noise_has_that_of_rounding_and_is_white():
    found = estimate(jnp.full((64, 64, 3), 0.5)).spectrum
    np.testing.assert_allclose(found.deviations, 1 / 255 / np.sqrt(12), rtol=0.01)
    assert found.is_white


def test_texture_of_the_smaller_picture_is_bounded_by_the_larger_one():
    fine = NoiseSpectrum(jnp.full((8, 8, 3), LEVEL))
    coarse = NoiseSpectrum(jnp.full((8, 8, 3), 10 * LEVEL))
    _, bounded = two_scales(fine, coarse)
    raised = np.broadcast_to(RAISED, (8, 8, 3)) * LEVEL / 2
    np.testing.assert_allclose(bounded.deviations[..., 0], 1.1 * raised[..., 0], rtol=1e-5)
    np.testing.assert_allclose(bounded.deviations[..., 1:], 1.32 * raised[..., 1:], rtol=1e-5)


def test_noise_of_colours_at_low_frequencies_is_told_by_the_smaller_picture():
    fine = NoiseSpectrum(jnp.full((8, 8, 3), LEVEL))
    steep = fine.deviations.at[:4, :4, 1:].set(LEVEL / 10)
    raised, _ = two_scales(NoiseSpectrum(steep), fine.halved())
    np.testing.assert_allclose(raised.deviations[:3, :3, 1:], LEVEL, rtol=0.25)
    np.testing.assert_allclose(raised.deviations[..., 0], LEVEL * RAISED[..., 0], rtol=1e-6)


def test_bad_input_is_refused():
    for wrong in (jnp.ones((7, 8, 3)), jnp.ones((8, 8))):
        with pytest.raises(InputError, match=r"deviations have shape .*; accepted: numbers above"):
            NoiseSpectrum(wrong)
    with pytest.raises(InputError, match=r"deviations is .*; accepted: numbers above 0"):
        NoiseSpectrum(jnp.zeros((8, 8, 3)))
    for function in (estimated_noise, spectrum_of):
        with pytest.raises(InputError, match="from 32"):
            function(jnp.zeros((31, 40, 3)))
