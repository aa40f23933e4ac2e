"""The kernel of a blur that is not known, from the blurred picture alone.

    kernel = estimated_kernel(picture, 15)
    restore(picture, operator=Blur(kernel, boundary=None), noise=Gaussian(level), key=key)

Only sharp edges tell how something was blurred. So in turn, from small pictures to the whole one,
the picture is sharpened to one with as few edges as possible, and the kernel is what blurs these
edges into those of the picture. From Xu, Zheng and Jia, Unnatural L0 sparse representation for
natural image deblurring (CVPR 2013), and Pan et al., Deblurring text images via L0-regularized
intensity and gradient prior (CVPR 2014), of whose priors this has that of the gradients.

Departures: edges of the scene count less the nearer they are to those of the picture, where the
periodic model is wrong. The weight of the squared kernel is relative to the mean power of the
gradients, so that it means the same in pictures of all sizes. Small entries of a kernel are errors
in some pictures and faint parts of its path in others; so it is done with three limits on them, and
the kernel is taken with which the sharp picture has the sparser gradients, by the measure of
Krishnan, Tay and Fergus, Blind deconvolution using a normalized sparsity measure (CVPR 2011).

Why not by an untrained network, as SelfDeblur does (Ren et al., CVPR 2020): docs/research.md.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import is_known, is_whole, require, require_finite, shown

__all__ = ["estimated_kernel"]

LEAST_SIDE = 3
MOST_SHARE = 3  # of a side of the picture: 1 / 3

_MOST_PIXELS = 512  # along a side: the middle of a larger picture tells enough
_RATIO = math.sqrt(0.5)  # of a picture's sides to those of the next larger one
_ROUNDS = 10
_EDGE_WEIGHT, _EDGE_DECAY, _LEAST_EDGE_WEIGHT = 4e-3, 1 / 1.1, 1e-4
_MOST_SPLITTING = 1e5
_KERNEL_WEIGHT = 0.2
_LEAST_ENTRIES = (0.05, 0.1, 0.2)  # share of the kernel's greatest entry
_LEAST_PIECE = 0.1  # share of its sum


def estimated_kernel(picture: jax.Array, side: int) -> jax.Array:
    """The kernel `[side, side]` that a picture was blurred with, from 0 up with sum 1.

    A shift of the kernel against the sharp picture cannot be told; here the kernel's centre of mass
    lies at its centre, `(side // 2, side // 2)`, up to half a pixel.

    Args:
      picture: `[H, W, C]`, real, about in [0, 1]; blurred everywhere alike. It has to have edges.
      side: how large the kernel may be, in pixels: odd, from 3 to a third of the picture's shorter
        side. A little more than the blur is wide is best; too little cuts it off.

    Raises:
      InputError: if a value is something else.
    """
    check_side(side, picture.shape)
    side = int(side)
    if is_known(picture):
        require_finite(picture, "picture")
    gray = _middle(jnp.mean(jnp.asarray(picture, jnp.float32), axis=-1))
    limits = jnp.array(_LEAST_ENTRIES)
    kernels = jnp.zeros((limits.size, 1, 1))
    for scale in _scales(side):
        shape = tuple(round(scale * length) for length in gray.shape)
        smaller = jax.image.resize(gray, shape, "linear")
        kernels = _all_improved(smaller, kernels, limits, _odd(scale * side))
    return kernels[jnp.argmin(_densities(gray, kernels))]


def check_side(side: Any, shape: tuple[int, ...]) -> None:
    """Raises InputError unless a kernel may be so large in a picture of a shape `(H, W, C)`."""
    require(len(shape) == 3, f"picture has shape {shape}; accepted: (H, W, C)")
    most = min(shape[:2]) // MOST_SHARE
    most -= 1 - most % 2
    is_fine = is_whole(side, LEAST_SIDE, most) and side % 2 == 1
    require(
        is_fine,
        f"side is {shown(side)}; accepted: an odd number of pixels from {LEAST_SIDE} "
        f"to {most}, a third of the picture's",
    )


def _scales(side: int) -> list[float]:
    """The scales of the pyramid, the smallest first, where the kernel has five pixels or fewer."""
    count = max(1, math.floor(math.log(5 / side) / math.log(_RATIO)) + 1)
    return [_RATIO**level for level in reversed(range(count))]


def _odd(length: float) -> int:
    """The odd number from 3 up that is next above a length."""
    least = max(LEAST_SIDE, math.ceil(length - 1e-6))
    return least + 1 - least % 2


def _middle(gray: jax.Array) -> jax.Array:
    """The middle of a picture `[H, W]`, or all of a small one."""
    starts = [max(0, (length - _MOST_PIXELS) // 2) for length in gray.shape]
    rows, columns = (slice(start, start + _MOST_PIXELS) for start in starts)
    return gray[rows, columns]


@functools.partial(jax.jit, static_argnames="side")
def _all_improved(
    picture: jax.Array, kernels: jax.Array, limits: jax.Array, side: int
) -> jax.Array:
    """Better kernels `[K, side, side]` from those of a smaller scale, each with a limit."""
    resized = jax.vmap(functools.partial(_resized, side=side))(kernels)
    improved = jax.vmap(functools.partial(_improved, picture))(resized, limits)
    return jax.vmap(_centred)(improved)


@jax.jit
def _densities(picture: jax.Array, kernels: jax.Array) -> jax.Array:
    """How little sparse the gradients are of what each kernel makes of a picture: l1 over l2."""
    side = kernels.shape[-1]
    periodic = _periodic(picture, side)
    inside = _inside(picture.shape, periodic.shape, side)

    def density(kernel: jax.Array) -> jax.Array:
        across, down = _gradient(_sharpened(periodic, kernel, jnp.float32(_LEAST_EDGE_WEIGHT)))
        slope = inside * jnp.hypot(across, down)
        return jnp.sum(slope) / jnp.sqrt(jnp.sum(jnp.square(slope)) + 1e-12)

    return jax.vmap(density)(kernels)


def _improved(picture: jax.Array, kernel: jax.Array, limit: jax.Array) -> jax.Array:
    """A better kernel from one that is about right, at one scale."""
    periodic = _periodic(picture, kernel.shape[0])
    inside = _inside(picture.shape, periodic.shape, kernel.shape[0])

    def improved(number: jax.Array, kernel: jax.Array) -> jax.Array:
        weight = jnp.maximum(_EDGE_WEIGHT * _EDGE_DECAY**number, _LEAST_EDGE_WEIGHT)
        edges = _sharpened(periodic, kernel, weight)
        return _pruned(_fitted(periodic, edges, inside, kernel.shape[0]), limit)

    return jax.lax.fori_loop(0, _ROUNDS, improved, kernel)


def _sharpened(picture: jax.Array, kernel: jax.Array, weight: jax.Array) -> jax.Array:
    """The image with few edges that the kernel blurs into a picture, periodic.

    min over x   |k * x - y|^2 + weight * (number of pixels where the gradient of x is not 0)

    by half-quadratic splitting: gradients below a level are left out, and the level falls.
    """
    shape = picture.shape
    blurring, slopes = _response(kernel, shape), jnp.zeros(())
    for step in _STEPS:
        slopes += jnp.square(jnp.abs(_response(step, shape)))
    observed = jnp.conj(blurring) * jnp.fft.rfft2(picture)
    power = jnp.square(jnp.abs(blurring))
    count = math.ceil(math.log2(_MOST_SPLITTING / (2 * _LEAST_EDGE_WEIGHT)))

    def split(number: jax.Array, image: jax.Array) -> jax.Array:
        splitting = jnp.minimum(2 * weight * 2.0**number, _MOST_SPLITTING)
        across, down = _gradient(image)
        is_edge = across**2 + down**2 >= weight / splitting
        across, down = jnp.where(is_edge, across, 0.0), jnp.where(is_edge, down, 0.0)
        back = jnp.roll(across, 1, 1) - across + jnp.roll(down, 1, 0) - down
        wanted = observed + splitting * jnp.fft.rfft2(back)
        return jnp.fft.irfft2(wanted / (power + splitting * slopes), shape)

    return jax.lax.fori_loop(0, count, split, picture)


def _fitted(picture: jax.Array, edges: jax.Array, inside: jax.Array, side: int) -> jax.Array:
    """The kernel that blurs the gradients of one image into those of the picture, with sum 1.

    min over k   |k * grad x - grad y|^2 + weight * |k|^2
    """
    product, power, mean_power = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
    for sharp, blurred in zip(_gradient(edges), _gradient(picture), strict=True):
        response = jnp.fft.rfft2(inside * sharp)
        product += jnp.conj(response) * jnp.fft.rfft2(inside * blurred)
        power += jnp.square(jnp.abs(response))
        mean_power += jnp.sum(jnp.square(inside * sharp))  # over all frequencies, by Parseval
    weight = _KERNEL_WEIGHT * mean_power
    whole = jnp.fft.irfft2(product / (power + weight + 1e-12), picture.shape)
    kernel = jnp.roll(whole, (side // 2, side // 2), (0, 1))[:side, :side]
    return _normalised(jnp.maximum(kernel, 0.0))


def _pruned(kernel: jax.Array, limit: jax.Array) -> jax.Array:
    """A kernel without its small entries, and pieces not connected to others that hold little."""
    kernel = _normalised(jnp.where(kernel < limit * jnp.max(kernel), 0.0, kernel))
    is_part = kernel > 0
    numbers = jnp.where(is_part, 1 + jnp.arange(kernel.size).reshape(kernel.shape), 0)

    def spread(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        greatest = jax.lax.reduce_window(state[0], 0, jax.lax.max, (3, 3), (1, 1), "SAME")
        after = jnp.where(is_part, greatest, 0)
        return after, jnp.any(after != state[0])

    pieces, _ = jax.lax.while_loop(lambda state: state[1], spread, (numbers, jnp.bool_(True)))
    sums = jnp.zeros(kernel.size + 1).at[pieces].add(kernel)
    return _normalised(jnp.where(sums[pieces] >= _LEAST_PIECE, kernel, 0.0))


def _normalised(kernel: jax.Array) -> jax.Array:
    """A kernel with sum 1; a single point where nothing is left."""
    total, side = jnp.sum(kernel), kernel.shape[0]
    point = jnp.zeros_like(kernel).at[side // 2, side // 2].set(1.0)
    return jnp.where(total > 0, kernel / jnp.where(total > 0, total, 1.0), point)


def _resized(kernel: jax.Array, side: int) -> jax.Array:
    """A kernel at another scale, its centre of mass at its centre."""
    kernel = jax.image.resize(kernel, (side, side), "linear")
    return _centred(_normalised(jnp.maximum(kernel, 0.0)))


def _centred(kernel: jax.Array) -> jax.Array:
    """A kernel moved by whole pixels so that its centre of mass is at its centre."""
    side = kernel.shape[0]
    places = jnp.arange(side)
    centre = [jnp.sum(places * jnp.sum(kernel, axis)) for axis in (1, 0)]
    padded = jnp.pad(kernel, side // 2)
    starts = [jnp.round(place).astype(jnp.int32) for place in centre]
    return _normalised(jax.lax.dynamic_slice(padded, starts, (side, side)))


def _periodic(picture: jax.Array, side: int) -> jax.Array:
    """A picture that goes on below and to the right until it can begin again without a step."""
    share = (jnp.arange(2 * side)[None] + 1) / (2 * side + 1)
    to_the_right = (1 - share) * picture[:, -1:] + share * picture[:, :1]
    wide = jnp.concatenate([picture, to_the_right], axis=1)
    below = (1 - share).T * wide[-1:] + share.T * wide[:1]
    return jnp.concatenate([wide, below], axis=0)


def _inside(picture: tuple[int, ...], periodic: tuple[int, ...], side: int) -> jax.Array:
    """How much a place counts: 0 at the edges of the picture and past them, 1 inside."""

    def along(length: int, whole: int) -> jax.Array:
        place = jnp.arange(whole)
        ramp = jnp.clip(jnp.minimum(place, length - 2 - place) / side, 0.0, 1.0)
        return jnp.square(jnp.sin(ramp * jnp.pi / 2))

    rows, columns = map(along, picture, periodic)
    return rows[:, None] * columns[None, :]


_STEPS = (np.array([[1.0, -1.0]]), np.array([[1.0], [-1.0]]))


def _gradient(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Differences to the right and to the lower neighbour, periodic."""
    return jnp.roll(image, -1, 1) - image, jnp.roll(image, -1, 0) - image


def _response(kernel: jax.Array | np.ndarray, shape: tuple[int, ...]) -> jax.Array:
    """What a kernel, centred at `side // 2`, does to the frequencies of an image."""
    rows, columns = kernel.shape
    whole = jnp.zeros(shape).at[:rows, :columns].set(kernel)
    return jnp.fft.rfft2(jnp.roll(whole, (-(rows // 2), -(columns // 2)), (0, 1)))
