"""Operators that map pictures to pictures: identity, mask, blur, a smaller picture.

All are linear. The image and the observation are `[H, W, C]`.
"""

import enum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.errors import (
    is_known,
    is_whole,
    require,
    require_choice,
    require_finite,
    require_kind,
    require_whole,
    shown,
)
from drp_jax.operators.base import Observation, PixelOperator, Shape
from drp_jax.products import exact_products
from drp_jax.pytrees import fixed, record

_ARRAYS = (np.ndarray, jax.Array)

Margins = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Pixels before and after along each axis of an image, as `jnp.pad` takes them."""


@record
class Identity(PixelOperator):
    """The image is observed as it is, up to noise: denoising."""

    def __call__(self, image: jax.Array) -> jax.Array:
        return image

    def image_shape(self, observation: Observation) -> Shape:
        return picture_shape(observation)


@record
class Mask(PixelOperator):
    """Some pixels are observed: inpainting.

    Attributes:
      mask: `[H, W, 1]` or `[H, W, C]`, 1 where the pixel is known, 0 where it is missing; numbers
        from 0 to 1, or bool.

    Raises:
      InputError: if the mask is something else.
    """

    mask: jax.Array

    def __post_init__(self) -> None:
        require_kind(self.mask, _ARRAYS, "mask", "an array [H, W, 1] or [H, W, C]")
        if is_known(self.mask):
            values = np.asarray(self.mask)
            require(
                values.dtype.kind in "biuf" and bool(((values >= 0) & (values <= 1)).all()),
                f"mask has values that are not from 0 to 1 ({shown(self.mask)}); accepted: 1 "
                "where the pixel is known, 0 where it is missing",
            )

    def __call__(self, image: jax.Array) -> jax.Array:
        return jnp.asarray(self.mask, image.dtype) * image

    def image_shape(self, observation: Observation) -> Shape:
        shape = height, width, channels = picture_shape(observation)
        accepted = ((height, width, 1), (height, width, channels))
        require(
            self.mask.shape in accepted,
            f"mask has shape {self.mask.shape}; accepted: {accepted[0]} or {accepted[1]}",
        )
        return shape

    def known(self, observation: jax.Array) -> jax.Array:
        return jnp.where(self.mask > 0, observation, 0.0)


class Boundary(enum.StrEnum):
    """What lies past the edge of an image: `jnp.pad` modes by their field's names."""

    REFLECT = "reflect"
    REPLICATE = "edge"
    PERIODIC = "wrap"
    ZERO = "constant"


