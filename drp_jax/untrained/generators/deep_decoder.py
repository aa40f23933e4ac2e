"""The Deep Decoder: an under-parameterised network of 1x1 convolutions and upsamplings.

From Heckel and Hand, Deep Decoder (ICLR 2019), as its program builds it:

    seed - n times [1x1 conv - upsample - ReLU - norm] - 1x1 conv - ReLU - norm - 1x1 conv

No convolution has a bias. All its pixels interact through the upsamplings alone, and every
norm sees all pixels.
"""

import dataclasses

import jax
from flax import nnx

from drp_jax.errors import require_choice, require_kind, require_whole
from drp_jax.untrained.generators.layers import (
    MOST_REDUCTION,
    MOST_WIDTH,
    Conv,
    ImageNorm,
    Upsampling,
    centre_crop,
)


@dataclasses.dataclass(frozen=True)
class DeepDecoderConfig:
    """Shape of a Deep Decoder.

    Attributes:
      width: channels of every layer, from 1 up.
      upsamplings: how often the seed is doubled, from 0 up; the original has 5.
      upsampling: how it is doubled.
      norm_first: whether the norm comes before the activation; after it in the original.

    Raises:
      InputError: if a value is out of its range.
    """

    width: int = 128
    upsamplings: int = 5
    upsampling: Upsampling = Upsampling.BILINEAR
    norm_first: bool = False

    def __post_init__(self) -> None:
        require_whole(self.width, "width", 1, MOST_WIDTH)
        require_whole(self.upsamplings, "upsamplings", 0, MOST_REDUCTION.bit_length() - 1)
        require_choice(self.upsampling, Upsampling, "upsampling")
        require_kind(self.norm_first, bool, "norm_first", "True or False")

    def with_width(self, width: int) -> "DeepDecoderConfig":
        """The same decoder with `width` channels."""
        return dataclasses.replace(self, width=width)

    def with_upsamplings(self, count: int) -> "DeepDecoderConfig":
        """The same decoder from a seed that is doubled so often."""
        return dataclasses.replace(self, upsamplings=count)

    @property
    def seed_reduction(self) -> int:
        """How many times smaller the seed is than the image, rounded up."""
        return 2**self.upsamplings

    def __call__(
        self, seed_shape: tuple[int, ...], image_shape: tuple[int, ...], *, rngs: nnx.Rngs
    ) -> "DeepDecoder":
        """A freshly drawn generator."""
        return DeepDecoder(self, seed_shape[2], image_shape, rngs=rngs)


class DeepDecoder(nnx.Module):
    """Maps a seed `[h, w, in_channels]` to an image `[H, W, C]`.

    H and W need not be multiples of 2^upsamplings: the image is made at the next multiple
    and centre-cropped, so that an objective sees exactly H x W.
    """

    def __init__(
        self,
        config: DeepDecoderConfig,
        in_channels: int,
        image_shape: tuple[int, ...],
        *,
        rngs: nnx.Rngs,
    ):
        self.size = image_shape[:2]
        widths = [in_channels] + [config.width] * config.upsamplings
        self.blocks = nnx.List(
            [DecoderBlock(config, width, config.upsampling, rngs=rngs) for width in widths[:-1]]
        )
        self.last_block = DecoderBlock(config, widths[-1], None, rngs=rngs)
        self.output = _conv(config.width, image_shape[2], rngs)

    def __call__(self, seed: jax.Array) -> jax.Array:
        image = seed
        for block in self.blocks:
            image = block(image)
        return centre_crop(self.output(self.last_block(image)), *self.size)


class DecoderBlock(nnx.Module):
    """1x1 convolution, upsampling (or None), ReLU and norm."""

    def __init__(
        self,
        config: DeepDecoderConfig,
        in_channels: int,
        upsampling: Upsampling | None,
        *,
        rngs: nnx.Rngs,
    ):
        self.upsampling = upsampling
        self.norm_first = config.norm_first
        self.conv = _conv(in_channels, config.width, rngs)
        self.norm = ImageNorm(config.width)

    def __call__(self, image: jax.Array) -> jax.Array:
        image = self.conv(image)
        if self.upsampling is not None:
            image = self.upsampling(image)
        if self.norm_first:
            return jax.nn.relu(self.norm(image))
        return self.norm(jax.nn.relu(image))


def _conv(in_channels: int, out_channels: int, rngs: nnx.Rngs) -> Conv:
    return Conv(in_channels, out_channels, filter_size=1, use_bias=False, rngs=rngs)
