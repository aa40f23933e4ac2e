"""What moves the trained variables: an optax optimiser and its learning rate."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from drp_jax.errors import plugged_in, require, require_number, require_number_of, shown
from drp_jax.pytrees import as_pytree, record

MOST_LEARNING_RATE = 1e6
_ACCEPTED = f"above 0, up to {MOST_LEARNING_RATE:g}"

LearningRate = float | jax.Array | Callable[[jax.Array], jax.Array]
Optimizer = Callable[[LearningRate], optax.GradientTransformation]


@record
class CosineDecay:
    """A learning rate that falls along half a cosine, and then stays.

    Attributes:
      initial: the rate at the first iteration, above 0.
      final: the rate after `iterations`, above 0.
      iterations: how long it falls, from 1 up.

    Raises:
      InputError: if a value is out of its range.
    """

    initial: float | jax.Array = 0.1
    final: float | jax.Array = 0.005
    iterations: int | jax.Array = 400

    def __post_init__(self) -> None:
        for name in ("initial", "final"):
            check_rate(getattr(self, name), f"{name} learning rate")
        require_number(self.iterations, "iterations of the decay", 1, accepted="from 1 up")

    def __call__(self, count: jax.typing.ArrayLike) -> jax.Array:
        share = jnp.minimum(count / self.iterations, 1.0)
        return self.final + (self.initial - self.final) * (1 + jnp.cos(jnp.pi * share)) / 2


def check_rate(rate: Any, name: str = "learning rate") -> None:
    """Raises InputError unless a number is a usable learning rate."""
    require_number(rate, name, 0, MOST_LEARNING_RATE, least_allowed=False, accepted=_ACCEPTED)


def as_learning_rate(rate: Any) -> Any:
    """A number as it is, a schedule as a pytree.

    Raises:
      InputError: if it is neither, or out of its range.
    """
    if callable(rate):
        return as_pytree(rate, "learning rate")
    check_rate(rate)
    return rate


def as_optimizer(optimizer: Any) -> Any:
    """An optimiser as a callable pytree that takes the learning rate.

    Args:
      optimizer: a function of the learning rate that gives an optax transformation, as
        `optax.adam`, or a transformation with a rate of its own, as `optax.lbfgs()`.

    Raises:
      InputError: if it is neither.
    """
    if isinstance(optimizer, optax.GradientTransformation):
        return as_pytree(functools.partial(_with_own_rate, optimizer), "optimizer")
    accepted = "an optax optimiser, like optax.adam or optax.lbfgs()"
    require(callable(optimizer), f"optimizer is {shown(optimizer)}; accepted: {accepted}")
    return as_pytree(optimizer, "optimizer")


def transformation(optimizer: Any, rate: Any) -> optax.GradientTransformationExtraArgs:
    """What an optimiser makes of a learning rate.

    Raises:
      InputError: if that is no optax transformation, or a schedule gives no number.
    """
    if callable(rate):
        count = jax.ShapeDtypeStruct((), jnp.int32)
        require_number_of(rate, count, name="learning rate", given="the number of an iteration")
    else:
        shape = jnp.shape(rate)
        require(shape == (), f"learning rate has shape {shape}; accepted: one number")
    with plugged_in("optimizer", "a learning rate"):
        made = optimizer(rate)
    require(
        isinstance(made, optax.GradientTransformation),
        f"optimizer gives {shown(made)} for a learning rate; accepted: an optax transformation",
    )
    return optax.with_extra_args_support(made)


def _with_own_rate(
    transformation: optax.GradientTransformation, rate: LearningRate
) -> optax.GradientTransformation:
    return transformation
