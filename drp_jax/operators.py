"""Forward operators `f`: what happened to the unknown image before it was observed.

An operator is a pytree that maps an image `[H, W, C]` to a prediction of the observation.
All operators here but `Function` are linear; `adjoint` gives the transpose of any linear one.
"""

import enum
import functools
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import lax

from drp_jax.errors import require, require_choice, require_whole
from drp_jax.filling import fill

Shape = tuple[int, ...]


@runtime_checkable
class Operator(Protocol):
    """What `restore` asks of an operator."""

    def __call__(self, image: jax.Array) -> jax.Array:
        """The observation that `image` would give, without noise."""

    def image_shape(self, observation_shape: Shape) -> Shape:
        """The shape `(H, W, C)` of an image that gives an observation of the given shape."""

    def known(self, observation: jax.Array) -> jax.Array:
        """The observation with zeros where the operator says that nothing was observed."""


@struct.dataclass
class Identity:
    """The image is observed as it is, up to noise: denoising."""

    def __call__(self, image: jax.Array) -> jax.Array:
        return image

    def image_shape(self, observation_shape: Shape) -> Shape:
        return observation_shape

    def known(self, observation: jax.Array) -> jax.Array:
        return observation


@struct.dataclass
class Mask:
    """Some pixels are observed: inpainting.

    Attributes:
      mask: `[H, W, 1]` or `[H, W, C]`, 1 where the pixel is known, 0 where it is missing.
    """

    mask: jax.Array

    def __call__(self, image: jax.Array) -> jax.Array:
        return self.mask * image

    def image_shape(self, observation_shape: Shape) -> Shape:
        height, width, channels = observation_shape
        accepted = ((height, width, 1), (height, width, channels))
        require(
            self.mask.shape in accepted,
            f"mask has shape {self.mask.shape}; accepted: {accepted[0]} or {accepted[1]}",
        )
        return observation_shape

    def known(self, observation: jax.Array) -> jax.Array:
        return jnp.where(self.mask > 0, observation, 0.0)


class Boundary(enum.StrEnum):
    """What lies past the edge of an image: `jnp.pad` modes by their field's names."""

    REFLECT = "reflect"
    REPLICATE = "edge"
    PERIODIC = "wrap"
    ZERO = "constant"


