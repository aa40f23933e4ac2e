"""The layers of the generators.

Every layer maps one image `[H, W, C]` of floats to another of the same type; batches come from
`jax.vmap`.
The mathematics is that of the original PyTorch programs (Ulyanov et al., Deep Image Prior;
Li et al., Deep Random Projector); where the form differs from the obvious one it is for
speed, and the docstring says so.
"""

import enum
import functools
import itertools
import math
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from drp_jax.batching import one_by_one
from drp_jax.untrained.generators.draws import uniform_weight
from drp_jax.untrained.partition import NormAffine

NEGATIVE_SLOPE = 0.2
NORM_EPSILON = 1e-5

MOST_WIDTH = 4096
MOST_REDUCTION = 65_536

CONVOLVED = "convolved"
"""Name of what convolutions give, for policies of `jax.checkpoint`."""

_LAYOUT = ("NHWC", "HWIO", "NHWC")

Result = TypeVar("Result")
Saved = tuple[jax.Array, jax.Array]


class Conv(nnx.Module):
    """A convolution with reflection padding, so that stride 1 keeps the image's size.

    Kernel and bias are drawn from U(-b, b) with b = 1 / sqrt(fan_in), as in PyTorch.

    Called with several images it convolves their concatenation along the channels, as a
    sum of one convolution per image. The sum is exact and avoids both the copy and the odd
    channel counts (64 + 4) that fall off the fast paths of XLA on CPU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        filter_size: int,
        stride: int = 1,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ):
        bound = 1.0 / math.sqrt(in_channels * filter_size**2)
        shape = (filter_size, filter_size, in_channels, out_channels)
        self.stride = stride
        self.kernel = uniform_weight(rngs, shape, bound)
        self.bias = uniform_weight(rngs, (out_channels,), bound) if use_bias else None

    def __call__(self, *images: jax.Array) -> jax.Array:
        kernel = self.kernel[...]
        splits = itertools.accumulate(image.shape[-1] for image in images[:-1])
        kernels = jnp.split(kernel, list(splits), axis=2)
        parts = zip(images, kernels, strict=True)
        convolved = [_convolve(image, part, self.stride) for image, part in parts]
        result = functools.reduce(jnp.add, convolved)
        if self.bias is not None:
            result = result + self.bias[...][None, None, :]
        return checkpoint_name(result, CONVOLVED)


class ImageNorm(nnx.Module):
    """Normalises each channel by its mean and variance over the pixels of the one image.

    This is batch normalisation in training mode with a batch of one (biased variance,
    epsilon 1e-5, no running statistics), followed by a scale and a bias per channel, which
    start at one and zero. It computes in float32 and gives the type that it was given.
    """

    def __init__(self, channels: int):
        self.scale = NormAffine(jnp.ones(channels))
        self.bias = NormAffine(jnp.zeros(channels))

    def __call__(self, image: jax.Array) -> jax.Array:
        single = image.astype(jnp.float32)
        centred = single - jnp.mean(single, axis=(0, 1), keepdims=True)
        variance = jnp.mean(jnp.square(centred), axis=(0, 1))
        scale = self.scale[...] * lax.rsqrt(variance + NORM_EPSILON)
        return (centred * scale[None, None, :] + self.bias[...][None, None, :]).astype(image.dtype)


class ConvNormActivation(nnx.Module):
    """Convolution, normalisation, LeakyReLU with slope 0.2."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        filter_size: int,
        stride: int = 1,
        rngs: nnx.Rngs,
    ):
        self.conv = Conv(
            in_channels, out_channels, filter_size=filter_size, stride=stride, rngs=rngs
        )
        self.norm = ImageNorm(out_channels)

    def __call__(self, *images: jax.Array) -> jax.Array:
        return leaky_relu(self.norm(self.conv(*images)))


def leaky_relu(image: jax.Array) -> jax.Array:
    return jax.nn.leaky_relu(image, NEGATIVE_SLOPE)


class Upsampling(enum.StrEnum):
    """How a generator doubles an image."""

    BILINEAR = "bilinear"
    NEAREST = "nearest"

    def __call__(self, image: jax.Array) -> jax.Array:
        return upsample_bilinear(image) if self is Upsampling.BILINEAR else upsample_nearest(image)


def upsample_bilinear(image: jax.Array) -> jax.Array:
    """Doubles height and width, half-pixel centres, edges replicated.

    Equals PyTorch's `align_corners=False` and `jax.image.resize(..., "bilinear")`, written
    as shifted sums: `resize` multiplies by dense matrices, which costs many times more.
    """
    return _double_bilinear(_double_bilinear(image, axis=0), axis=1)


def upsample_nearest(image: jax.Array) -> jax.Array:
    """Doubles height and width by repeating every pixel."""
    return jnp.repeat(jnp.repeat(image, 2, axis=0), 2, axis=1)


