"""What is minimised: fidelity to the observation plus a weighted regularizer.

Fidelities take `(prediction, observation)`, two arrays of one shape, real or complex; regularizers
take an image `[H, W, C]`. All give a scalar. Both are given in units in which the unknown image
lies in [0, 1] (see `Units`), so that MSE and Huber are in squares of them.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from drp_jax.errors import form, require, require_number, require_number_of, shown
from drp_jax.operators.base import Observation
from drp_jax.pytrees import as_pytree, record

Fidelity = Callable[[jax.Array, jax.Array], jax.Array]
Regularizer = Callable[[jax.Array], jax.Array]


def mse(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Mean squared error, the fidelity of DIP and Deep Decoder."""
    return jnp.mean(_squared(prediction - observation))


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


def root_deviance(prediction: jax.Array, observation: jax.Array) -> jax.Array:
    """Root of the mean Poisson deviance, twice what `poisson` gives.

    It is to counts what RMSE is to white noise: a weight of the regularizer means about the same
    beside either, and whatever the number of counts.
    """
    return _root(2 * poisson(prediction, observation))


@record
class Huber:
    """Mean Huber loss: squared below `delta`, above 0, linear beyond it."""

    delta: float | jax.Array = 0.1

    def __post_init__(self) -> None:
        require_number(self.delta, "Huber delta", 0, least_allowed=False, accepted="above 0")

    def __call__(self, prediction: jax.Array, observation: jax.Array) -> jax.Array:
        distance = _root(_squared(prediction - observation))
        return jnp.mean(optax.losses.huber_loss(distance, delta=self.delta))


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
    return jnp.mean(_root(_squared(down) + _squared(right)))


@record
class WeightedSum:
    """A regularizer that is a sum of several.

    Attributes:
      parts: pairs of weight and regularizer; the objective's weight multiplies the sum.
    """

    parts: tuple[tuple[float | jax.Array, Regularizer], ...]

    def __post_init__(self) -> None:
        is_fine = isinstance(self.parts, (tuple, list)) and len(self.parts) > 0
        is_fine = is_fine and all(isinstance(part, tuple) and len(part) == 2 for part in self.parts)
        require(
            is_fine,
            f"parts is {shown(self.parts)}; accepted: one pair or more, (weight, regularizer)",
        )
        for weight, _ in self.parts:
            require_number(weight, "regularizer weight", -np.inf, accepted="finite")
        parts = tuple((weight, as_pytree(part, "regularizer")) for weight, part in self.parts)
        object.__setattr__(self, "parts", parts)

    def __call__(self, image: jax.Array) -> jax.Array:
        terms = [weight * regularizer(image) for weight, regularizer in self.parts]
        return functools.reduce(jnp.add, terms)


@record
class Terms:
    """The parts of an objective at one image: `loss = fidelity + weight * regularizer`.

    `residual` is the root mean squared distance of the prediction to the observation, over
    all its entries, whatever the fidelity.
    """

    fidelity: jax.Array
    regularizer: jax.Array
    loss: jax.Array
    residual: jax.Array


MOST_WEIGHT = 1e6


@record
class Objective:
    """`l(f(x), y) + weight * R(x)`.

    Attributes:
      fidelity: `l`, a function of prediction and observation.
      regularizer: `R`, a function of an image, or None for none. What it holds, as a guide image
        in a dataclass, are array leaves.
      weight: lambda, from 0 up. An array leaf: other values do not compile again, and
        `jax.vmap` sweeps over it.

    Raises:
      InputError: if a value is not what it should be.
    """

    fidelity: Fidelity = rmse
    regularizer: Regularizer | None = anisotropic_tv
    weight: float | jax.Array = 0.45

    def __post_init__(self) -> None:
        object.__setattr__(self, "fidelity", as_pytree(self.fidelity, "fidelity"))
        if self.regularizer is not None:
            object.__setattr__(self, "regularizer", as_pytree(self.regularizer, "regularizer"))
        accepted = f"from 0 to {MOST_WEIGHT:g}"
        require_number(self.weight, "regularizer weight", 0, MOST_WEIGHT, accepted=accepted)

    def check(self, image: jax.ShapeDtypeStruct, observation: Observation) -> None:
        """Raises InputError unless the parts give numbers for such an image and observation."""
        shape = np.shape(self.weight)
        require(shape == (), f"regularizer weight has shape {shape}; accepted: one number")
        measured = jax.eval_shape(_joined, observation)
        for name, part, arguments in (
            ("fidelity", self.fidelity, (measured, measured)),
            ("regularizer", self.regularizer, (image,)),
        ):
            if part is not None:
                given = " and ".join(f"an array of {form(one)}" for one in arguments)
                require_number_of(part, *arguments, name=name, given=given)

    def __call__(self, image: jax.Array, prediction: Observation, observation: Any) -> Terms:
        """The terms at `image`, whose forward operator gives `prediction`."""
        prediction, observation = _joined(prediction), _joined(observation)
        require(
            prediction.shape == observation.shape,
            f"prediction has shape {prediction.shape}; accepted: {observation.shape}, the "
            "observation's",
        )
        residual = jax.lax.stop_gradient(rmse(prediction, observation))
        fidelity = self.fidelity(prediction, observation)
        if self.regularizer is None:
            return Terms(fidelity, jnp.zeros_like(fidelity), fidelity, residual)
        regularizer = self.regularizer(image)
        return Terms(fidelity, regularizer, fidelity + self.weight * regularizer, residual)


def _joined(observation: Observation) -> jax.Array:
    """One array of all numbers: every one counts alike, in whichever array it was measured."""
    is_array = jax.tree_util.all_leaves([observation])
    return observation if is_array else ravel_pytree(observation)[0]


def _squared(values: jax.Array) -> jax.Array:
    """Squared magnitudes."""
    if jnp.iscomplexobj(values):
        return jnp.square(values.real) + jnp.square(values.imag)
    return jnp.square(values)


def _root(value: jax.Array) -> jax.Array:
    """Square root with gradient zero, not infinite, at zero; NaN stays NaN."""
    is_zero = value == 0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, value)))
