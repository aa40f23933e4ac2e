"""Where a picture repeats itself: the patches most like each of some, strip by strip."""

import dataclasses
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.pytrees import record

_STRIP = 16  # rows of reference patches whose distances are held at once
_FAR = 1e6  # intensity beyond the edges, where no patch is like any


@record
class Strip:
    """Some rows of reference patches, of one number in all strips of a search.

    Attributes:
      rows: where they begin, `[rows]`; the last of a picture more than once, to fill a strip.
      is_new: which of them are no repetition.
      start: first row of the picture that they cover.
      window: first row of the picture that any patch which they may be like covers.
    """

    rows: jax.Array
    is_new: jax.Array
    start: jax.Array
    window: jax.Array


@dataclasses.dataclass(frozen=True)
class Search:
    """Which patches of a picture are compared with which.

    Attributes:
      height, width: of the picture.
      patch: side of a patch.
      count: how many patches each reference patch is grouped with, itself among them.
      radius: how far they are looked for, along each axis.
      stride: pixels from one reference patch to the next.
    """

    height: int
    width: int
    patch: int
    count: int
    radius: int
    stride: int

    @property
    def columns(self) -> np.ndarray:
        """Where reference patches begin along a row."""
        return _corners(self.width, self.patch, self.stride)

    @property
    def strips(self) -> Strip:
        """All strips, stacked."""
        rows = _corners(self.height, self.patch, self.stride)
        length = self._length
        short = -rows.size % length
        is_new = np.pad(np.ones(rows.size, bool), (0, short)).reshape(-1, length)
        rows = np.pad(rows, (0, short), mode="edge").reshape(-1, length)
        start = np.minimum(rows[:, 0], self.height - self.covered)
        window = np.clip(start - self.radius, 0, self.height - self.window)
        return Strip(*map(jnp.asarray, (rows, is_new, start, window)))

    @property
    def covered(self) -> int:
        """Rows of the picture that the reference patches of a strip cover."""
        return min((self._length - 1) * self.stride + self.patch, self.height)

    @property
    def window(self) -> int:
        """Rows of the picture that hold whatever a strip is compared with."""
        return min(self.covered + 2 * self.radius, self.height)

    @property
    def _length(self) -> int:
        """Reference patches along a strip's side: as even as may be."""
        total = _corners(self.height, self.patch, self.stride).size
        return -(-total // -(-total // _STRIP))

    def padded(self, planes: jax.Array) -> jax.Array:
        """The planes `[C, H, W]` of a picture with the margin that `nearest` needs."""
        margin = (self.radius, self.radius)
        return jnp.pad(planes, ((0, 0), margin, margin), constant_values=_FAR)

    def nearest(self, padded: jax.Array, strip: Strip) -> jax.Array:
        """The corners `[rows * columns, count, 2]` of the patches like those of a strip.

        The nearest first: among equals those close by win, and the patch itself before all.

        Args:
          padded: what `padded` gives.
          strip: one of `strips`.
        """
        reach = range(-self.radius, self.radius + 1)
        offsets = jnp.array(sorted(itertools.product(reach, reach), key=lambda it: math.hypot(*it)))
        rows = strip.rows - strip.start
        columns = self.columns
        # Channel by channel: a short last axis would cost XLA three times as much on a CPU.
        height = self.covered + 2 * self.radius
        around = [lax.dynamic_slice_in_dim(plane, strip.start, height) for plane in padded]
        shape = (self.covered, self.width)
        here = [lax.dynamic_slice(one, (self.radius, self.radius), shape) for one in around]

        def distances(offset: jax.Array) -> jax.Array:
            moved = [lax.dynamic_slice(one, offset + self.radius, shape) for one in around]
            both = zip(moved, here, strict=True)
            squared = functools.reduce(jnp.add, (jnp.square(a - b) for a, b in both))
            squared = _sum_along(squared, 0, self.patch)[rows]
            return _sum_along(squared, 1, self.patch)[:, columns]

        unlike = jnp.moveaxis(lax.map(distances, offsets), 0, -1)
        nearest = lax.top_k(-unlike, self.count)[1]
        corners = jnp.stack(jnp.meshgrid(strip.rows, columns, indexing="ij"), axis=-1)[:, :, None]
        last = jnp.array([[[[self.height - self.patch, self.width - self.patch]]]])
        return jnp.clip(corners + offsets[nearest], 0, last).reshape(-1, self.count, 2)


def _corners(side: int, patch: int, stride: int) -> np.ndarray:
    """Where reference patches begin along a side: every few pixels, and the last place."""
    return np.unique(np.append(np.arange(0, side - patch + 1, stride), side - patch))


def windowed_sum(planes: jax.Array, size: int) -> jax.Array:
    """Sums `[C, H - size + 1, W - size + 1]` over the squares of planes `[C, H, W]`."""
    return _sum_along(_sum_along(planes, 1, size), 2, size)


def _sum_along(values: jax.Array, axis: int, size: int) -> jax.Array:
    """Sums over neighbours along one axis: XLA is slow in two at once."""
    window = tuple(size if at == axis else 1 for at in range(values.ndim))
    return lax.reduce_window(values, 0.0, lax.add, window, (1,) * values.ndim, "VALID")
