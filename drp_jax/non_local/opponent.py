"""Opponent colours and the cosine transform, in which patches are filtered and noise measured."""

import jax
import numpy as np

OPPONENT = np.array(
    [[3**-0.5] * 3, [2**-0.5, 0, -(2**-0.5)], [6**-0.5, -2 * 6**-0.5, 6**-0.5]], np.float32
)
"""Orthonormal, so that white noise stays white: brightness, red - blue, magenta - green."""


def to_opponent(image: jax.Array) -> jax.Array:
    """An image `[..., C]` in opponent colours if it is RGB, as it is otherwise."""
    return image @ OPPONENT.T if image.shape[-1] == 3 else image


def from_opponent(image: jax.Array) -> jax.Array:
    """The inverse of `to_opponent`."""
    return image @ OPPONENT if image.shape[-1] == 3 else image


def cosines(size: int) -> np.ndarray:
    """The orthonormal cosine transform, one basis vector per row."""
    frequencies, points = np.arange(size)[:, None], np.arange(size)[None, :]
    basis = np.sqrt(2 / size) * np.cos(np.pi / size * (points + 0.5) * frequencies)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)
