"""Random weights of many layers, drawn together: a network then compiles in a fraction of the time.

Each array that is drawn by itself is a loop of its own for the compiler, which takes seconds for a
network of many layers. Within `drawn_together` layers only say what they want; what is wanted is
then drawn in a few arrays for all.
"""

import contextlib
import contextvars
import math
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax.untrained.partition import Weight

_BITS_PER_GROUP = 3
"""Arrays whose sizes differ by less than this power of two are drawn at the size of the largest."""


class _Wanted(NamedTuple):
    """Numbers of U(-bound, bound) that a variable is to have, with what its key is made of."""

    variable: Weight
    key: jax.Array
    number: jax.Array
    bound: float

    @property
    def size(self) -> int:
        return math.prod(self.variable[...].shape)


_WANTED: contextvars.ContextVar[list[_Wanted] | None] = contextvars.ContextVar(
    "wanted", default=None
)


def uniform_weight(rngs: nnx.Rngs, shape: tuple[int, ...], bound: float) -> Weight:
    """A variable of numbers from U(-bound, bound), drawn with the next key of `rngs.params`.

    Within `drawn_together` its numbers are there when that ends.
    """
    wanted = _WANTED.get()
    if wanted is None:
        return Weight(jax.random.uniform(rngs.params(), shape, minval=-bound, maxval=bound))
    stream = rngs.params
    variable = Weight(jnp.zeros(shape))
    wanted.append(_Wanted(variable, stream.key[...], stream.count[...], bound))
    stream.count[...] += 1
    return variable


@contextlib.contextmanager
def drawn_together() -> Iterator[None]:
    """Draws all that `uniform_weight` wants within, at the end.

    With JAX's default random generator these are the same numbers as each drawn by itself: there
    number i of an array depends on the key and on i alone.
    """
    wanted: list[_Wanted] = []
    token = _WANTED.set(wanted)
    try:
        yield
    finally:
        _WANTED.reset(token)
    groups: dict[int, list[_Wanted]] = {}
    for one in wanted:
        groups.setdefault(one.size.bit_length() // _BITS_PER_GROUP, []).append(one)
    for group in groups.values():
        _draw(group)


def _draw(group: list[_Wanted]) -> None:
    """Draws arrays of about one size, each as the beginning of a row of the largest size."""
    size = max(one.size for one in group)
    streams = jnp.stack([one.key for one in group])
    numbers = jnp.stack([one.number for one in group])
    bounds = jnp.array([one.bound for one in group], jnp.float32)

    def row(stream: jax.Array, number: jax.Array, bound: jax.Array) -> jax.Array:
        key = jax.random.fold_in(stream, number)
        return jax.random.uniform(key, (size,), minval=-bound, maxval=bound)

    rows = jax.vmap(row)(streams, numbers, bounds)
    for one, values in zip(group, rows, strict=True):
        one.variable[...] = values[: one.size].reshape(one.variable[...].shape)
