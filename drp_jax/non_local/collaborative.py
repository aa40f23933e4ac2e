"""Collaborative filtering: a denoiser that uses how often a photograph repeats itself.

Around every few pixels a patch is taken with those most like it nearby, the group is denoised
together, and overlapping results are averaged. Three ways to denoise a group, used in turn:

1. *Hard threshold*, the first step of BM3D (Dabov et al., Image denoising by sparse 3-D
   transform-domain collaborative filtering, TIP 2007): a cosine transform within and across
   patches, in which small coefficients are set to zero. Here with a cosine across patches too
   and without the Kaiser window.
2. *Wiener*, the second step of BM3D: every coefficient is scaled by what the first step says of
   it.
3. *Ridge*, the second step of NL-Ridge (Herbreteau and Kervrann, Towards a unified view of
   unsupervised non-local methods for image denoising, SIIMS 2022): every patch becomes the best
   linear combination of the noisy patches of its group, by the estimate of the step before. It is
   better where there is texture and worse where there is none, so the two are averaged by how
   much there is.

All work on the three orthonormal opponent colours, matched together. No training data.
"""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.batching import one_by_one
from drp_jax.errors import (
    require,
    require_kind,
    require_number,
    require_picture,
    require_whole,
)
from drp_jax.non_local.matching import Search, Strip, windowed_sum
from drp_jax.non_local.noise_estimate import check_noise, local_variance
from drp_jax.non_local.opponent import from_opponent, to_opponent
from drp_jax.non_local.patches import Layout
from drp_jax.non_local.shrinkage import Shrink, hard_threshold, ridge, wiener
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.pytrees import record

LEAST_RADIUS, MOST_RADIUS, MOST_PATCH = 4, 64, 64

_LEAST_STRIDE = 4  # pixels from one reference patch to the next
_CHUNK = 32
_TEXTURE_WINDOW = 7
# Variance at which an image counts half as texture, in variances of the noise: what is left of the
# noise in a well denoised flat patch.
_SMOOTH = 0.05
_LEAST_NOISE = 1e-3  # below it the ridge step's matrices are singular in float32


@record
class Filtered:
    """A filtered image.

    Attributes:
      image: `[H, W, C]`, not clipped.
      spread: weighted standard deviation of the overlapping estimates of a pixel, root mean
        square over the channels, `[H, W]`. Where they disagree the image is uncertain.
    """

    image: jax.Array
    spread: jax.Array


def hard_threshold_step(
    noisy: jax.Array,
    noise: jax.typing.ArrayLike,
    *,
    spectrum: jax.Array | None = None,
    patch: int = 8,
    count: int = 16,
    radius: int = 12,
) -> Filtered:
    """Removes Gaussian noise, well and fast: a hard threshold.

    Args:
      noisy: the noisy image `[H, W, C]`, both sides from 8 up.
      noise: its standard deviation (intensity), from 0 up, one or `[H, W]`; anything below 1e-3
        counts as that.
      spectrum: factors of it by frequency, `[8, 8, C]`, as in `NoiseSpectrum`, above 0. White noise
        if None.
      patch: side of a patch in pixels, from 1 to 64; that of the image, if the image is smaller.
      count: patches per group, from 1 up.
      radius: how far like patches are looked for, in pixels along each axis, from 4 to 64.
    """
    require_picture(noisy, "image", SMALLEST_SIDE)
    require_whole(patch, "patch", 1, MOST_PATCH)
    patch = min(patch, *noisy.shape[:2])
    return _filter(
        *(noisy, None, noise, spectrum),
        shrink=hard_threshold,
        patch=patch,
        count=count,
        radius=radius,
    )


def wiener_step(
    noisy: jax.Array,
    pilot: Filtered,
    noise: jax.typing.ArrayLike,
    *,
    spectrum: jax.Array | None = None,
    count: int = 32,
    radius: int = 12,
) -> Filtered:
    """Removes Gaussian noise, better, by an estimate: groups of 8 x 8 patches, Wiener.

    Args:
      noisy: as in `hard_threshold_step`, and so are all others but the pilot.
      pilot: an estimate of the clean image, the first step's.
      noise: the level of the noise.
      spectrum: factors of the noise by frequency.
      count: patches per group.
      radius: how far similar patches are looked for.
    """
    _check_pilot(pilot, noisy)
    return _filter(
        *(noisy, pilot.image, noise, spectrum), shrink=wiener, patch=8, count=count, radius=radius
    )


