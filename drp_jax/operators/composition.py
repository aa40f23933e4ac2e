"""Operators made of others: one after the other, side by side, and with a known background."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import is_known, require, require_finite, shown
from drp_jax.operators.base import Function, Observation, Operator, Shape, adjoint, as_operator
from drp_jax.pytrees import record


@record
class Composition(Operator):
    """Several operators one after the other, the first applied first.

    Attributes:
      operators: operators, or functions.
    """

    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operators", _all_operators(self.operators))

    def __call__(self, image: jax.Array) -> Observation:
        return functools.reduce(lambda image, operator: operator(image), self.operators, image)

    @property
    def maps_pictures(self) -> bool:
        return all(operator.maps_pictures for operator in self.operators)

    def image_shape(self, observation: Observation) -> Shape | None:
        expected = observation
        for operator in reversed(self.operators):
            shape = operator.image_shape(expected)
            if shape is None:
                return None
            expected = jax.ShapeDtypeStruct(shape, jnp.float32)
        return getattr(expected, "shape", None)

    def known(self, observation: Observation) -> Observation:
        return self.operators[-1].known(observation)

    def grouped(self, observation: Observation) -> Observation:
        return self.operators[-1].grouped(observation)

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        given: list[Any] = [image]
        for operator in self.operators[:-1]:
            given.append(jax.eval_shape(operator, given[-1]))
        for operator, its_image in zip(reversed(self.operators), reversed(given), strict=True):
            observation = adjoint(operator, observation, its_image)
        return observation


@record
class Stack(Operator):
    """Several measurements of one image. The observation is the tuple of theirs.

    Attributes:
      operators: operators, or functions.
    """

    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operators", _all_operators(self.operators))

    def __call__(self, image: jax.Array) -> tuple[Observation, ...]:
        return tuple(operator(image) for operator in self.operators)

    def image_shape(self, observation: Observation) -> Shape | None:
        """The one that all have who know it; a function that guesses is not asked then."""
        pairs = list(zip(self.operators, self._parts(observation), strict=True))
        asked = [pair for pair in pairs if not isinstance(pair[0], Function)] or pairs
        shapes = {operator.image_shape(part) for operator, part in asked} - {None}
        require(
            len(shapes) <= 1,
            f"the operators have images of different shapes, {sorted(map(str, shapes))}; accepted: "
            "measurements of one image",
        )
        return shapes.pop() if shapes else None

    def known(self, observation: Observation) -> tuple[Observation, ...]:
        parts = self._parts(observation)
        return tuple(one.known(part) for one, part in zip(self.operators, parts, strict=True))

    def grouped(self, observation: Observation) -> tuple[Observation, ...]:
        parts = self._parts(observation)
        return tuple(one.grouped(part) for one, part in zip(self.operators, parts, strict=True))

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        pairs = zip(self.operators, self._parts(observation), strict=True)
        images = [adjoint(operator, part, image) for operator, part in pairs]
        return functools.reduce(jnp.add, images)

    def _parts(self, observation: Observation) -> tuple[Observation, ...]:
        count = len(self.operators)
        require(
            isinstance(observation, (tuple, list)) and len(observation) == count,
            f"observation is {shown(observation)}; accepted: a tuple of {count}, one for each "
            "operator",
        )
        return tuple(observation)


@record
class Offset(Operator):
    """What an operator gives and a known background, as scattered light in photon counts. Affine.

    Where the operator says that nothing was observed there is no background either.

    Attributes:
      operator: an operator, or a function.
      background: in units of the observation: a number, or an array of the observation's shape, or
        a pytree of such arrays.

    Raises:
      InputError: if the background is something else.
    """

    operator: Operator
    background: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "operator", as_operator(self.operator))
        leaves = jax.tree.leaves(self.background)
        numbers = (np.ndarray, np.generic, jax.Array, int, float, complex)
        require(
            len(leaves) > 0 and all(isinstance(one, numbers) for one in leaves if is_known(one)),
            f"background is {shown(self.background)}; accepted: a number, or what has the "
            "observation's form",
        )
        for one in leaves:
            require_finite(one, "background")

    def __call__(self, image: jax.Array) -> Observation:
        predicted, background = self.operator(image), self.background
        if jax.tree_util.all_leaves([background]) and jnp.shape(background) == ():
            return self.known(jax.tree.map(lambda leaf: leaf + background, predicted))
        shapes, accepted = (jax.tree.map(jnp.shape, one) for one in (background, predicted))
        require(
            shapes == accepted,
            f"background has shape {shapes}; accepted: {accepted}, the observation's, or a number",
        )
        return self.known(jax.tree.map(jnp.add, predicted, background))

    def image_shape(self, observation: Observation) -> Shape | None:
        return self.operator.image_shape(observation)

    def known(self, observation: Observation) -> Observation:
        return self.operator.known(observation)

    def grouped(self, observation: Observation) -> Observation:
        return self.operator.grouped(observation)

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        return adjoint(self.operator, observation, image)


def _all_operators(operators: Any) -> tuple[Operator, ...]:
    """Operators of a tuple of functions."""
    require(
        isinstance(operators, (tuple, list)) and len(operators) > 0,
        f"operators is {shown(operators)}; accepted: a tuple of one operator or more",
    )
    return tuple(as_operator(one) for one in operators)
