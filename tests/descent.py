"""A method of one's own, small enough to be computed by hand."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from drp_jax import Loop, Method, fixed, record


@record
class Descent(Method):
    """Gradient descent on the image, from zero."""

    loop: Loop = dataclasses.field(default_factory=lambda: Loop(6))
    rate: float | jax.Array = 0.5
    name: str = fixed(default="descent")
    measures: ClassVar[tuple[str, ...]] = ("residual",)

    def init(self, problem, key):
        return jnp.zeros(problem.image.shape, problem.image.dtype)

    def step(self, problem, state):
        return state + self.rate * (problem.observation - problem.operator(state))

    def image(self, problem, state):
        return state

    def measured(self, problem, state):
        left = problem.observation - problem.operator(state)
        return {"residual": jnp.sqrt(jnp.mean(jnp.abs(left) ** 2))}
