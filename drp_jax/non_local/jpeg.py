"""What JPEG did to a picture, told from the picture alone.

JPEG divides the cosine transform of every 8 x 8 pixels by a table and rounds it. A picture that was
compressed has only multiples of the table's entries there, which tells the table, among those of
the Independent JPEG Group's qualities; the rounding is noise, whose spectrum follows from the table
and from how many coefficients became 0. The grid of 8 x 8 pixels is taken to begin in the corner.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.errors import require_picture
from drp_jax.non_local.noise_spectrum import (
    FREQUENCY,
    LARGE_SCALE,
    LEAST_SIDE,
    SIZE,
    NoiseSpectrum,
)
from drp_jax.non_local.opponent import cosines
from drp_jax.pytrees import record

LEAST_QUALITY, MOST_QUALITY = 5, 85

# ITU-T T.81, table K.1: brightness.
_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_MOST_BLOCKS = 2048
_NOT_ZERO = 0.4  # of a step: one is half of the step of twice as much, which it speaks against
_LEAST_COUNT = 50  # of coefficients that are not 0
_LEAST_MATCH = 0.6
_FEW = 8
_FALL = 1.5  # power of the frequency with which coefficients of photographs fall


@record
class Compression:
    """What JPEG did to a picture.

    Attributes:
      quality: that of the Independent JPEG Group's program, whole; 0 if no JPEG was found.
      spectrum: that of the noise that it made.
    """

    quality: jax.Array
    spectrum: NoiseSpectrum


def compression(image: jax.Array) -> Compression:
    """What JPEG did to an image `[H, W, C]`, values in [0, 1], both sides from 32 up."""
    require_picture(image, "image", LEAST_SIDE)
    coefficients = _blocks(image)
    qualities = np.arange(LEAST_QUALITY, MOST_QUALITY + 1)
    tables = jnp.asarray(np.stack([table(quality) for quality in qualities.tolist()]), jnp.float32)
    matches = lax.map(lambda steps: _match(coefficients, steps), tables)
    # Multiples of a step are multiples of its half too: the coarsest that matches.
    best = jnp.argmax(matches > 0.98 * jnp.max(matches))
    found = jnp.max(matches) > _LEAST_MATCH
    spectrum = _spectrum(coefficients, tables[best], image.shape[-1])
    return Compression(jnp.where(found, jnp.asarray(qualities)[best], 0), spectrum)


def beside(noise: NoiseSpectrum, rounding: NoiseSpectrum) -> NoiseSpectrum:
    """The spectrum of rounding and of noise that was there before it.

    After JPEG quiet patches have no noise at high frequencies, from which that at low ones could be
    told from texture; so it counts as no stronger there than above.
    """
    middle = (FREQUENCY >= LARGE_SCALE) & (FREQUENCY < LARGE_SCALE + 1.5)
    most = jnp.mean(noise.deviations[middle], axis=0)
    is_low = (FREQUENCY < LARGE_SCALE)[..., None]
    flat = jnp.where(is_low, jnp.minimum(noise.deviations, most[None, None]), noise.deviations)
    return NoiseSpectrum(jnp.maximum(flat, rounding.deviations))


def table(quality: int) -> np.ndarray:
    """The steps of brightness `[8, 8]` on the 0-255 scale at a quality from 1 to 100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_TABLE * scale + 50) // 100, 1, 255)


def _blocks(image: jax.Array) -> jax.Array:
    """Cosine transforms of the brightness of 8 x 8 pixels, `[n, 8, 8]`, on the 0-255 scale."""
    luma = image @ _LUMA if image.shape[-1] == 3 else jnp.mean(image, axis=-1)
    rows, columns = (side // SIZE for side in luma.shape)
    blocks = luma[: rows * SIZE, : columns * SIZE].reshape(rows, SIZE, columns, SIZE)
    blocks = jnp.moveaxis(blocks, 2, 1).reshape(-1, SIZE, SIZE)
    chosen = np.linspace(0, rows * columns - 1, min(rows * columns, _MOST_BLOCKS)).astype(int)
    basis = 255 * cosines(SIZE)
    return jnp.einsum("nij,ai,bj->nab", blocks[chosen], basis, cosines(SIZE))


def _match(coefficients: jax.Array, steps: jax.Array) -> jax.Array:
    """How near the coefficients are to multiples of the steps: 1 for all at them, 0 by chance."""
    counted = (jnp.abs(coefficients) > _NOT_ZERO * steps[None]) & (FREQUENCY > 0)[None]
    phases = jnp.cos(2 * jnp.pi * coefficients / steps[None])
    count = jnp.sum(counted)
    return jnp.where(count < _LEAST_COUNT, 0.0, jnp.sum(phases * counted) / count)


def _spectrum(coefficients: jax.Array, steps: jax.Array, channels: int) -> NoiseSpectrum:
    """The spectrum of what rounding took away.

    Coefficients before it have a Laplace distribution, whose scale is told by how many are 0
    after it, or, if nearly all are, falls with the frequency as it does in photographs. The
    colours, which have coarser steps and half the pixels, have noise of lower frequencies, in
    proportion.
    """
    total = coefficients.shape[0]
    kept = jnp.sum(jnp.abs(coefficients) > _NOT_ZERO * steps[None], axis=0)
    share = jnp.clip(kept / total, 1 / (2 * total), 1 - 1 / total)
    scale = steps / (-2 * jnp.log(share))
    is_told = (kept >= _FEW) & (FREQUENCY > 0)
    fall = np.maximum(FREQUENCY, 1) ** _FALL
    typical = jnp.sum(jnp.log(scale * fall) * is_told) / jnp.maximum(jnp.sum(is_told), 1)
    scale = jnp.where(is_told, scale, jnp.minimum(scale, jnp.exp(typical) / fall))
    to_zero = 2 * scale**2 - share * (steps**2 / 4 + steps * scale + 2 * scale**2)
    rounded = jnp.sqrt(jnp.maximum(to_zero, 0) + share * steps**2 / 12)
    rounded = jnp.maximum(rounded, 1) / 255  # one of 255 is about what colours leave
    if channels != 3:
        return NoiseSpectrum(jnp.broadcast_to(rounded[..., None], (SIZE, SIZE, channels)))
    brightness = np.sqrt(3) * rounded
    decay = np.exp(-FREQUENCY / 3.5)
    colours = [factor * brightness[0, 1] * decay for factor in (1.5, 1.0)]
    return NoiseSpectrum(jnp.stack([brightness, *colours], axis=-1))
