"""Seeds: the inputs `z` of the generators, drawn at the start of a run."""

import dataclasses

import jax

from drp_jax.errors import require


@dataclasses.dataclass(frozen=True)
class NormalSeed:
    """A seed of independent normal values N(0, std^2).

    Attributes:
      channels: number of channels, from 1 up.
      std: standard deviation, positive.

    Raises:
      InputError: if a value is out of its range.
    """

    channels: int = 3
    std: float = 0.1

    def __post_init__(self) -> None:
        require(self.channels >= 1, f"seed channels is {self.channels}; accepted: from 1 up")
        require(self.std > 0, f"seed std is {self.std}; accepted: above 0")

    def draw(self, key: jax.Array, height: int, width: int) -> jax.Array:
        """The seed `[height, width, channels]`."""
        return self.std * jax.random.normal(key, (height, width, self.channels))
