"""One colour a pixel, as a camera's sensor sees."""

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import require, shown
from drp_jax.operators.base import Observation, PixelOperator, Shape
from drp_jax.operators.pixels import picture_shape
from drp_jax.pytrees import fixed, record

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")


@record
class Bayer(PixelOperator):
    """One of three colours is observed at each pixel: demosaicing. Linear.

    The image is `[H, W, 3]`, red, green and blue; the observation `[H, W, 1]`.

    Attributes:
      pattern: the colours of the 2 x 2 pixels at the upper left, row by row: "RGGB", "BGGR",
        "GRBG" or "GBRG".

    Raises:
      InputError: if it is another.
    """

    pattern: str = fixed(default="RGGB")

    def __post_init__(self) -> None:
        require(
            isinstance(self.pattern, str) and self.pattern in PATTERNS,
            f"pattern is {shown(self.pattern)}; accepted: " + ", ".join(PATTERNS),
        )

    def __call__(self, image: jax.Array) -> jax.Array:
        height, width, channels = image.shape
        require(channels == 3, f"image has shape {image.shape}; accepted: (H, W, 3)")
        seen = jnp.asarray(self.colors(height, width), image.dtype)
        return jnp.sum(seen * image, axis=-1, keepdims=True)

    def colors(self, height: int, width: int) -> np.ndarray:
        """Which colour is seen where: `[H, W, 3]`, 1 for it and 0 for the others."""
        index = np.array(["RGB".index(color) for color in self.pattern]).reshape(2, 2)
        rows, columns = np.indices((height, width))
        return np.eye(3)[index[rows % 2, columns % 2]]

    def image_shape(self, observation: Observation) -> Shape:
        height, width, channels = picture_shape(observation)
        require(
            channels == 1,
            f"observation has shape {(height, width, channels)}; accepted: (H, W, 1)",
        )
        return height, width, 3
