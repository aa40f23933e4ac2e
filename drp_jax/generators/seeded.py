"""A generator together with its seed: the unknown image as a function of all variables."""

from typing import Protocol

import jax
from flax import nnx

from drp_jax.generators.layers import ImageNorm
from drp_jax.partition import Seed


class GeneratorConfig(Protocol):
    """What a method asks of a generator's configuration, a frozen dataclass."""

    def with_width(self, width: int) -> "GeneratorConfig":
        """The same generator with `width` channels."""

    def seed_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the seed of an image `height` x `width`."""

    def build(self, in_channels: int, image_shape: tuple[int, ...], rngs: nnx.Rngs) -> nnx.Module:
        """A freshly drawn generator of images `(H, W, C)` from seeds with `in_channels`."""


class SeededGenerator(nnx.Module):
    """The image `G_theta(z)`: called without arguments, it gives the image `[H, W, C]`.

    Args:
      seed: `[h, w, c]`, the generator's input.
      generator: a module that maps the seed to an image.
      normalize_seed: whether an `ImageNorm` with its own affine is put on the seed, as
        Deep Random Projector does.
    """

    def __init__(self, seed: jax.Array, generator: nnx.Module, *, normalize_seed: bool):
        self.seed = Seed(seed)
        self.seed_norm = ImageNorm(seed.shape[-1]) if normalize_seed else None
        self.generator = generator

    def __call__(self) -> jax.Array:
        seed = self.seed[...]
        return self.generator(seed if self.seed_norm is None else self.seed_norm(seed))
