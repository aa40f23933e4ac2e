"""What is known of the noise on an observation; a part of the problem."""

import jax
import jax.numpy as jnp

from drp_jax.errors import require_number
from drp_jax.pytrees import record


@record
class NoiseFree:
    """The observation is exact, but for rounding."""


@record
class Gaussian:
    """Independent normal noise with mean zero.

    Attributes:
      level: standard deviation in units of the observation, above 0: a number, or a map `[H, W]`
        or one that broadcasts to the observation. None if it is to be estimated.

    Raises:
      InputError: if the level is out of its range.
    """

    level: float | jax.Array | None = None

    def __post_init__(self) -> None:
        if self.level is not None:
            require_number(
                self.level, "noise level", 0.0, least_allowed=False, accepted="finite, above 0"
            )


@record
class Poisson:
    """Photon noise: `scale` times the observation is a number of counts.

    Attributes:
      scale: counts per unit of the observation, above 0; 1 if the observation holds counts.

    Raises:
      InputError: if the scale is out of its range.
    """

    scale: float | jax.Array = 1.0

    def __post_init__(self) -> None:
        require_number(
            self.scale, "photon scale", 0.0, least_allowed=False, accepted="finite, above 0"
        )

    def deviation(self, mean: jax.Array) -> jax.Array:
        """Standard deviation of the noise where the observation's mean is given."""
        return jnp.sqrt(jnp.maximum(mean, 0.0) / self.scale)


Noise = NoiseFree | Gaussian | Poisson


def has_level(noise: Noise | None) -> bool:
    """Whether it is stated how strong the noise is, and that there is some."""
    return isinstance(noise, Poisson) or (isinstance(noise, Gaussian) and noise.level is not None)
