"""How much noise a picture has, estimated from the picture alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.errors import require, require_number, require_picture
from drp_jax.problem import SMALLEST_SIDE

_DIFFERENCE = np.array([1.0, -2.0, 1.0], np.float32) / np.sqrt(6)
_DEVIATION_PER_MEDIAN = 1.4826  # of a normal distribution
_LEAST_SHARE = 0.05
_BINS = 8
_WINDOW = 7
_DAMPING = 1e-4
_BLOCK = 16
_LEAST_LINES = 24  # in a block
_LEAST_BLOCKS = 4
_LEAST_LEFT = 0.8  # least share of the lines of a block that clipping left
_UNLIKE = 0.75  # ratio of what second and first differences say, 1 in white noise
_QUIETEST = 0.2
_LEAST_LEVEL = 4 / 255


def noise_level(image: jax.Array) -> jax.Array:
    """Standard deviation of white noise in an image `[H, W, C]`, a scalar (intensity).

    The median of what second differences along both axes leave (Immerkaer, Fast noise variance
    estimation, 1996, with the median of Donoho and Johnstone instead of the mean, which edges
    do not move), averaged over the channels. Differences that touch a pixel at 0 or 1, whose noise
    may have been clipped, count only where nearly all do. Fine texture counts as noise.
    """
    require_picture(image, "image", SMALLEST_SIDE)
    difference, touched = _differences(image)
    axes = (0, 1)
    whole = jnp.nanmedian(jnp.where(touched, jnp.nan, difference), axis=axes)
    enough = jnp.mean(touched, axis=axes) < 1 - _LEAST_SHARE
    medians = jnp.where(enough, whole, jnp.median(difference, axis=axes))
    return _DEVIATION_PER_MEDIAN * jnp.mean(medians)


def noise_map(image: jax.Array) -> jax.Array:
    """Standard deviation of the noise around every pixel `[H, W]` (intensity).

    For noise that depends on the brightness, as that of photons, of speckle, or of any noise that
    was clipped: the variance is a parabola of the local mean, fitted to the medians of
    `noise_level` in bins of equal size.
    """
    require_picture(image, "image", SMALLEST_SIDE)
    difference, _ = _differences(image)
    difference = jnp.pad(difference, ((1, 1), (1, 1), (0, 0)), mode="edge").reshape(-1)
    brightness = local_mean(image, _WINDOW)
    order = jnp.argsort(brightness.reshape(-1))
    order = order[: order.size - order.size % _BINS].reshape(_BINS, -1)
    centres = jnp.mean(brightness.reshape(-1)[order], axis=1)
    deviations = _DEVIATION_PER_MEDIAN * jnp.median(difference[order], axis=1)
    powers = jnp.vander(centres, 3)
    # A little damping, for images whose bins are all of one brightness.
    normal = powers.T @ powers + _DAMPING * jnp.eye(3)
    parabola = jnp.linalg.solve(normal, powers.T @ jnp.square(deviations))
    variance = jnp.polyval(parabola, brightness)
    lowest, highest = (jnp.square(f(deviations)) for f in (jnp.min, jnp.max))
    return jnp.sqrt(jnp.mean(jnp.clip(variance, lowest, highest), axis=-1))


def known_noise_level(image: jax.Array, known: jax.Array) -> jax.Array:
    """Standard deviation of white noise, told from some pixels of an image: a scalar.

    Noise is everywhere and texture is not: it is what second differences of three known pixels in a
    line leave where they leave least, in a fifth of the image. Neighbours in noise are not alike,
    and those in texture are: it is 0 if there first differences say clearly more, and where it is
    below 4 of 255 or too few lines of three are known. Places with many pixels at 0 or 1 do not
    count.

    Args:
      image: `[H, W, C]`, values in [0, 1], both sides from 8 up.
      known: 1 for pixels that are known, 0 for others, `[H, W, C]`.
    """
    require_picture(image, "image", SMALLEST_SIDE)
    is_known = known > 0
    sums = [jnp.zeros(image.shape[:2])] * 4
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):

        def line(values: jax.Array, step: tuple[int, int] = (down, right)) -> list[jax.Array]:
            return [jnp.roll(values, (by * step[0], by * step[1]), (0, 1)) for by in (-1, 0, 1)]

        before, middle, after = line(image)
        is_line = functools.reduce(jnp.logical_and, line(is_known))
        is_counted = is_line & functools.reduce(jnp.logical_and, line((image > 0) & (image < 1)))
        first = (jnp.square(before - middle) + jnp.square(middle - after)) / 4
        second = jnp.square(before - 2 * middle + after) / 6
        measured = (is_counted * second, is_counted * first, is_counted, is_line)
        sums = [one + jnp.sum(more, axis=-1) for one, more in zip(sums, measured, strict=True)]
    inside = jnp.pad(jnp.ones((image.shape[0] - 2, image.shape[1] - 2)), 1)
    second, first, count, lines = (_by_block(inside * one) for one in sums)
    is_usable = count >= jnp.maximum(_LEAST_LINES, _LEAST_LEFT * lines)
    power = jnp.where(is_usable, second / jnp.maximum(count, 1), jnp.nan)
    least = jnp.nanquantile(power, _QUIETEST)
    is_quiet = power <= least  # nowhere if none is usable
    ratio = jnp.sum(second * is_quiet) / jnp.maximum(jnp.sum(first * is_quiet), 1e-12)
    is_noise = (jnp.sum(is_usable) >= _LEAST_BLOCKS) & (ratio > _UNLIKE)
    return jnp.where(is_noise & (least > _LEAST_LEVEL**2), jnp.sqrt(least), 0.0)


def _by_block(values: jax.Array) -> jax.Array:
    """Sums over blocks of 16 x 16 pixels of a map `[H, W]`."""
    rows, columns = (-(-side // _BLOCK) for side in values.shape)
    ends = [
        (0, count * _BLOCK - side)
        for count, side in zip((rows, columns), values.shape, strict=True)
    ]
    return jnp.pad(values, ends).reshape(rows, _BLOCK, columns, _BLOCK).sum((1, 3))


def check_noise(noise: jax.typing.ArrayLike, name: str, map_shape: tuple[int, ...] = ()) -> None:
    """Raises InputError unless a noise level is one number from 0 up, or a map of that shape."""
    accepted = "a number from 0 up" + (f", or a map {map_shape}" if map_shape else "")
    require_number(noise, name, 0, accepted=accepted)
    shape = np.shape(noise)
    require(shape in ((), map_shape), f"{name} has shape {shape}; accepted: {accepted}")


def local_mean(image: jax.Array, window: int) -> jax.Array:
    """Mean `[H, W, C]` over the `window` x `window` pixels around each, an odd number."""
    margin = window // 2
    padded = jnp.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    # One axis after the other: XLA goes through all of a window for every pixel.
    for size in ((window, 1, 1), (1, window, 1)):
        padded = lax.reduce_window(padded, 0.0, lax.add, size, (1, 1, 1), "VALID")
    return padded / window**2


def local_variance(image: jax.Array, window: int) -> jax.Array:
    """Variance `[H, W, 1]` of the `window` x `window` pixels around each, mean of the channels."""
    squared = jnp.square(image - local_mean(image, window))
    return jnp.mean(local_mean(squared, window), axis=-1, keepdims=True)


def _differences(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Absolute second differences, and whether they touch a pixel at 0 or 1: `[H-2, W-2, C]`."""
    channels = jnp.moveaxis(image, -1, 0)[:, None]
    kernel = jnp.asarray(np.outer(_DIFFERENCE, _DIFFERENCE))[None, None]
    difference = jnp.abs(lax.conv_general_dilated(channels, kernel, (1, 1), "VALID"))
    extreme = ((channels <= 0) | (channels >= 1)).astype(image.dtype)
    touched = lax.reduce_window(extreme, 0.0, lax.max, (1, 1, 3, 3), (1, 1, 1, 1), "VALID") > 0
    return jnp.moveaxis(difference[:, 0], 0, -1), jnp.moveaxis(touched[:, 0], 0, -1)