@struct.dataclass
class Blur:
    """Convolution of every channel with one kernel; the size stays.

    output[i, j] = sum over (a, b) of kernel[a, b] * image[i - (a - r), j - (b - c)]

    Attributes:
      kernel: `[k, l]`, normally with sum 1.
      centre: (r, c), the kernel entry that multiplies the pixel itself; (k // 2, l // 2) if
        None.
      boundary: what lies past the edges.
    """

    kernel: jax.Array
    centre: tuple[int, int] | None = struct.field(pytree_node=False, default=None)
    boundary: Boundary = struct.field(pytree_node=False, default=Boundary.REFLECT)

    def __post_init__(self) -> None:
        require_choice(self.boundary, Boundary, "boundary")

    def __call__(self, image: jax.Array) -> jax.Array:
        kernel = jnp.asarray(self.kernel, image.dtype)
        rows, columns = kernel.shape
        row, column = self.centre or (rows // 2, columns // 2)
        # The flipped kernel slides over an image padded by what it needs on each side.
        margins = ((rows - 1 - row, row), (columns - 1 - column, column), (0, 0))
        padded = jnp.pad(image, margins, mode=self.boundary.value)
        return _correlate(padded, kernel[::-1, ::-1], stride=(1, 1))

    def image_shape(self, observation_shape: Shape) -> Shape:
        shape = np.shape(self.kernel)
        require(
            len(shape) == 2 and min(shape) >= 1,
            f"blur kernel has shape {shape}; accepted: (rows, columns)",
        )
        if self.centre is not None:
            require(
                len(self.centre) == 2
                and all(0 <= c < size for c, size in zip(self.centre, shape, strict=True)),
                f"blur centre is {self.centre}; accepted: an entry of the {shape} kernel",
            )
        return observation_shape

    def known(self, observation: jax.Array) -> jax.Array:
        return observation


MOST_FACTOR = 64


class Resampling(enum.StrEnum):
    """Kernels for making an image smaller."""

    LANCZOS2 = "lanczos2"
    LANCZOS3 = "lanczos3"
    BOX = "box"


@struct.dataclass
class Downsample:
    """Low-pass filtering and subsampling by a whole factor: super-resolution.

    Each output pixel is centred on its block of factor x factor pixels. A Lanczos-a kernel
    reaches a * factor pixels from that centre; edges are replicated. For even factors and
    Lanczos-2 this is the operator of DIP's program (phase 1/2, 4 * factor taps); for odd
    factors that program is off the block's centre by half a pixel, and this is not.

    Attributes:
      factor: from 1 to 64.
      resampling: the kernel.
    """

    factor: int = struct.field(pytree_node=False)
    resampling: Resampling = struct.field(pytree_node=False, default=Resampling.LANCZOS2)

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

    def image_shape(self, observation_shape: Shape) -> Shape:
        height, width, channels = observation_shape
        return height * self.factor, width * self.factor, channels

    def known(self, observation: jax.Array) -> jax.Array:
        return observation


@struct.dataclass
class Composition:
    """Several operators one after the other, the first applied first."""

    operators: tuple[Operator, ...]

    def __call__(self, image: jax.Array) -> jax.Array:
        return functools.reduce(lambda image, operator: operator(image), self.operators, image)

    def image_shape(self, observation_shape: Shape) -> Shape:
        shape = observation_shape
        for operator in reversed(self.operators):
            shape = operator.image_shape(shape)
        return shape

    def known(self, observation: jax.Array) -> jax.Array:
        return self.operators[-1].known(observation) if self.operators else observation


@struct.dataclass
class Function:
    """Any differentiable function of an image.

    Attributes:
      function: maps an image to a prediction of the observation.
      shape: the image's shape `(H, W, C)`; that of the observation if None.
    """

    function: Callable[[jax.Array], jax.Array] = struct.field(pytree_node=False)
    shape: Shape | None = struct.field(pytree_node=False, default=None)

    def __call__(self, image: jax.Array) -> jax.Array:
        return self.function(image)

    def image_shape(self, observation_shape: Shape) -> Shape:
        return self.shape or observation_shape

    def known(self, observation: jax.Array) -> jax.Array:
        return observation


def as_operator(operator: Operator | Callable[[jax.Array], jax.Array] | None) -> Operator:
    """An operator as it is, a plain function as a `Function`, None as the `Identity`."""
    if operator is None:
        return Identity()
    return operator if isinstance(operator, Operator) else Function(operator)


def adjoint(operator: Operator, observation: jax.Array) -> jax.Array:
    """The transpose of a linear operator applied to an observation: an image `[H, W, C]`.

    By `jax.linear_transpose`, so it is exact for whatever the operator computes.

    Raises:
      NotImplementedError: if the operator is not linear.
    """
    shape = operator.image_shape(observation.shape)
    image = jax.ShapeDtypeStruct(shape, observation.dtype)
    return jax.linear_transpose(operator, image)(observation)[0]


def estimate(operator: Operator, observation: jax.Array) -> jax.Array:
    """A rough image from an observation: `A^T y / A^T A 1`, 0 where nothing was observed.

    The weights `A^T A 1` undo what the adjoint does to intensities, so that a constant
    image is recovered from its observation wherever the operator saw it.
    """
    weight = _sight(operator, observation)
    seen = is_seen(operator, observation)
    image = adjoint(operator, operator.known(observation))
    return jnp.where(seen, image / jnp.where(seen, weight, 1.0), 0.0)


def filled_estimate(operator: Operator, observation: jax.Array) -> jax.Array:
    """The same with what was not observed filled in smoothly from around."""
    return fill(estimate(operator, observation), is_seen(operator, observation))


def is_seen(operator: Operator, observation: jax.Array) -> jax.Array:
    """Which pixels of the image `[H, W, C]` the observation depends on, bool."""
    weight = _sight(operator, observation)
    return weight > 1e-3 * jnp.max(weight)


def _sight(operator: Operator, observation: jax.Array) -> jax.Array:
    """How much of each pixel is observed: `A^T A 1`."""
    shape = operator.image_shape(observation.shape)
    return adjoint(operator, operator(jnp.ones(shape, observation.dtype)))


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
