"""Programs of other packages as methods: functions of NumPy arrays, called outside of JAX."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import InputError, is_known, require, require_kind, require_number, shown
from drp_jax.method import Loop, Method
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record

Program = Callable[..., Any]
"""From a problem, and settings by name, to the image `[H, W, C]`."""


@record
class External(Method):
    """A program of another package as a method, to be compared with others.

    It is called outside of JAX, one image after the other, also in a batch and on an accelerator.
    Where `restore` is under `jax.jit` or `jax.vmap`, JAX calls it and waits, so that it must not
    use JAX itself, and a CPU needs two cores. The run ends after one step.

    Attributes:
      program: is called with the problem, whose arrays are NumPy's, and with the settings by name,
        and gives the image `[H, W, C]`. The problem comes without its reference.
      settings: its settings, numbers by name, which `adjusted` takes; those that are whole stay so.
      name: what the method is called.

    Raises:
      InputError: if the program cannot be called, or a setting is no finite number.
    """

    program: Program = fixed()
    settings: Mapping[str, float | jax.Array] = dataclasses.field(default_factory=dict)
    name: str = fixed(default="external")

    is_finite_process: ClassVar[bool] = True
    is_compiled: ClassVar[bool] = False
    advice: ClassVar[str] = "The program has given values that are not finite."

    def __post_init__(self) -> None:
        require_kind(self.name, str, "name", "a string")
        require(callable(self.program), f"program is {shown(self.program)}; accepted: a function")
        require_kind(self.settings, Mapping, "settings", "numbers by name")
        for name, value in self.settings.items():
            require_number(value, name, -np.inf, accepted="a finite number")

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(1)

    def init(self, problem: Problem, key: jax.Array) -> jax.Array:
        # Here and not in the step, which a batch takes together: what fails fails alone.
        told = dataclasses.replace(problem, reference=None), dict(self.settings)
        # A callback waits for ever where a CPU has one core, which it needs to be given its arrays.
        if all(is_known(leaf) for leaf in jax.tree.leaves(told)):
            return jnp.asarray(self._called(*told))
        return jax.pure_callback(self._called, problem.image, *told, vmap_method="sequential")

    def step(self, problem: Problem, state: jax.Array) -> jax.Array:
        return state

    def image(self, problem: Problem, state: jax.Array) -> jax.Array:
        return state

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        def changed(name: str, value: Any) -> External:
            return dataclasses.replace(self, settings={**self.settings, name: value})

        return {name: functools.partial(changed, name) for name in self.settings}

    def _called(self, problem: Problem, settings: Mapping[str, Any]) -> np.ndarray:
        """The image that the program gives of NumPy arrays."""
        problem = jax.tree.map(np.asarray, problem)
        numbers = {name: np.asarray(value).item() for name, value in settings.items()}
        image = np.asarray(self.program(problem, **numbers))
        wanted = problem.image
        if (*image.shape, 1) == wanted.shape:
            image = image[..., None]
        if image.shape != wanted.shape:
            raise InputError(f"{self.name} gives an image {image.shape}; accepted: {wanted.shape}")
        return image.astype(wanted.dtype)
