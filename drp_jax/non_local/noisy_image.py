"""A picture and what is known of its noise."""

import dataclasses
from typing import Optional

import jax
import jax.numpy as jnp

from drp_jax.batching import chosen
from drp_jax.errors import require_number
from drp_jax.non_local.collaborative import check_spectrum
from drp_jax.non_local.impulses import without_impulses
from drp_jax.non_local.jpeg import beside, compression
from drp_jax.non_local.noise_estimate import check_noise, noise_level, noise_map
from drp_jax.non_local.noise_spectrum import LEAST_SIDE, NoiseSpectrum, estimated_noise, two_scales
from drp_jax.non_local.scales import halved
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.pytrees import record


@record
class NoisyImage:
    """A picture and what is known of its noise.

    Attributes:
      image: the picture without its impulses, `[H, W, C]`.
      level: standard deviation of the noise where it was not clipped.
      deviation: its standard deviation around every pixel, `[H, W]`.
      spectrum: factors of that by frequency, `[8, 8, C]`, as in `NoiseSpectrum`; None for white.
      coarse: the means of 2 x 2 pixels with their noise, of a level of 0 if the noise is white and
        the picture itself says enough; None if that is known beforehand.
      width: over about how many pixels it is smooth, 1 for white noise.
      jpeg_quality: that at which the picture was compressed, 0 if no JPEG was found; None if that
        was not looked for.
    """

    image: jax.Array
    level: jax.Array
    deviation: jax.Array
    spectrum: jax.Array | None = None
    coarse: Optional["NoisyImage"] = None
    width: float | jax.Array = 1.0
    jpeg_quality: jax.Array | None = None


def noisy_image(
    image: jax.Array,
    sigma: jax.typing.ArrayLike | NoiseSpectrum | None = None,
    strength: jax.typing.ArrayLike = 1.0,
) -> NoisyImage:
    """A picture with its noise, which is estimated if it is not given.

    Args:
      image: `[H, W, C]`, values in [0, 1].
      sigma: standard deviation of the noise (intensity), one number or `[H, W]`, or its spectrum.
      strength: what the deviation is multiplied by, above 0.
    """
    check_strength(strength)
    if isinstance(sigma, NoiseSpectrum):
        check_spectrum(sigma.deviations, image.shape[-1])
    elif sigma is not None:
        check_noise(sigma, "sigma", image.shape[:2])
    strength = jnp.asarray(strength, image.dtype)
    if isinstance(sigma, NoiseSpectrum):
        coarse = None
        if min(image.shape[:2]) >= 2 * SMALLEST_SIDE:
            coarse = _with_spectrum(halved(image), sigma.halved(), strength)
        return _with_spectrum(image, sigma, strength, coarse=coarse)
    if sigma is not None:
        deviation = strength * jnp.asarray(sigma, image.dtype)
        level = jnp.sqrt(jnp.mean(jnp.square(deviation)))
        return NoisyImage(image, level, jnp.broadcast_to(deviation, image.shape[:2]))
    filled = without_impulses(image, noise_level(image))
    white = NoisyImage(filled, strength * noise_level(filled), strength * noise_map(filled))
    if min(image.shape[:2]) < 2 * LEAST_SIDE:
        return white
    return _estimated(white, strength, has_impulses=jnp.any(filled != image))


def check_strength(strength: jax.typing.ArrayLike) -> None:
    """Raises InputError unless the strength is above 0."""
    require_number(strength, "strength", 0, least_allowed=False, accepted="above 0")


def _estimated(white: NoisyImage, strength: jax.Array, has_impulses: jax.Array) -> NoisyImage:
    """The same picture with the spectra of its noise at two scales, if it is not white."""
    image, small = white.image, halved(white.image)
    fine, coarse = map(estimated_noise, (image, small))
    jpeg = compression(image)
    is_jpeg = jpeg.quality > 0
    # With impulses there is no noise of a camera beside them.
    is_white = ~(fine.is_coloured | is_jpeg) | has_impulses
    rounded = beside(fine.spectrum, jpeg.spectrum)
    spectrum, small_spectrum = (
        chosen(is_jpeg, *pair)
        for pair in zip(
            (rounded, rounded.halved()), two_scales(fine.spectrum, coarse.spectrum), strict=True
        )
    )
    # What JPEG does is alike at all brightnesses.
    factor, small_factor = (jnp.where(is_jpeg, 1.0, it.factor) for it in (fine, coarse))
    below = _with_spectrum(small, small_spectrum, strength * ~is_white, factor=small_factor)
    smooth = _with_spectrum(image, spectrum, strength, factor=factor)
    flat = dataclasses.replace(white, spectrum=jnp.ones_like(spectrum.deviations))
    either = jax.tree.map(lambda one, other: jnp.where(is_white, one, other), flat, smooth)
    return dataclasses.replace(either, coarse=below, jpeg_quality=jpeg.quality)


def _with_spectrum(
    image: jax.Array,
    spectrum: NoiseSpectrum,
    strength: jax.Array,
    *,
    factor: jax.typing.ArrayLike = 1.0,
    coarse: NoisyImage | None = None,
) -> NoisyImage:
    """A picture whose noise has a spectrum, times a factor `[H, W]` and the strength."""
    level = strength * spectrum.level
    deviation = jnp.broadcast_to(level * factor, image.shape[:2])
    relative = spectrum.deviations / spectrum.level
    return NoisyImage(image, level, deviation, relative, coarse, spectrum.width)
