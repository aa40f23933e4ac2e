"""Patches of a picture, read and added as stretches of memory.

The planes `[C, H, W]` of a picture are laid out in columns: at every pixel the patch's height of
pixels below it. A patch is then one stretch of `patch * patch` numbers, column after column, which
CPUs copy and add many times faster than a square of pixels.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax


@dataclasses.dataclass(frozen=True)
class Layout:
    """The layout of planes of one size.

    Attributes:
      height, width: of the planes.
      patch: side of a patch.
    """

    height: int
    width: int
    patch: int

    @property
    def places(self) -> int:
        """Places of a plane where a column may begin."""
        return (self.height - self.patch + 1) * self.width

    def columns(self, planes: jax.Array) -> jax.Array:
        """The planes `[C, H, W]` in columns, `[C * places * patch]`."""
        count = self.height - self.patch + 1
        rows = [planes[:, first : first + count] for first in range(self.patch)]
        return jnp.stack(rows, axis=-1).reshape(-1)

    def folded(self, columns: jax.Array) -> jax.Array:
        """Planes `[C, H, W]` of what was added to each of their pixels in columns."""
        channels = columns.size // (self.places * self.patch)
        planes = jax.ShapeDtypeStruct((channels, self.height, self.width), columns.dtype)
        (sums,) = jax.linear_transpose(self.columns, planes)(columns)
        return sums

    def gathered(self, columns: jax.Array, corners: jax.Array) -> jax.Array:
        """The patches `[C, groups, count, patch * patch]` with their corners at these places."""
        dimensions = lax.GatherDimensionNumbers(
            offset_dims=(3,), collapsed_slice_dims=(), start_index_map=(0,)
        )
        channels = columns.size // (self.places * self.patch)
        starts, size = self._starts(corners, channels), (self.patch**2,)
        return lax.gather(columns, starts, dimensions, size, mode="promise_in_bounds")

    def added(self, columns: jax.Array, corners: jax.Array, patches: jax.Array) -> jax.Array:
        """Columns to which patches `[C, groups, count, patch * patch]` are added."""
        dimensions = lax.ScatterDimensionNumbers(
            update_window_dims=(3,), inserted_window_dims=(), scatter_dims_to_operand_dims=(0,)
        )
        starts = self._starts(corners, patches.shape[0])
        return lax.scatter_add(columns, starts, patches, dimensions, mode="promise_in_bounds")

    def _starts(self, corners: jax.Array, channels: int) -> jax.Array:
        """Where patches begin in the columns `[C, groups, count, 1]`."""
        planes = self.places * jnp.arange(channels)[:, None, None]
        return self.patch * (planes + corners[None])[..., None]
