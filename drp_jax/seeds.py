"""Seeds: the inputs `z` of the generators, drawn at the start of a run.

A seed's configuration is a frozen dataclass with a method `draw`; its arguments are the key,
the seed's height and width, and a function that gives a rough estimate of the image, which
only those seeds call that start from it.
"""

import dataclasses
from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp

from drp_jax.errors import require

Estimate = Callable[[], jax.Array]


class SeedConfig(Protocol):
    """What a method asks of a seed's configuration."""

    def draw(self, key: jax.Array, height: int, width: int, estimate: Estimate) -> jax.Array:
        """The seed `[height, width, channels]`."""


@dataclasses.dataclass(frozen=True)
class NormalSeed:
    """Independent normal values N(0, std^2): Deep Random Projector's.

    Attributes:
      channels: number of channels, from 1 up.
      std: standard deviation, above 0.
    """

    channels: int = 3
    std: float = 0.1

    def __post_init__(self) -> None:
        _check_channels(self.channels)
        require(self.std > 0, f"seed std is {self.std}; accepted: above 0")

    def draw(self, key: jax.Array, height: int, width: int, estimate: Estimate) -> jax.Array:
        return self.std * jax.random.normal(key, (height, width, self.channels))


@dataclasses.dataclass(frozen=True)
class UniformSeed:
    """Independent values U(0, high): those of DIP and Deep Decoder.

    Attributes:
      channels: number of channels, from 1 up.
      high: upper bound of the values, above 0.
    """

    channels: int = 32
    high: float = 0.1

    def __post_init__(self) -> None:
        _check_channels(self.channels)
        require(self.high > 0, f"seed high is {self.high}; accepted: above 0")

    def draw(self, key: jax.Array, height: int, width: int, estimate: Estimate) -> jax.Array:
        return jax.random.uniform(key, (height, width, self.channels), maxval=self.high)


@dataclasses.dataclass(frozen=True)
class MeshGridSeed:
    """Two channels: the column, then the row, each from 0 at the first to 1 at the last."""

    def draw(self, key: jax.Array, height: int, width: int, estimate: Estimate) -> jax.Array:
        columns, rows = jnp.meshgrid(jnp.linspace(0, 1, width), jnp.linspace(0, 1, height))
        return jnp.stack([columns, rows], axis=-1)


@dataclasses.dataclass(frozen=True)
class EstimateSeed:
    """The observation brought to the image's grid, plus normal noise.

    The estimate is the observation itself for denoising, and elsewhere the operator's
    adjoint of it, normalised and with the gaps filled in (see `operators.filled_estimate`). It is
    resized to the seed's size.

    Attributes:
      noise: standard deviation of the noise (intensity), from 0 up.
    """

    noise: float = 0.1

    def __post_init__(self) -> None:
        require(self.noise >= 0, f"seed noise is {self.noise}; accepted: from 0 up")

    def draw(self, key: jax.Array, height: int, width: int, estimate: Estimate) -> jax.Array:
        image = estimate()
        image = jax.image.resize(image, (height, width, image.shape[-1]), "linear")
        return image + self.noise * jax.random.normal(key, image.shape)


def _check_channels(channels: int) -> None:
    require(channels >= 1, f"seed channels is {channels}; accepted: from 1 up")
