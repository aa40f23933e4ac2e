"""Noise that is known beforehand, for every brightness: what tiles of a picture are told.

`noisy_image` tells the noise of a picture from that picture. Told from each tile alone it would
be another in every tile, which shows as steps of the grain. So it is told once, from a sample of
the whole picture, and kept by brightness.
"""

import dataclasses
from typing import Optional

import jax
import jax.numpy as jnp

from drp_jax.non_local.impulses import without_impulses
from drp_jax.non_local.noise_estimate import local_mean
from drp_jax.non_local.noisy_image import NoisyImage, noisy_image
from drp_jax.non_local.scales import halved
from drp_jax.products import exact_products
from drp_jax.pytrees import record

_BINS = 64
_WINDOW = 7


@record
class NoiseModel:
    """Noise by brightness.

    Attributes:
      level, width, jpeg_quality, spectrum: as in `NoisyImage`.
      brightness: means over 7 x 7 pixels at which the deviation is known, `[n]`, ascending.
      deviation: standard deviation of the noise there, `[n]`.
      coarse: that of the means of 2 x 2 pixels, as in `NoisyImage`.
      has_impulses: whether some of the noise is impulses.
    """

    level: jax.Array
    brightness: jax.Array
    deviation: jax.Array
    spectrum: jax.Array | None
    coarse: Optional["NoiseModel"]
    width: float | jax.Array
    jpeg_quality: jax.Array | None
    has_impulses: bool | jax.Array

    def of(self, image: jax.Array, strength: jax.Array) -> NoisyImage:
        """A picture with this noise.

        Args:
          image: `[H, W, C]`, values in [0, 1].
          strength: what the deviation is multiplied by, above 0.
        """
        image = without_impulses(image, self.level, is_noise=self.has_impulses)
        return self._without_impulses(image, strength)

    def _without_impulses(self, image: jax.Array, strength: jax.Array) -> NoisyImage:
        coarse = None
        if self.coarse is not None:
            coarse = self.coarse._without_impulses(halved(image), strength)
        deviation = jnp.interp(_brightness(image), self.brightness, self.deviation)
        return NoisyImage(
            image=image,
            level=strength * self.level,
            deviation=strength * deviation,
            spectrum=self.spectrum,
            coarse=coarse,
            width=self.width,
            jpeg_quality=self.jpeg_quality,
        )


@jax.jit
@exact_products
def noise_model(image: jax.Array) -> NoiseModel:
    """The noise of a picture, told from the picture.

    Args:
      image: `[H, W, C]`, values in [0, 1].
    """
    noisy = noisy_image(image)
    has_impulses = jnp.any(noisy.image != image)
    return dataclasses.replace(_by_brightness(noisy), has_impulses=has_impulses)


def _by_brightness(noisy: NoisyImage) -> NoiseModel:
    """What is known of a picture's noise, by the brightness that it had there."""
    brightness, deviation = _brightness(noisy.image).reshape(-1), noisy.deviation.reshape(-1)
    order = jnp.argsort(brightness)
    bins = min(_BINS, order.size)
    order = order[: order.size - order.size % bins].reshape(bins, -1)
    return NoiseModel(
        level=noisy.level,
        brightness=jnp.mean(brightness[order], axis=1),
        deviation=jnp.mean(deviation[order], axis=1),
        spectrum=noisy.spectrum,
        coarse=None if noisy.coarse is None else _by_brightness(noisy.coarse),
        width=noisy.width,
        jpeg_quality=noisy.jpeg_quality,
        has_impulses=False,
    )


def _brightness(image: jax.Array) -> jax.Array:
    return jnp.mean(local_mean(image, _WINDOW), axis=-1)
