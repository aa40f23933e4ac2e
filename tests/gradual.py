"""A method for every task of the page, which compiles fast."""

import dataclasses

import jax.numpy as jnp
import pytest
from descent import Descent

from drp_jax import Loop, Method, presets, record
from drp_jax.operators import adjoint

TASKS = ("denoise", "inpaint", "super-resolve")


@record
class Gradual(Descent):
    """Gradient descent from zero for any linear operator, with an uncertainty: the brightness."""

    def step(self, problem, state):
        left = problem.observation - problem.operator(state)
        return state + self.rate * adjoint(problem.operator, left, problem.image)

    def uncertainty(self, problem, state):
        return jnp.mean(jnp.abs(state), axis=-1)

    def adjustments(self):
        return {"iterations": lambda count: dataclasses.replace(self, loop=Loop(count))}


@record
class Certain(Gradual):
    """Has an uncertainty that is not found yet."""

    def uncertainty(self, problem, state):
        return jnp.zeros(state.shape[:2])


@record
class Broken(Gradual):
    """Fails as no method should."""

    def init(self, problem, key):
        raise RuntimeError("no such film")


def take(patch: pytest.MonkeyPatch, method: Method) -> None:
    """Makes a method what the page takes by itself for all that it can do."""
    for task in TASKS:
        patch.setitem(presets._PRESETS["non-local"][task], "default", method)
    for name in ("plug-and-play", "drp-pnp"):
        patch.setitem(presets._PRESETS[name]["reconstruct"], "default", method)
