"""Jitter: fresh noise on the seed or the weights at every iteration.

DIP perturbs its fixed seed, which regularises it; the official DRP inpainting perturbs its
fixed weights. The noise is added around the variables' values and never accumulates; where
the jittered variables train, the gradient is taken at the jittered point.
"""

import dataclasses

import jax
from flax import nnx

from drp_jax.errors import require
from drp_jax.partition import VariableType


@dataclasses.dataclass(frozen=True)
class Jitter:
    """Noise N(0, std^2) per iteration, constant or decaying.

    Attributes:
      std: standard deviation at the first iteration, above 0.
      half_life: iterations after which the deviation has halved, above 0; None for never.
    """

    std: float
    half_life: float | None = None

    def __post_init__(self) -> None:
        require(self.std > 0, f"jitter std is {self.std}; accepted: above 0")
        if self.half_life is not None:
            require(self.half_life > 0, f"jitter half_life is {self.half_life}; accepted: above 0")

    def level(self, iteration: jax.Array) -> float | jax.Array:
        """Standard deviation at an iteration, counted from 0."""
        decay = 1.0 if self.half_life is None else 0.5 ** (iteration / self.half_life)
        return self.std * decay


Jitters = tuple[tuple[VariableType, Jitter], ...]


def perturb(state: nnx.State, jitters: Jitters, iteration: jax.Array, key: jax.Array) -> nnx.State:
    """A copy of the variables with each kind named in `jitters` perturbed.

    Args:
      state: variables, from `partition.split`.
      jitters: pairs of variable type and jitter.
      iteration: number of the iteration, counted from 0.
      key: the key of this iteration's noise.
    """
    levels = {kind: jitter.level(iteration) for kind, jitter in jitters}
    variables = nnx.to_flat_state(state)
    keys = jax.random.split(key, max(len(variables), 1))
    perturbed = [
        (path, _perturbed(variable, levels, one))
        for (path, variable), one in zip(variables, keys, strict=False)
    ]
    return nnx.from_flat_state(perturbed)


def _perturbed(
    variable: nnx.Variable, levels: dict[VariableType, float | jax.Array], key: jax.Array
) -> nnx.Variable:
    if type(variable) not in levels:
        return variable
    value = variable[...]
    noise = jax.random.normal(key, value.shape, value.dtype)
    return variable.replace(value + levels[type(variable)] * noise)
