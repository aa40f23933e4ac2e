"""Seeds: the inputs `z` of the generators, drawn at the start of a run."""

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import (
    is_known,
    require,
    require_finite,
    require_kind,
    require_number,
    require_whole,
    shown,
)
from drp_jax.operators import filled_back_projection
from drp_jax.operators.base import require_linear
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record
from drp_jax.units import Units

MOST_CHANNELS = 100_000


class SeedConfig:
    """Base of the seeds: how the input of a generator is drawn."""

    def check(self, problem: Problem) -> None:
        """Raises `InputError` if there is no such seed for the problem."""

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        """The seed `[height, width, channels]`, float32."""
        raise NotImplementedError


@record
class NormalSeed(SeedConfig):
    """Independent normal values N(0, std^2): Deep Random Projector's.

    Attributes:
      channels: number of channels, from 1 up.
      std: standard deviation, above 0.
    """

    channels: int = fixed(default=3)
    std: float | jax.Array = 0.1

    def __post_init__(self) -> None:
        _check_channels(self.channels)
        require_number(self.std, "seed std", 0, least_allowed=False, accepted="above 0")

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        return self.std * jax.random.normal(key, (height, width, self.channels))


@record
class UniformSeed(SeedConfig):
    """Independent values U(0, high): those of DIP and Deep Decoder.

    Attributes:
      channels: number of channels, from 1 up.
      high: upper bound of the values, above 0.
    """

    channels: int = fixed(default=32)
    high: float | jax.Array = 0.1

    def __post_init__(self) -> None:
        _check_channels(self.channels)
        require_number(self.high, "seed high", 0, least_allowed=False, accepted="above 0")

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        return jax.random.uniform(key, (height, width, self.channels), maxval=self.high)


@record
class MeshGridSeed(SeedConfig):
    """Two channels: the column, then the row, each from 0 at the first to 1 at the last."""

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        columns, rows = jnp.meshgrid(jnp.linspace(0, 1, width), jnp.linspace(0, 1, height))
        return jnp.stack([columns, rows], axis=-1)


@record
class BackProjectionSeed(SeedConfig):
    """The observation brought to the image's grid, plus normal noise.

    It is the observation itself for denoising, and elsewhere the operator's adjoint of it,
    normalised and with the gaps filled in (see `operators.filled_back_projection`), resized to the
    seed's size and brought to [0, 1] (see `Units`). Of a complex image it has the real and the
    imaginary part.

    Attributes:
      noise: standard deviation of the noise, in those of an image in [0, 1], from 0 up.
    """

    noise: float | jax.Array = 0.1

    def __post_init__(self) -> None:
        require_number(self.noise, "seed noise", 0, accepted="from 0 up")

    def check(self, problem: Problem) -> None:
        require_linear(problem.operator, problem.observation, problem.image)

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        image = filled_back_projection(problem.operator, problem.observation, problem.image)
        image = Units.of(problem).unit(image)
        if problem.complex_image:
            image = jnp.concatenate([image.real, image.imag], axis=-1)
        image = jax.image.resize(image, (height, width, image.shape[-1]), "linear")
        return image + self.noise * jax.random.normal(key, image.shape)


@record
class FixedSeed(SeedConfig):
    """Values that are given, as another picture of the same scene.

    Attributes:
      values: `[h, w, c]`, finite; h and w are what the generator asks for.
    """

    values: jax.Array

    def __post_init__(self) -> None:
        require_kind(self.values, (np.ndarray, jax.Array), "seed", "an array [h, w, c]")
        if not is_known(self.values):
            return
        values = np.asarray(self.values)
        require(
            values.ndim == 3 and values.dtype.kind in "iuf",
            f"seed is {shown(self.values)}; accepted: a real array [h, w, c]",
        )
        require_finite(values, "seed")

    def draw(self, key: jax.Array, height: int, width: int, problem: Problem) -> jax.Array:
        values = jnp.asarray(self.values, jnp.float32)
        require(
            values.shape[:2] == (height, width),
            f"seed has shape {values.shape}; accepted: (h, w) = ({height}, {width}) with any "
            "channels",
        )
        return values


def _check_channels(channels: int) -> None:
    require_whole(channels, "seed channels", 1, MOST_CHANNELS)