def centre_crop(image: jax.Array, height: int, width: int) -> jax.Array:
    """Cuts `[H, W, C]` to the middle `[height, width, C]`; an odd surplus goes to the end."""
    top = (image.shape[0] - height) // 2
    left = (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _double_bilinear(image: jax.Array, axis: int) -> jax.Array:
    size = image.shape[axis]
    first = lax.slice_in_dim(image, 0, 1, axis=axis)
    last = lax.slice_in_dim(image, size - 1, size, axis=axis)
    before = jnp.concatenate([first, lax.slice_in_dim(image, 0, size - 1, axis=axis)], axis)
    after = jnp.concatenate([lax.slice_in_dim(image, 1, size, axis=axis), last], axis)
    pairs = jnp.stack([0.25 * before + 0.75 * image, 0.75 * image + 0.25 * after], axis + 1)
    return pairs.reshape(*image.shape[:axis], 2 * size, *image.shape[axis + 1 :])


def _convolve(image: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    filter_size = kernel.shape[0]
    if filter_size == 1 and stride == 1:
        return image @ kernel[0, 0]
    margin = (filter_size - 1) // 2
    padded = jnp.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    return _convolve_valid(padded, kernel, stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_valid(image: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Strided convolution of `[H, W, I]` with `[k, k, I, O]`, without padding."""
    return _by_platform(
        functools.partial(_convolution_with_margin, stride=stride),
        functools.partial(convolution, stride=stride),
        *(image, kernel),
    )


def _by_platform(
    on_cpu: Callable[..., Result], elsewhere: Callable[..., Result], *arguments: jax.Array
) -> Result:
    """Calls one of two functions that say the same.

    Under `jax.vmap` the one for CPU runs image by image: batched over images and kernels a
    convolution becomes a grouped one, for which XLA on CPU has no fast form.
    """

    return lax.platform_dependent(*arguments, cpu=one_by_one(on_cpu), default=elsewhere)


def convolution(image: jax.Array, kernel: jax.Array, stride: int, margin: int = 0) -> jax.Array:
    """The convolution as XLA has it, with `margin` rows and columns of zeros before the image."""
    return lax.conv_general_dilated(
        image[None], kernel, (stride, stride), [(margin, 0)] * 2, dimension_numbers=_LAYOUT
    )[0]


def _convolution_with_margin(image: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """The same after a margin of zeros, whose outputs are cut off again.

    On CPU XLA hands a convolution to one of two libraries, by its padding: without any it
    takes a form of YNNPACK that is many times slower from 32 channels up. YNNPACK's form
    for padded images does not have that fault; around 32 channels Eigen, which takes margins
    from 3 up, is faster still. docs/performance.md has the times.
    """
    prefers_eigen = stride == 1 and 16 <= kernel.shape[2] <= 48
    unwanted = 3 if prefers_eigen else 1
    return convolution(image, kernel, stride, unwanted * stride)[unwanted:, unwanted:]


def _convolve_valid_forward(
    image: jax.Array, kernel: jax.Array, stride: int
) -> tuple[jax.Array, Saved]:
    return _convolve_valid(image, kernel, stride), (image, kernel)


def _convolve_valid_backward(
    stride: int, saved: Saved, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    image, kernel = saved
    conv = functools.partial(convolution, stride=stride)

    def transposed(
        image: jax.Array, kernel: jax.Array, cotangent: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        to_image = jax.linear_transpose(lambda image: conv(image, kernel), image)
        to_kernel = jax.linear_transpose(lambda kernel: conv(image, kernel), kernel)
        return to_image(cotangent)[0], to_kernel(cotangent)[0]

    def explicit(
        image: jax.Array, kernel: jax.Array, cotangent: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return (
            _image_gradient(cotangent, kernel, stride, image.shape),
            _kernel_gradient(image, cotangent, stride, kernel.shape[0]),
        )

    return _by_platform(explicit, transposed, image, kernel, cotangent)


_convolve_valid.defvjp(_convolve_valid_forward, _convolve_valid_backward)


def _image_gradient(
    cotangent: jax.Array, kernel: jax.Array, stride: int, image_shape: tuple[int, ...]
) -> jax.Array:
    """The gradient with respect to the image, as a convolution with the flipped kernel.

    JAX's own transpose says the same with swapped dimension labels. Inside a compiled loop
    XLA on CPU keeps those labels and misses its fast convolution; the barrier stops it from
    folding the explicit transpose back into them.
    """
    size = kernel.shape[0]
    flipped = lax.optimization_barrier(jnp.swapaxes(jnp.flip(kernel, (0, 1)), 2, 3))
    unread = [
        length - ((steps - 1) * stride + size)
        for length, steps in zip(image_shape[:2], cotangent.shape[:2], strict=True)
    ]
    return lax.conv_general_dilated(
        cotangent[None],
        flipped,
        (1, 1),
        [(size - 1, size - 1 + extra) for extra in unread],
        lhs_dilation=(stride, stride),
        dimension_numbers=_LAYOUT,
    )[0]


def _kernel_gradient(image: jax.Array, cotangent: jax.Array, stride: int, size: int) -> jax.Array:
    """The gradient with respect to the kernel, as one matrix product per tap.

    JAX's own transpose is a convolution with a kernel as large as the image, for which XLA
    on CPU has no fast form inside a compiled loop.
    """
    height, width = cotangent.shape[:2]
    rows, columns = (stride * (steps - 1) + 1 for steps in (height, width))

    def tap(row: int, column: int) -> jax.Array:
        seen = image[row : row + rows : stride, column : column + columns : stride]
        return jnp.einsum("hwi,hwo->io", seen, cotangent)

    taps = [[tap(row, column) for column in range(size)] for row in range(size)]
    return jnp.stack([jnp.stack(row) for row in taps])
