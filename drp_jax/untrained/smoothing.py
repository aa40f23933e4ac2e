"""Coarse to fine: an optimiser that is given a smoothed gradient of the seed, less and less.

A trained seed takes fine structure up as fast as coarse structure, and where much is missing the
fine one is wrong until the coarse one is right. Smoothed gradients, which Adam brings to length,
find the coarse one first: docs/research.md has what it brings.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from drp_jax.errors import require_number
from drp_jax.pytrees import record
from drp_jax.untrained.optimizers import LearningRate, Optimizer, as_optimizer, transformation
from drp_jax.untrained.partition import Seed


@record
class CoarseToFine:
    """An optimiser whose gradients of seeds are smoothed by a Gaussian that narrows linearly to 0.

    Attributes:
      optimizer: what takes the gradients: an optax optimiser, as `Untrained` does.
      width: standard deviation of the Gaussian at the first iteration, in pixels, above 0.
      iterations: number of iterations after which nothing is smoothed any more, above 0.

    Raises:
      InputError: if a value is not what it should be.
    """

    optimizer: Optimizer = optax.adam
    width: float | jax.Array = 4.0
    iterations: float | jax.Array = 175

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", as_optimizer(self.optimizer))
        for name in ("width", "iterations"):
            require_number(
                getattr(self, name),
                f"{name} of the smoothing",
                0,
                least_allowed=False,
                accepted="above 0",
            )

    def __call__(self, rate: LearningRate) -> optax.GradientTransformationExtraArgs:
        """The transformation of variables in an `nnx.State`, which says what is a seed."""

        def update(
            gradient: nnx.State, count: jax.Array, _: Any = None
        ) -> tuple[nnx.State, jax.Array]:
            return self._smoothed(gradient, count), count + 1

        smoothing = optax.GradientTransformation(lambda _: jnp.int32(0), update)
        return optax.chain(smoothing, transformation(self.optimizer, rate))

    def _smoothed(self, gradient: nnx.State, count: jax.Array) -> nnx.State:
        width = self.width * jnp.maximum(1 - count / self.iterations, 0.0)

        def of_one(_: tuple, variable: nnx.Variable) -> nnx.Variable:
            if type(variable) is not Seed:
                return variable
            return variable.replace(_blurred(variable[...], width))

        return nnx.map_state(of_one, gradient)


def _blurred(image: jax.Array, width: jax.Array) -> jax.Array:
    """An image `[h, w, c]` convolved with a Gaussian of that standard deviation, periodic."""
    rows, columns = (jnp.fft.fftfreq(side) for side in image.shape[:2])
    squares = jnp.square(rows)[:, None] + jnp.square(columns)[None]
    passed = jnp.exp(-2 * jnp.square(jnp.pi * width) * squares)[..., None]
    spectrum = passed * jnp.fft.fft2(image, axes=(0, 1))
    return jnp.fft.ifft2(spectrum, axes=(0, 1)).real.astype(image.dtype)
