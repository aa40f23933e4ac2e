"""A picture at half its size, and back."""

import jax
import jax.numpy as jnp


def halved(image: jax.Array) -> jax.Array:
    """Means of 2 x 2 pixels, `[ceil(H / 2), ceil(W / 2), C]`; an odd last row or column twice."""
    height, width, channels = image.shape
    padded = jnp.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return padded.reshape(-(-height // 2), 2, -(-width // 2), 2, channels).mean((1, 3))


def doubled(image: jax.Array, height: int, width: int) -> jax.Array:
    """An image twice as large, linear between the centres of its pixels, `[height, width, C]`."""
    for axis in (0, 1):
        ends = [(1, 1) if side == axis else (0, 0) for side in range(3)]
        padded = jnp.pad(image, ends, mode="edge")
        count = image.shape[axis]
        before, after = (jax.lax.slice_in_dim(padded, at, at + count, axis=axis) for at in (0, 2))
        pair = [0.75 * image + 0.25 * beside for beside in (before, after)]
        shape = [(1 + (side == axis)) * size for side, size in enumerate(image.shape)]
        image = jnp.stack(pair, axis + 1).reshape(shape)
    return image[:height, :width]
