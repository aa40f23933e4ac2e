"""Filling in what an observation does not show, from what it shows around."""

import jax
import jax.numpy as jnp

_STEPS = 300
_TOLERANCE = 1e-3


def fill(image: jax.Array, known: jax.Array) -> jax.Array:
    """Fills in unknown pixels as smoothly as the known ones allow.

    Biharmonic interpolation: the image with the least sum of squared Laplacians, by at most
    a few hundred steps of conjugate gradients. Far inside a large hole it is then still close to
    where it starts, a coarse mean of the surroundings.

    Args:
      image: `[H, W, C]`; its unknown pixels are not read.
      known: bool or 0 and 1 `[H, W, C]`; where nothing at all is known the image becomes 0.
    """
    weight = jnp.asarray(known, image.dtype)
    coarse = _pull_push(jnp.where(weight > 0, image, 0.0), weight)

    def residual(unknown: jax.Array) -> jax.Array:
        return (1 - weight) * _laplacian(_laplacian((1 - weight) * unknown))

    gradient = (1 - weight) * _laplacian(_laplacian(coarse))
    change, _ = jax.scipy.sparse.linalg.cg(residual, -gradient, tol=_TOLERANCE, maxiter=_STEPS)
    return coarse + (1 - weight) * change


def _laplacian(image: jax.Array) -> jax.Array:
    """Sum of the differences to the four neighbours `[H, W, C]`, none past the edges."""
    down, right = jnp.diff(image, axis=0), jnp.diff(image, axis=1)
    rows = jnp.pad(down, ((0, 1), (0, 0), (0, 0))) - jnp.pad(down, ((1, 0), (0, 0), (0, 0)))
    columns = jnp.pad(right, ((0, 0), (0, 1), (0, 0))) - jnp.pad(right, ((0, 0), (1, 0), (0, 0)))
    return rows + columns


def _pull_push(image: jax.Array, weight: jax.Array) -> jax.Array:
    """The image where the weight is 1, and more and more of its surroundings down to 0.

    The method of Gortler et al. (The lumigraph, SIGGRAPH 1996) with 2 x 2 averages: a smaller
    image of the known pixels' means is filled the same way and enlarged.
    """
    height, width, channels = image.shape
    if height == width == 1:
        return image
    rows, columns = -(-height // 2), -(-width // 2)
    padding = ((0, 2 * rows - height), (0, 2 * columns - width), (0, 0))

    def quartered(values: jax.Array) -> jax.Array:
        blocks = jnp.pad(values, padding).reshape(rows, 2, columns, 2, channels)
        return jnp.sum(blocks, axis=(1, 3))

    total = quartered(weight)
    mean = quartered(weight * image) / jnp.where(total > 0, total, 1.0)
    small = _pull_push(mean, jnp.minimum(total, 1.0))
    return weight * image + (1 - weight) * jax.image.resize(small, image.shape, "linear")
