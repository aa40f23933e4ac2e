"""Forward operators `f`: what happened to the unknown image before it was observed.

An operator is a pytree that maps an image `[H, W, C]` to a prediction of the observation,
and that tells the image's shape from the observation's.
"""

from typing import Protocol

import jax
from flax import struct

Shape = tuple[int, ...]


class Operator(Protocol):
    """What `restore` asks of an operator."""

    def __call__(self, image: jax.Array) -> jax.Array:
        """The observation that `image` would give, without noise."""

    def image_shape(self, observation_shape: Shape) -> Shape:
        """The shape `(H, W, C)` of an image that gives an observation of the given shape."""


@struct.dataclass
class Identity:
    """The image is observed as it is, up to noise: denoising."""

    def __call__(self, image: jax.Array) -> jax.Array:
        return image

    def image_shape(self, observation_shape: Shape) -> Shape:
        return observation_shape
