"""Three ways to denoise groups of patches that are alike.

Groups are `[C, groups, count, n]`: n = p x p pixels of a patch, column after column. Noise is the
standard deviation of the coefficients in the orthonormal cosine transform of a patch,
`[C, groups, 1, n]`, or `[C, groups, 1, 1]` if it is white. Each gives the groups, and the weights
of their patches in the average, `[C, groups, count]`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.non_local.opponent import cosines

Shrink = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]

_THRESHOLD = 2.7
_MOST_TOGETHER = 64  # pixels of a patch up to which one matrix is faster than one along each axis
_BLOCK = 8  # of matrices that are inverted
# Noise that is added, of a group's energy: what float32 does not tell from zero.
_ROUNDING = 1e-6


def hard_threshold(
    noisy: jax.Array, pilot: jax.Array, noise: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Keeps what the cosine transform of a group has above 2.7 standard deviations.

    The pilot is not used. The weight is one over the number of coefficients kept.
    """
    coefficients = _transformed(noisy)
    kept = jnp.abs(coefficients) > _THRESHOLD * noise
    estimate = _untransformed(coefficients * kept)
    weight = 1 / jnp.maximum(jnp.sum(kept, axis=(2, 3)), 1)
    return estimate, jnp.broadcast_to(weight[..., None], estimate.shape[:3])


def wiener(noisy: jax.Array, pilot: jax.Array, noise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Scales the cosine transform of a group by `p^2 / (p^2 + noise^2)`, p the pilot's.

    The weight is one over the sum of the squared factors.
    """
    energy = jnp.square(_transformed(pilot))
    factor = energy / (energy + jnp.square(noise))
    estimate = _untransformed(factor * _transformed(noisy))
    weight = 1 / jnp.maximum(jnp.sum(jnp.square(factor), axis=(2, 3)), 1e-3)
    return estimate, jnp.broadcast_to(weight[..., None], estimate.shape[:3])


def ridge(noisy: jax.Array, pilot: jax.Array, noise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Linear combinations of the patches of a group, colour by colour.

    With the patches as rows of `Y`, and the pilot's as rows of `X`, both less their mean patch, and
    X as coefficients in units of their noise, the estimate is `A Y` with
    `A = X (X^T X + n I)^-1 X^T = I - n (X X^T + n I)^-1`, which has the least expected squared
    error if the pilot is right. NL-Ridge leaves the mean in; here float32 needs it out. The weight
    is one over the squared norm of a patch's combination.
    """
    count, pixels = noisy.shape[2:]
    mean = jnp.mean(noisy, axis=2, keepdims=True)
    clean = pilot - jnp.mean(pilot, axis=2, keepdims=True)
    is_white = noise.shape[-1] == 1
    clean = (clean if is_white else _within(clean)) / noise
    gram = jnp.einsum("cgkn,cgln->cgkl", clean, clean)
    energy = jnp.trace(gram, axis1=2, axis2=3)[..., None, None]
    loss = pixels + _ROUNDING * energy
    identity = jnp.eye(count)[None, None]
    combination = identity - loss * inverse(gram + loss * identity)
    estimate = mean + jnp.einsum("cgkl,cgln->cgkn", combination, noisy - mean)
    squared = jnp.sum(jnp.square(combination), axis=-1) + 1 / count
    return estimate, 1 / jnp.clip(squared, 1 / count, 1)


def inverse(matrices: jax.Array, *, block: int = _BLOCK) -> jax.Array:
    """Inverses of symmetric positive definite matrices `[..., n, n]`.

    Gauss-Jordan elimination without pivots, in place and block by block. It is made of matrix
    products, which batch well, where LAPACK takes one small matrix after the other. By halves it
    would be faster, but loses twice the digits.
    """
    size = matrices.shape[-1]
    product = jnp.multiply if block == 1 else jnp.matmul  # which are one for single numbers
    for start in range(0, size, block):
        here = slice(start, min(start + block, size))
        pivot = matrices[..., here, here]
        pivot = 1 / pivot if block == 1 else inverse(pivot, block=1)
        column = matrices[..., :, here]
        row = product(pivot, matrices[..., here, :])
        matrices = matrices - product(column, row)
        matrices = matrices.at[..., :, here].set(-product(column, pivot))
        matrices = matrices.at[..., here, :].set(row).at[..., here, here].set(pivot)
    return matrices


def _transformed(groups: jax.Array) -> jax.Array:
    """The cosine transform of groups within and across their patches."""
    return jnp.einsum("cgkn,mk->cgmn", _within(groups), cosines(groups.shape[2]))


def _untransformed(coefficients: jax.Array) -> jax.Array:
    across = cosines(coefficients.shape[2])
    return _within(jnp.einsum("cgmn,mk->cgkn", coefficients, across), back=True)


def _within(groups: jax.Array, *, back: bool = False) -> jax.Array:
    """The cosine transform of every patch, or what has such a transform."""
    size = round(groups.shape[-1] ** 0.5)
    basis = cosines(size).T if back else cosines(size)
    if size**2 <= _MOST_TOGETHER:
        return groups @ np.kron(basis, basis).T
    square = groups.reshape(*groups.shape[:-1], size, size)
    return jnp.einsum("cgkij,ai,bj->cgkab", square, basis, basis).reshape(groups.shape)