@record
class Blur(PixelOperator):
    """Convolution of every channel with one kernel.

    output[i, j] = sum over (a, b) of kernel[a, b] * image[i - (a - r), j - (b - c)]

    With a boundary the size stays. Without one the image is larger than what is observed by all
    that is blurred into it from past its edges, k - 1 rows and l - 1 columns: the scene that a
    photograph was cut out of.

    Attributes:
      kernel: `[k, l]`, normally with sum 1.
      centre: (r, c), the kernel entry that multiplies the pixel itself; (k // 2, l // 2) if
        None.
      boundary: what lies past the edges of the image; None if it has to be found, as of a
        photograph.

    Raises:
      InputError: if a value is something else.
    """

    kernel: jax.Array
    centre: tuple[int, int] | None = fixed(default=None)
    boundary: Boundary | None = fixed(default=Boundary.REFLECT)

    def __post_init__(self) -> None:
        if self.boundary is not None:
            require_choice(self.boundary, Boundary, "boundary")
        require_kind(self.kernel, _ARRAYS, "blur kernel", "an array [rows, columns]")
        if is_known(self.kernel):
            shape = np.shape(self.kernel)
            require(
                len(shape) == 2 and min(shape) >= 1,
                f"blur kernel has shape {shape}; accepted: (rows, columns)",
            )
            kind = self.kernel.dtype
            is_real = jnp.issubdtype(kind, jnp.floating) or jnp.issubdtype(kind, jnp.integer)
            require(is_real, f"blur kernel has type {kind}; accepted: real numbers")
            require_finite(self.kernel, "blur kernel")
            is_pair = isinstance(self.centre, tuple) and len(self.centre) == 2
            require(
                self.centre is None
                or (is_pair and all(map(is_whole, self.centre, (0, 0), (n - 1 for n in shape)))),
                f"blur centre is {self.centre}; accepted: an entry of the {shape} kernel",
            )

    def __call__(self, image: jax.Array) -> jax.Array:
        kernel = jnp.asarray(self.kernel, image.dtype)
        # The flipped kernel slides over an image with what it needs on each side.
        if self.boundary is not None:
            image = jnp.pad(image, self.margins, mode=self.boundary.value)
        require(
            image.shape[0] >= kernel.shape[0] and image.shape[1] >= kernel.shape[1],
            f"image has shape {image.shape}; accepted: from the kernel's {kernel.shape} up",
        )
        return _correlate(image, kernel[::-1, ::-1], stride=(1, 1))

    @property
    def margins(self) -> Margins:
        """How far the kernel reaches past the edges: above and below, left and right, (0, 0)."""
        rows, columns = np.shape(self.kernel)
        row, column = self.centre or (rows // 2, columns // 2)
        return (rows - 1 - row, row), (columns - 1 - column, column), (0, 0)

    def observed_part(self, image: Any) -> Any:
        """What an observation shows of its image, `[H, W]` or `[H, W, C]`: all with a boundary."""
        return image if self.boundary is not None else without_margins(image, self.margins)

    def image_shape(self, observation: Observation) -> Shape:
        height, width, channels = picture_shape(observation)
        if self.boundary is not None:
            return height, width, channels
        rows, columns = np.shape(self.kernel)
        return height + rows - 1, width + columns - 1, channels


def without_margins(image: Any, margins: Margins) -> Any:
    """The inner part of an image `[H, W]` or `[H, W, C]`, what `jnp.pad` put around it cut off."""
    (above, below), (left, right), _ = margins
    return image[above : image.shape[0] - below, left : image.shape[1] - right]


MOST_FACTOR = 64


class Resampling(enum.StrEnum):
    """Kernels for making an image smaller."""

    LANCZOS2 = "lanczos2"
    LANCZOS3 = "lanczos3"
    BOX = "box"


@record
class Downsample(PixelOperator):
    """Low-pass filtering and subsampling by a whole factor: super-resolution.

    Each output pixel is centred on its block of factor x factor pixels. A Lanczos-a kernel
    reaches a * factor pixels from that centre; edges are replicated. For even factors and
    Lanczos-2 this is the operator of DIP's program (phase 1/2, 4 * factor taps); for odd
    factors that program is off the block's centre by half a pixel, and this is not.

    Attributes:
      factor: from 1 to 64.
      resampling: the kernel.
    """

    factor: int = fixed()
    resampling: Resampling = fixed(default=Resampling.LANCZOS2)

    def __post_init__(self) -> None:
        require_whole(self.factor, "factor", 1, MOST_FACTOR)
        require_choice(self.resampling, Resampling, "resampling")

    def __call__(self, image: jax.Array) -> jax.Array:
        height, width = image.shape[:2]
        require(
            height % self.factor == 0 and width % self.factor == 0,
            f"image is {height} x {width}; accepted: multiples of the factor {self.factor}",
        )
        taps = jnp.asarray(self.taps, image.dtype)
        margin = (taps.size - self.factor) // 2
        padded = jnp.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        rows = _correlate(padded, taps[:, None], stride=(self.factor, 1))
        return _correlate(rows, taps[None, :], stride=(1, self.factor))

    @property
    def taps(self) -> np.ndarray:
        """The one-dimensional kernel; the two-dimensional one is its outer product."""
        if self.resampling is Resampling.BOX or self.factor == 1:
            return np.full(self.factor, 1 / self.factor)
        reach = 2 if self.resampling is Resampling.LANCZOS2 else 3
        count = 2 * reach * self.factor - self.factor % 2
        distance = (np.arange(count) - (count - 1) / 2) / self.factor
        taps = np.sinc(distance) * np.sinc(distance / reach)
        return taps / taps.sum()

    def image_shape(self, observation: Observation) -> Shape:
        height, width, channels = picture_shape(observation)
        return height * self.factor, width * self.factor, channels


def picture_shape(observation: Observation) -> Shape:
    """The shape of an observation that is a picture.

    Raises:
      InputError: if it is none.
    """
    shape: Any = getattr(observation, "shape", None)
    require(
        isinstance(shape, tuple),
        f"observation is {shown(observation)}; accepted: an array [H, W, C]",
    )
    advice = {
        2: ", C = 1 for gray; what is no picture needs its operator",
        4: "; jax.vmap and restore_many take several pictures",
    }
    require(
        len(shape) == 3 and min(shape) >= 1,
        f"observation has shape {shape}; accepted: (H, W, C)" + advice.get(len(shape), ""),
    )
    return shape


@exact_products
def _correlate(image: jax.Array, kernel: jax.Array, *, stride: tuple[int, int]) -> jax.Array:
    """Each channel of `[H, W, C]` correlated with `[k, l]`, without padding."""
    channels_as_batch = jnp.moveaxis(image, -1, 0)[..., None]
    result = lax.conv_general_dilated(
        channels_as_batch,
        kernel[:, :, None, None],
        stride,
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return jnp.moveaxis(result[..., 0], 0, -1)
