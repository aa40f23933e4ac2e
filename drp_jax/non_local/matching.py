"""Where a picture repeats itself: the patches most like each of some, and their pixels."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_STRIDE = 4
_STRIP = 16  # rows of reference patches whose distances are held at once


def match(image: jax.Array, patch: int, count: int, radius: int) -> jax.Array:
    """Where the patches most like each reference patch are: corners `[groups, count, 2]`."""
    height, width = image.shape[:2]
    rows, columns = (_corners(side, patch) for side in (height, width))
    reach = range(-radius, radius + 1)
    # The nearest first: among equals they win, the patch itself before all.
    offsets = jnp.array(sorted(itertools.product(reach, reach), key=lambda it: math.hypot(*it)))
    # Channel by channel: a short last axis would cost XLA three times as much on a CPU.
    channels = [image[..., channel] for channel in range(image.shape[-1])]
    padded = [jnp.pad(channel, radius, constant_values=1e6) for channel in channels]
    strips = np.pad(rows, (0, -rows.size % _STRIP), mode="edge").reshape(-1, _STRIP)
    extent = min((_STRIP - 1) * _STRIDE + patch, height)
    starts = np.minimum(strips[:, 0], height - extent)

    def nearest_of_strip(strip: tuple[jax.Array, jax.Array]) -> jax.Array:
        start, rows = strip

        def strip_of(image: jax.Array, margin: int) -> jax.Array:
            size = (extent + 2 * margin, width + 2 * margin)
            return lax.dynamic_slice(image, (start, 0), size)

        here = [strip_of(channel, 0) for channel in channels]
        around = [strip_of(channel, radius) for channel in padded]

        def distances(offset: jax.Array) -> jax.Array:
            moved = [lax.dynamic_slice(one, offset + radius, (extent, width)) for one in around]
            squared = sum(jnp.square(a - b) for a, b in zip(moved, here, strict=True))
            squared = lax.reduce_window(squared, 0.0, lax.add, (patch, 1), (1, 1), "VALID")[rows]
            return lax.reduce_window(squared, 0.0, lax.add, (1, patch), (1, 1), "VALID")[:, columns]

        unlike = jnp.moveaxis(lax.map(distances, offsets), 0, -1)
        return lax.top_k(-unlike, count)[1]

    nearest = lax.map(nearest_of_strip, (jnp.array(starts), jnp.array(strips - starts[:, None])))
    nearest = nearest.reshape(-1, columns.size, count)[: rows.size]
    corners = jnp.stack(jnp.meshgrid(rows, columns, indexing="ij"), axis=-1)[:, :, None]
    last = jnp.array([[[[height - patch, width - patch]]]])
    return jnp.clip(corners + offsets[nearest], 0, last).reshape(-1, count, 2)


def _corners(side: int, patch: int) -> np.ndarray:
    """Where reference patches begin along a side: every few pixels, and the last place."""
    return np.unique(np.append(np.arange(0, side - patch + 1, _STRIDE), side - patch))


def gather(image: jax.Array, places: jax.Array, patch: int) -> jax.Array:
    """The patches `[groups, count, p, p, C]` with their corners at `places`."""

    def take(corner: jax.Array) -> jax.Array:
        return lax.dynamic_slice(image, (*corner, 0), (patch, patch, image.shape[-1]))

    return jax.vmap(jax.vmap(take))(places)