def ridge_step(
    noisy: jax.Array,
    pilot: Filtered,
    noise: jax.typing.ArrayLike,
    *,
    spectrum: jax.Array | None = None,
    count: int = 64,
    radius: int = 12,
) -> Filtered:
    """Removes Gaussian noise where there is texture: groups of 7 x 7 patches, ridge.

    Where the pilot is smooth, compared with the noise, it is left as it is, image and spread.

    Args:
      noisy: as in `hard_threshold_step`, and so are all others but the pilot.
      pilot: an estimate of the clean image, that of the step before.
      noise: the level of the noise.
      spectrum: factors of the noise by frequency.
      count: patches per group.
      radius: how far similar patches are looked for.
    """
    _check_pilot(pilot, noisy)
    filtered = _filter(
        *(noisy, pilot.image, noise, spectrum), shrink=ridge, patch=7, count=count, radius=radius
    )
    variance = local_variance(pilot.image, _TEXTURE_WINDOW)
    level = jnp.broadcast_to(jnp.maximum(noise, _LEAST_NOISE), noisy.shape[:2])[..., None]
    share = variance / (variance + _SMOOTH * jnp.square(level))
    image = share * filtered.image + (1 - share) * pilot.image
    spread = share[..., 0] * filtered.spread + (1 - share[..., 0]) * pilot.spread
    return Filtered(image, spread)


def check_search(count: int, radius: int) -> None:
    """Raises InputError if the search for patches has a value out of its range."""
    require_whole(radius, "radius", LEAST_RADIUS, MOST_RADIUS)
    require_whole(count, "patches per group", 1, (2 * radius + 1) ** 2)


def check_spectrum(spectrum: jax.Array | None, channels: int) -> None:
    """Raises InputError unless it is None or factors above 0 of the right shape."""
    if spectrum is None:
        return
    accepted = f"numbers above 0, {(8, 8, channels)}, or None"
    require_number(spectrum, "spectrum", 0, least_allowed=False, accepted=accepted)
    shape = np.shape(spectrum)
    require(shape == (8, 8, channels), f"spectrum has shape {shape}; accepted: {accepted}")


def _check_pilot(pilot: Filtered, noisy: jax.Array) -> None:
    require_picture(noisy, "image", SMALLEST_SIDE)
    require_kind(pilot, Filtered, "pilot", "a Filtered, as the step before gives")
    shape = pilot.image.shape
    require(shape == noisy.shape, f"pilot has shape {shape}; accepted: {noisy.shape}, the image's")


