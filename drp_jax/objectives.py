"""What is minimised: fidelity to the observation plus a weighted regularizer.

Fidelities take `(prediction, observation)`, two arrays of one shape; regularizers take an
image `[H, W, C]`. All give a scalar, in units of intensity in [0, 1] (MSE and Huber: squared).
"""

import dataclasses
import functools
from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
import optax
from flax import struct

from drp_jax.errors import require

Fidelity = Callable[[jax.Array, jax.Array], jax.Array]
Regularizer = Callable[[jax.Array], jax.Array]


def mse(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Mean squared error, the fidelity of DIP and Deep Decoder."""
    return jnp.mean(optax.losses.squared_error(prediction, observation))


def rmse(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Root of the mean squared error, the fidelity of Deep Random Projector.

    Its gradient at a perfect fit is zero here, and undefined in the original.
    """
    return _root(mse(prediction, observation))


def l1(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Mean absolute error."""
    return jnp.mean(jnp.abs(prediction - observation))


def poisson(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Negative log-likelihood of counts that are proportional to intensities.

    The mean of `p - y + y log(y / p)`: the Poisson likelihood without the terms that do not
    depend on the prediction, which makes a perfect fit zero. Both are bounded below by 1e-6.
    """
    prediction, observation = (jnp.maximum(one, 1e-6) for one in (prediction, observation))
    ratio = jnp.log(observation) - jnp.log(prediction)
    return jnp.mean(prediction - observation + observation * ratio)


@dataclasses.dataclass(frozen=True)
class Huber:
    """Mean Huber loss: squared below `delta` (intensity, above 0), linear beyond it."""

    delta: float = 0.1

    def __post_init__(self) -> None:
        require(self.delta > 0, f"Huber delta is {self.delta}; accepted: above 0")

    def __call__(self, prediction: jax.Array, observation: jax.Array) -> jax.Array:
        return jnp.mean(optax.losses.huber_loss(prediction, observation, delta=self.delta))


def anisotropic_tv(image: jax.Array) -> jax.Array:
    """Total variation: the sum of |dh| + |dw| over all neighbours, divided by H * W * C."""
    down = jnp.abs(image[1:] - image[:-1])
    right = jnp.abs(image[:, 1:] - image[:, :-1])
    return (jnp.sum(down) + jnp.sum(right)) / image.size


def isotropic_tv(image: jax.Array) -> jax.Array:
    """Total variation: the mean of sqrt(dh^2 + dw^2) over pixels and channels.

    Forward differences, zero past the last row and column; a flat pixel's gradient is zero.
    """
    down = jnp.pad(image[1:] - image[:-1], ((0, 1), (0, 0), (0, 0)))
    right = jnp.pad(image[:, 1:] - image[:, :-1], ((0, 0), (0, 1), (0, 0)))
    return jnp.mean(_root(jnp.square(down) + jnp.square(right)))


@dataclasses.dataclass(frozen=True)
class WeightedSum:
    """A regularizer that is a sum of several.

    Attributes:
      parts: pairs of weight and regularizer; the objective's weight multiplies the sum.
    """

    parts: tuple[tuple[float, Regularizer], ...]

    def __post_init__(self) -> None:
        require(len(self.parts) > 0, "a weighted sum of no regularizers; accepted: one or more")

    def __call__(self, image: jax.Array) -> jax.Array:
        terms = [weight * regularizer(image) for weight, regularizer in self.parts]
        return functools.reduce(jnp.add, terms)


@struct.dataclass
class Terms:
    """The parts of an objective at one image: `loss = fidelity + weight * regularizer`.

    `residual` is the root mean squared distance of the prediction to the observation, over
    all its entries, whatever the fidelity.
    """

    fidelity: jax.Array
    regularizer: jax.Array
    loss: jax.Array
    residual: jax.Array


@struct.dataclass
class Objective:
    """`l(f(x), y) + weight * R(x)`.

    Attributes:
      fidelity: `l`.
      regularizer: `R`, or None for none.
      weight: lambda, from 0 up. An array leaf: other values do not compile again, and
        `jax.vmap` sweeps over it.
    """

    fidelity: Fidelity = struct.field(pytree_node=False, default=rmse)
    regularizer: Regularizer | None = struct.field(pytree_node=False, default=anisotropic_tv)
    weight: float | jax.Array = 0.45

    def __call__(self, image: jax.Array, prediction: jax.Array, observation: jax.Array) -> Terms:
        """The terms at `image`, whose forward operator gives `prediction`."""
        chex.assert_equal_shape((prediction, observation))
        residual = jax.lax.stop_gradient(rmse(prediction, observation))
        fidelity = self.fidelity(prediction, observation)
        if self.regularizer is None:
            return Terms(fidelity, jnp.zeros_like(fidelity), fidelity, residual)
        regularizer = self.regularizer(image)
        return Terms(fidelity, regularizer, fidelity + self.weight * regularizer, residual)


def _root(value: jax.Array) -> jax.Array:
    """Square root with gradient zero, not infinite, at zero; NaN stays NaN."""
    is_zero = value == 0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, value)))
