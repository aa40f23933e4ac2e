"""Several operators one after the other."""

import functools

import jax

from drp_jax.errors import require, shown
from drp_jax.operators.base import Observation, Operator, Shape, as_operator
from drp_jax.pytrees import record


@record
class Composition(Operator):
    """Several operators one after the other, the first applied first.

    Attributes:
      operators: operators, or functions.
    """

    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        require(
            isinstance(self.operators, (tuple, list)) and len(self.operators) > 0,
            f"operators is {shown(self.operators)}; accepted: a tuple of one operator or more",
        )
        object.__setattr__(self, "operators", tuple(as_operator(one) for one in self.operators))

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
            expected = jax.ShapeDtypeStruct(shape, jax.numpy.float32)
        return getattr(expected, "shape", None)

    def known(self, observation: Observation) -> Observation:
        return self.operators[-1].known(observation)