def _filter(
    noisy: jax.Array,
    pilot: jax.Array | None,
    noise: jax.typing.ArrayLike,
    spectrum: jax.Array | None,
    *,
    shrink: Shrink,
    patch: int,
    count: int,
    radius: int,
) -> Filtered:
    """One step: groups that are alike in the pilot, or the picture itself, shrunk and averaged."""
    check_noise(noise, "noise", noisy.shape[:2])
    check_spectrum(spectrum, noisy.shape[-1])
    check_search(count, radius)
    if spectrum is None:
        spectrum = jnp.ones((1, 1, noisy.shape[-1]))
    level = jnp.maximum(noise, _LEAST_NOISE)
    stride = max(_LEAST_STRIDE, 3 * patch // 8)
    height, width = noisy.shape[:2]
    search = Search(height, width, patch, count, radius, stride)
    step = functools.partial(_filter_one, shrink=shrink, search=search)
    images = (noisy,) if pilot is None else (noisy, pilot)
    return one_by_one(step, elsewhere=step)(images, level, spectrum)


def _filter_one(
    images: tuple[jax.Array, ...],
    level: jax.Array,
    spectrum: jax.Array,
    *,
    shrink: Shrink,
    search: Search,
) -> Filtered:
    chex.assert_equal_shape(images)
    channels, patch = images[0].shape[-1], search.patch
    planes = jnp.concatenate([jnp.moveaxis(to_opponent(it), -1, 0) for it in images])
    zeros = functools.partial(jnp.zeros, dtype=planes.dtype)
    padded = search.padded(planes[-channels:])
    layout = Layout(search.window, search.width, patch)
    factors = _by_pixel(spectrum, patch)

    def add(sums: tuple[jax.Array, jax.Array], strip: Strip) -> tuple[Any, None]:
        places = search.nearest(padded, strip)
        corners = (places[..., 0] - strip.window) * search.width + places[..., 1]
        levels = jnp.broadcast_to(_at_patches(level, search, strip), places.shape[:1])
        is_new = jnp.repeat(strip.is_new, search.columns.size)
        window = lax.dynamic_slice_in_dim(planes, strip.window, search.window, axis=1)
        columns = layout.columns(window)

        def shrunk(sums: tuple[jax.Array, jax.Array], chunk: tuple[Any, ...]) -> tuple[Any, None]:
            corners, levels, is_new = chunk
            groups = layout.gathered(columns, corners)
            noise = jnp.maximum(levels[None, :, None, None] * factors, _LEAST_NOISE)
            estimate, weight = shrink(groups[:channels], groups[-channels:], noise)
            weight = weight * is_new[None, :, None]
            weighted = estimate * weight[..., None]
            both = jnp.concatenate([weighted, estimate * weighted])
            estimates, weights = sums
            weights = weights.at[:, corners].add(weight, mode="promise_in_bounds")
            return (layout.added(estimates, corners, both), weights), None

        blank = zeros(2 * channels * layout.places * patch), zeros((channels, layout.places))
        found, _ = lax.scan(shrunk, blank, _in_chunks(corners, levels, is_new))
        weights = found[1].reshape(channels, -1, search.width)
        new = layout.folded(found[0]), weights
        return tuple(
            _added_at(old, one, strip.window) for old, one in zip(sums, new, strict=True)
        ), None

    blank = zeros((2 * channels, search.height, search.width))
    corners = zeros((channels, search.height - patch + 1, search.width))
    (sums, weights), _ = lax.scan(add, (blank, corners), search.strips)
    # A weight stands at the corner of its patch.
    margin = ((0, 0), (patch - 1, patch - 1), (patch - 1, 0))
    weight = windowed_sum(jnp.pad(weights, margin), patch)
    mean, second = jnp.split(sums / jnp.tile(weight, (2, 1, 1)), 2)
    variance = jnp.maximum(second - jnp.square(mean), 0.0)
    return Filtered(from_opponent(jnp.moveaxis(mean, 0, -1)), jnp.sqrt(jnp.mean(variance, axis=0)))


def _at_patches(level: jax.Array, search: Search, strip: Strip) -> jax.Array:
    """The mean noise in the reference patches of a strip, `[groups]`, or one for all."""
    if level.ndim == 0:
        return level
    covered = lax.dynamic_slice_in_dim(level, strip.start, search.covered)
    sums = windowed_sum(covered[None], search.patch)[0, strip.rows - strip.start]
    return sums[:, search.columns].reshape(-1) / search.patch**2


def _added_at(image: jax.Array, rows: jax.Array, first: jax.Array) -> jax.Array:
    """Planes `[C, H, W]` with some rows `[C, h, W]` added from the first on."""
    before = lax.dynamic_slice_in_dim(image, first, rows.shape[1], axis=1)
    return lax.dynamic_update_slice_in_dim(image, before + rows, first, axis=1)


def _in_chunks(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    """Arrays of groups, cut into chunks of a few; the last is filled up with zeros."""
    missing = -arrays[0].shape[0] % _CHUNK
    padded = (jnp.pad(it, ((0, missing), *[(0, 0)] * (it.ndim - 1))) for it in arrays)
    return tuple(it.reshape(-1, _CHUNK, *it.shape[1:]) for it in padded)


def _by_pixel(spectrum: jax.Array, size: int) -> jax.Array:
    """A spectrum for patches of another size, `[C, 1, 1, size * size]`: the same frequencies.

    The coefficients of an orthonormal transform have the same deviation at any size. A spectrum of
    one number a channel is that of white noise, and stays so.
    """
    known = spectrum.shape[0]
    if known == 1:
        return jnp.moveaxis(spectrum, -1, 0)[:, None]
    places = np.minimum(np.arange(size) * known / size, known - 1)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(known)), 0).astype(np.float32)
    # Column after column, as patches are.
    return jnp.einsum("af,bg,fgc->cba", weights, weights, spectrum).reshape(-1, 1, 1, size * size)
