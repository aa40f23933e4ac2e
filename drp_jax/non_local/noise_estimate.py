"""How much noise a picture has, estimated from the picture alone."""

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
    total = lax.reduce_window(padded, 0.0, lax.add, (window, window, 1), (1, 1, 1), "VALID")
    return total / window**2


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
