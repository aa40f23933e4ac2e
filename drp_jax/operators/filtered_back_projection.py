"""Filtered back-projection: an image from a sinogram at once, as a start and to compare with."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.errors import require_kind
from drp_jax.operators.projection import Projection, for_complex
from drp_jax.operators.radon import FanBeam, Radon


def filtered_back_projection(operator: Radon | FanBeam, sinogram: jax.Array) -> jax.Array:
    """The image `[H, W, 1]` by filtered back-projection, without regard to noise.

    With the Ram-Lak filter, of which the kernel is given in space, and linear interpolation between
    detectors. See Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 3.

    Args:
      operator: the beam. Its angles are spread evenly over a half or a full turn; those of a fan
        over a full one.
      sinogram: `[views, detectors]`, real or complex.

    Raises:
      InputError: if the operator is another, or the sinogram not its own.
    """
    require_kind(operator, Projection, "operator", "a Radon or a FanBeam")
    operator.image_shape(sinogram)
    return for_complex(lambda part: _filtered(operator, part), jnp.asarray(sinogram))[..., None]


def _filtered(operator: Projection, sinogram: jax.Array) -> jax.Array:
    count, last = operator.detectors, operator.detectors - 1
    central: Any = 1.0
    axial: Any = 1.0
    if isinstance(operator, FanBeam):
        # The detector is thought to go through the centre of rotation.
        axial = operator.source_distance / operator.reach
        central = jnp.cos(jnp.arctan2(operator.positions, operator.reach))[None]
    spacing = axial * operator.spacing
    # Zeros keep the end of a view from the beginning.
    length = 2 ** math.ceil(math.log2(2 * count))
    lags = np.fft.fftfreq(length, 1 / length)
    kernel = np.where(lags % 2 == 1, -1 / (np.pi * np.where(lags == 0, 1, lags)) ** 2, 0.0)
    kernel[0] = 1 / 4
    response = jnp.asarray(np.fft.rfft(kernel).real, sinogram.dtype)[None]
    spectra = jnp.fft.rfft(central * sinogram, length, axis=1) * response
    filtered = jnp.fft.irfft(spectra, length, axis=1)[:, :count] / spacing
    padded = jnp.pad(filtered, ((0, 0), (1, 1)))
    x, y = operator.pixels(sinogram.dtype)

    def add(image: jax.Array, view: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        angle, values = view
        position, enlarged = operator.seen(x, y, angle)
        place = jnp.clip(operator.detector(position), -1.0, last + 1.0)
        below = jnp.minimum(jnp.floor(place), last)
        at = below.astype(jnp.int32) + 1
        value = values[at] + (place - below) * (values[at + 1] - values[at])
        return image + value * jnp.square(axial * enlarged), None

    angles = jnp.asarray(operator.angles, sinogram.dtype)
    image, _ = lax.scan(add, jnp.zeros(operator.shape, sinogram.dtype), (angles, padded))
    return image * (math.pi / len(angles))
