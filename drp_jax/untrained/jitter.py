"""Jitter: fresh noise on the seed or the weights at every iteration.

DIP perturbs its fixed seed, which regularises it; the official DRP inpainting perturbs its
fixed weights. The noise is added around the variables' values and never accumulates; where
the jittered variables train, the gradient is taken at the jittered point.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax.errors import require, require_number
from drp_jax.pytrees import fixed, record


@record
class Jitter:
    """Noise N(0, std^2) per iteration on one type of variables, constant or decaying.

    Attributes:
      kind: the type of the variables, `Seed`, `Weight` or `NormAffine`.
      std: standard deviation at the first iteration, above 0.
      half_life: iterations after which the deviation has halved, above 0; None for never.

    Raises:
      InputError: if a value is out of its range.
    """

    kind: type[nnx.Variable] = fixed()
    std: float | jax.Array
    half_life: float | jax.Array | None = None

    def __post_init__(self) -> None:
        require(
            isinstance(self.kind, type) and issubclass(self.kind, nnx.Variable),
            f"jitter kind is {self.kind!r}; accepted: a type of variables, like Seed or Weight",
        )
        require_number(self.std, "jitter std", 0, least_allowed=False, accepted="above 0")
        if self.half_life is not None:
            require_number(
                self.half_life, "jitter half_life", 0, least_allowed=False, accepted="above 0"
            )

    def level(self, iteration: jax.Array) -> jax.Array:
        """Standard deviation at an iteration, counted from 0."""
        decay = 1.0 if self.half_life is None else 0.5 ** (iteration / self.half_life)
        return jnp.asarray(self.std * decay)


def perturb(
    state: nnx.State, jitters: tuple[Jitter, ...], iteration: jax.Array, key: jax.Array
) -> nnx.State:
    """A copy of the variables with those of each kind named in `jitters` perturbed.

    Args:
      state: variables, from `partition.split`.
      jitters: the noise.
      iteration: number of the iteration, counted from 0.
      key: the key of this iteration's noise.
    """
    levels = {jitter.kind: jitter.level(iteration) for jitter in jitters}
    variables = nnx.to_flat_state(state)
    keys = jax.random.split(key, max(len(variables), 1))
    perturbed = [
        (path, _perturbed(variable, levels, one))
        for (path, variable), one in zip(variables, keys, strict=False)
    ]
    return nnx.from_flat_state(perturbed)


def _perturbed(
    variable: nnx.Variable, levels: dict[type[nnx.Variable], jax.Array], key: jax.Array
) -> nnx.Variable:
    if type(variable) not in levels:
        return variable
    value = variable[...]
    noise = jax.random.normal(key, value.shape, value.dtype)
    return variable.replace(value + levels[type(variable)] * noise)
