"""The generator that is no network: the seed is the image.

With it the solver works on the pixels themselves, as classical methods do.
"""

import dataclasses

import jax
from flax import nnx

from drp_jax.errors import InputError, require


@dataclasses.dataclass(frozen=True)
class PixelsConfig:
    """One value of the seed per pixel and channel of the image."""

    def with_width(self, width: int) -> "PixelsConfig":
        """Pixels have no width.

        Raises:
          InputError: always.
        """
        raise InputError(f"width is {width}, and this method has no network; accepted: no width")

    def seed_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the seed of an image: the same."""
        return height, width

    def build(self, in_channels: int, image_shape: tuple[int, ...], rngs: nnx.Rngs) -> "Pixels":
        """A generator of images `(H, W, C)` from seeds with as many channels.

        Raises:
          InputError: if the seed has another number of channels.
        """
        require(
            in_channels == image_shape[2],
            f"the seed has {in_channels} channels; accepted: {image_shape[2]}, as the image",
        )
        return Pixels()


class Pixels(nnx.Module):
    """Maps a seed `[H, W, C]` to itself."""

    def __call__(self, seed: jax.Array) -> jax.Array:
        return seed
