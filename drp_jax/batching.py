"""How functions of one image behave under `jax.vmap`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap


def one_by_one(function: Callable, elsewhere: Callable | None = None) -> Callable:
    """A function that `jax.vmap` runs image by image; reverse mode works, forward mode does not.

    On a CPU the arrays of one image fit the cache and those of a batch do not, and some batched
    operations have no fast form at all.

    Args:
      function: a function of arrays.
      elsewhere: what the batch is given to on other devices, for batches: a function that says the
        same and is batched as usual. If None, it runs image by image everywhere.
    """

    @custom_vmap
    def single(*arguments: Any) -> Any:
        return function(*arguments)

    @single.def_vmap
    def _(size: int, are_batched: Any, *arguments: Any) -> tuple[Any, Any]:
        stacked = jax.tree.map(
            lambda leaf, is_batched: (
                leaf if is_batched else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf)))
            ),
            arguments,
            tuple(are_batched),
        )

        def in_turn(*stacked: Any) -> Any:
            return lax.map(lambda one: single(*one), stacked)

        if elsewhere is None:
            results = in_turn(*stacked)
        else:
            results = lax.platform_dependent(*stacked, cpu=in_turn, default=jax.vmap(elsewhere))
        return results, jax.tree.map(lambda _: True, results)

    # `custom_vmap` has no reverse mode; the plain function has.
    differentiable = jax.custom_vjp(lambda *arguments: single(*arguments))
    differentiable.defvjp(
        lambda *arguments: jax.vjp(function, *arguments),
        lambda transpose, cotangent: transpose(cotangent),
    )
    return differentiable


def each(function: Callable) -> Callable:
    """A function that is applied to every entry of a stack: in turn on a CPU, else at once.

    Like `jax.vmap(function)`, for functions that are not differentiated.
    """

    def applied(*stacks: Any) -> Any:
        def in_turn(*stacks: Any) -> Any:
            return lax.map(lambda entries: function(*entries), stacks)

        return lax.platform_dependent(*stacks, cpu=in_turn, default=jax.vmap(function))

    return applied


def if_true(condition: jax.Array, function: Callable[[Any], Any], value: Any) -> Any:
    """`function(value)` if a condition holds, else the value as it is.

    A loop of one turn or none: `lax.cond` around functions with a `vmap` of their own fails in a
    batch. There all entries are computed if any needs it.
    """
    return lax.fori_loop(0, condition.astype(jnp.int32), lambda _, value: function(value), value)


def chosen(condition: jax.Array, one: Any, other: Any) -> Any:
    """The leaves of one tree if a condition holds, else those of the other. Both are computed."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
