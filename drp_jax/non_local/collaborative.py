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
from collections.abc import Callable

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
from drp_jax.non_local.matching import gather, match
from drp_jax.non_local.noise_estimate import check_noise, local_variance
from drp_jax.non_local.opponent import cosines, from_opponent, to_opponent
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.pytrees import record

LEAST_RADIUS, MOST_RADIUS, MOST_PATCH = 4, 64, 64

_THRESHOLD = 2.7
_CHUNK = 32
_TEXTURE_WINDOW = 7
# Variance at which an image counts half as texture, in variances of the noise: what is left of the
# noise in a well denoised flat patch.
_SMOOTH = 0.05
_LEAST_NOISE = 1e-3  # below it the ridge step's matrices are singular in float32

Shrink = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


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
        *(noisy, noisy, noise, spectrum),
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
      noisy, noise, spectrum, count, radius: as in `hard_threshold_step`.
      pilot: an estimate of the clean image, the first step's.
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
      noisy, noise, spectrum, count, radius: as in `hard_threshold_step`.
      pilot: an estimate of the clean image, that of the step before.
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


def hard_threshold(
    noisy: jax.Array, pilot: jax.Array, noise: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Denoises groups by what their cosine transform has above 2.7 standard deviations.

    Args:
      noisy: groups of patches `[groups, count, p, p, C]`.
      pilot: not used; an argument of every way to shrink.
      noise: standard deviation of the coefficients of its patches, `[groups, p, p, C]`.

    Returns:
      The groups, and their weights in the average, of the same shape: one over the number of
      coefficients kept.
    """
    coefficients = _transformed(noisy)
    kept = jnp.abs(coefficients) > _THRESHOLD * noise[:, None]
    estimate = _untransformed(coefficients * kept)
    weight = 1 / jnp.maximum(jnp.sum(kept, axis=(1, 2, 3), keepdims=True), 1)
    return estimate, jnp.broadcast_to(weight, estimate.shape)


def wiener(noisy: jax.Array, pilot: jax.Array, noise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Denoises groups by scaling their cosine transform by `p^2 / (p^2 + noise^2)`, p the pilot's.

    Args:
      noisy, pilot: groups of patches `[groups, count, p, p, C]`.
      noise: standard deviation of the coefficients of its patches, `[groups, p, p, C]`.

    Returns:
      The groups, and their weights in the average, of the same shape: one over the sum of the
      squared factors.
    """
    energy = jnp.square(_transformed(pilot))
    factor = energy / (energy + jnp.square(noise)[:, None])
    estimate = _untransformed(factor * _transformed(noisy))
    weight = 1 / jnp.maximum(jnp.sum(jnp.square(factor), axis=(1, 2, 3), keepdims=True), 1e-3)
    return estimate, jnp.broadcast_to(weight, estimate.shape)


def ridge(noisy: jax.Array, pilot: jax.Array, noise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Denoises groups by linear combinations of their patches, colour by colour.

    With the patches as rows of `Y`, and the pilot's as rows of `X`, both as coefficients in units
    of their noise and less their mean patch, the estimate is `A Y` with
    `A = X (X^T X + n I)^-1 X^T` and n pixels in a patch, which has the least expected squared error
    if the pilot is right. NL-Ridge leaves the mean in; here float32 needs it out. It takes the
    noise as white, so that pixels do.

    Args:
      noisy, pilot: groups of patches `[groups, count, p, p, C]`.
      noise: standard deviation of the coefficients of its patches, `[groups, p, p, C]`.

    Returns:
      The groups, and their weights in the average, of the same shape: one over the squared norm
      of a patch's combination.
    """
    groups, count, patch, _, channels = noisy.shape
    pixels = patch * patch
    basis = cosines(patch)

    def as_rows(group: jax.Array) -> jax.Array:
        coefficients = jnp.einsum("gkijc,ai,bj->gkabc", group, basis, basis) / noise[:, None]
        return jnp.moveaxis(coefficients, -1, 1).reshape(groups, channels, count, pixels)

    def as_coefficients(rows: jax.Array) -> jax.Array:
        return jnp.moveaxis(rows.reshape(groups, channels, count, patch, patch), 1, -1)

    clean, observed = as_rows(pilot), as_rows(noisy)
    mean = jnp.mean(observed, axis=2, keepdims=True)
    clean = clean - jnp.mean(clean, axis=2, keepdims=True)
    covariance = jnp.einsum("gckm,gckn->gcmn", clean, clean)
    inverse = _inverse(covariance + pixels * jnp.eye(pixels)[None, None], block=patch)
    combination = jnp.einsum("gckm,gcmn,gcln->gckl", clean, inverse, clean)
    rows = mean + jnp.einsum("gckl,gcln->gckn", combination, observed - mean)
    coefficients = as_coefficients(rows) * noise[:, None]
    estimate = jnp.einsum("gkabc,ai,bj->gkijc", coefficients, basis, basis)
    squared = jnp.sum(jnp.square(combination), axis=-1, keepdims=True) + 1 / count
    weight = jnp.broadcast_to(1 / jnp.clip(squared, 1 / count, 1), rows.shape)
    return estimate, as_coefficients(weight)


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
    pilot: jax.Array,
    noise: jax.typing.ArrayLike,
    spectrum: jax.Array | None,
    *,
    shrink: Shrink,
    patch: int,
    count: int,
    radius: int,
) -> Filtered:
    """One step: groups that are alike in the pilot, shrunk and averaged."""
    check_noise(noise, "noise", noisy.shape[:2])
    check_spectrum(spectrum, noisy.shape[-1])
    check_search(count, radius)
    if spectrum is None:
        spectrum = jnp.ones((1, 1, noisy.shape[-1]))
    level = jnp.broadcast_to(jnp.maximum(noise, _LEAST_NOISE), noisy.shape[:2])
    step = functools.partial(_filter_one, shrink=shrink, patch=patch, count=count, radius=radius)
    return one_by_one(step, elsewhere=step)(noisy, pilot, level, spectrum)


def _filter_one(
    noisy: jax.Array,
    pilot: jax.Array,
    level: jax.Array,
    spectrum: jax.Array,
    *,
    shrink: Shrink,
    patch: int,
    count: int,
    radius: int,
) -> Filtered:
    chex.assert_equal_shape((noisy, pilot))
    spectrum = _resized(spectrum, patch)
    channels = noisy.shape[-1]
    both = jnp.concatenate([to_opponent(noisy), to_opponent(pilot)], axis=-1)
    places = match(both[..., channels:], patch, count, radius)
    total = places.shape[0]
    places = jnp.pad(places, ((0, -total % _CHUNK), (0, 0), (0, 0)))
    is_real = jnp.arange(places.shape[0]) < total

    def add(sums: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        places, is_real = chunk
        groups = gather(both, places, patch)
        around = gather(level[..., None], places[:, :1], patch)
        at_groups = jnp.mean(around, axis=(1, 2, 3, 4))
        deviations = jnp.maximum(at_groups[:, None, None, None] * spectrum[None], _LEAST_NOISE)
        estimate, weight = shrink(groups[..., :channels], groups[..., channels:], deviations)
        weight = weight * is_real[:, None, None, None, None]
        weighted = estimate * weight
        scatter = jax.linear_transpose(lambda image: gather(image, places, patch), sums)
        (added,) = scatter(jnp.concatenate([weighted, weight, estimate * weighted], axis=-1))
        return sums + added, None

    chunks = (places.reshape(-1, _CHUNK, *places.shape[1:]), is_real.reshape(-1, _CHUNK))
    blank = jnp.zeros((*noisy.shape[:2], 3 * channels), noisy.dtype)
    sums, _ = lax.scan(add, blank, chunks)
    first, weight, second = jnp.split(sums, 3, axis=-1)
    mean = first / weight
    variance = jnp.maximum(second / weight - jnp.square(mean), 0.0)
    return Filtered(from_opponent(mean), jnp.sqrt(jnp.mean(variance, axis=-1)))


def _resized(spectrum: jax.Array, size: int) -> jax.Array:
    """A spectrum for patches of another size, `[size, size, C]`: the same frequencies.

    The coefficients of an orthonormal transform have the same deviation at any size.
    """
    known = spectrum.shape[0]
    places = np.minimum(np.arange(size) * known / size, known - 1)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(known)), 0).astype(np.float32)
    return jnp.einsum("af,bg,fgc->abc", weights, weights, spectrum)


def _transformed(groups: jax.Array) -> jax.Array:
    """The cosine transform of groups within and across their patches, `[groups, m, a, b, C]`."""
    within, across = cosines(groups.shape[2]), cosines(groups.shape[1])
    return jnp.einsum("gkijc,ai,bj,mk->gmabc", groups, within, within, across)


def _untransformed(coefficients: jax.Array) -> jax.Array:
    within, across = cosines(coefficients.shape[2]), cosines(coefficients.shape[1])
    return jnp.einsum("gmabc,ai,bj,mk->gkijc", coefficients, within, within, across)


def _inverse(matrices: jax.Array, *, block: int) -> jax.Array:
    """Inverses of symmetric positive definite matrices `[..., n, n]`, n a multiple of `block`.

    Gauss-Jordan elimination without pivots, in place and block by block. It is made of matrix
    products, which batch well, where LAPACK takes one small matrix after the other.
    """
    size = matrices.shape[-1]
    for start in range(0, size, block):
        here = slice(start, start + block)
        pivot = matrices[..., here, here]
        pivot = 1 / pivot if block == 1 else _inverse(pivot, block=1)
        column = matrices[..., :, here]
        row = pivot @ matrices[..., here, :]
        matrices = matrices - column @ row
        matrices = matrices.at[..., :, here].set(-column @ pivot)
        matrices = matrices.at[..., here, :].set(row).at[..., here, here].set(pivot)
    return matrices
