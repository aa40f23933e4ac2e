"""The DIP hourglass: an encoder-decoder with skip connections.

One scale, from Ulyanov et al., Deep Image Prior (CVPR 2018), as its program builds it:

    image -+- 1x1 conv to the skip width ---------------------------------+
           |                                                              +- join - norm -
           +- strided conv - conv - (the next, deeper scale) - upsample --+
           - conv - 1x1 conv

Every convolution is followed by a norm and LeakyReLU. After the outermost scale a last
1x1 convolution gives the image. DIP uses five scales, Deep Random Projector one.
"""

import dataclasses

import jax
from flax import nnx

from drp_jax.errors import is_whole, require, require_choice, require_kind, shown
from drp_jax.untrained.generators.layers import (
    Conv,
    ConvNormActivation,
    ImageNorm,
    Upsampling,
    centre_crop,
)


@dataclasses.dataclass(frozen=True)
class HourglassConfig:
    """Shape of an hourglass. Widths are channel counts, one per scale, outermost first.

    Attributes:
      widths_down: channels of the two convolutions going down.
      widths_up: channels of the convolutions going up.
      widths_skip: channels of the skip connection; 0 leaves it out.
      filter_size_down: odd side length of the filters going down, in pixels.
      filter_size_up: the same going up.
      filter_size_skip: the same on the skip connection.
      upsampling: how the deeper branch returns to its scale's size.
      pointwise_up: whether a 1x1 convolution follows the convolution going up.

    Raises:
      InputError: if a value above is out of its range or the widths differ in length.
    """

    widths_down: tuple[int, ...] = (128,) * 5
    widths_up: tuple[int, ...] = (128,) * 5
    widths_skip: tuple[int, ...] = (4,) * 5
    filter_size_down: int = 3
    filter_size_up: int = 3
    filter_size_skip: int = 1
    upsampling: Upsampling = Upsampling.BILINEAR
    pointwise_up: bool = True

    def __post_init__(self) -> None:
        scales = len(self.widths_down) if isinstance(self.widths_down, tuple) else 0
        for name, least in (("widths_down", 1), ("widths_up", 1), ("widths_skip", 0)):
            widths = getattr(self, name)
            is_fine = isinstance(widths, tuple) and len(widths) == max(scales, 1)
            require(
                is_fine and all(is_whole(width, least) for width in widths),
                f"{name} is {shown(widths)}; accepted: {scales or 'one or more'} whole numbers "
                f"from {least} up, one per entry of widths_down",
            )
        for name in ("filter_size_down", "filter_size_up", "filter_size_skip"):
            size = getattr(self, name)
            is_odd = is_whole(size, 1) and size % 2 == 1
            require(is_odd, f"{name} is {shown(size)}; accepted: odd, from 1 up")
        require_choice(self.upsampling, Upsampling, "upsampling")
        require_kind(self.pointwise_up, bool, "pointwise_up", "True or False")

    def with_width(self, width: int) -> "HourglassConfig":
        """The same hourglass with `width` channels at every scale, on skips at most."""
        widths = (width,) * len(self.widths_down)
        skips = tuple(min(skip, width) for skip in self.widths_skip)
        return dataclasses.replace(self, widths_down=widths, widths_up=widths, widths_skip=skips)

    def __call__(
        self, seed_shape: tuple[int, ...], image_shape: tuple[int, ...], *, rngs: nnx.Rngs
    ) -> "Hourglass":
        """A freshly drawn generator; the seed is as large as the image."""
        return Hourglass(self, seed_shape[2], image_shape[2], rngs=rngs)


class Hourglass(nnx.Module):
    """Maps a seed `[H, W, in_channels]` to an image `[H, W, out_channels]`.

    Any H and W from 8 up. Where the two branches of a scale differ in size the larger one
    is centre-cropped, as in the original; without a skip connection the deeper branch is
    cropped to the scale's input, where the original would return a larger image.
    """

    def __init__(
        self, config: HourglassConfig, in_channels: int, out_channels: int, *, rngs: nnx.Rngs
    ):
        self.scale = Scale(config, 0, in_channels, rngs=rngs)
        self.output = Conv(config.widths_up[0], out_channels, filter_size=1, rngs=rngs)

    def __call__(self, seed: jax.Array) -> jax.Array:
        return self.output(self.scale(seed))


class Scale(nnx.Module):
    """Scale number `depth` of an hourglass (0 is the outermost) and all scales inside it."""

    def __init__(self, config: HourglassConfig, depth: int, in_channels: int, *, rngs: nnx.Rngs):
        down, up, skip = (
            widths[depth] for widths in (config.widths_down, config.widths_up, config.widths_skip)
        )
        is_deepest = depth + 1 == len(config.widths_down)
        deep = down if is_deepest else config.widths_up[depth + 1]

        self.upsampling = config.upsampling
        self.skip = (
            ConvNormActivation(in_channels, skip, filter_size=config.filter_size_skip, rngs=rngs)
            if skip
            else None
        )
        size = config.filter_size_down
        self.down = ConvNormActivation(in_channels, down, filter_size=size, stride=2, rngs=rngs)
        self.across = ConvNormActivation(down, down, filter_size=size, rngs=rngs)
        self.inner = None if is_deepest else Scale(config, depth + 1, down, rngs=rngs)
        # One norm over the joined channels is two norms, because each channel has its own.
        self.skip_norm = ImageNorm(skip) if skip else None
        self.deep_norm = ImageNorm(deep)
        self.up = ConvNormActivation(skip + deep, up, filter_size=config.filter_size_up, rngs=rngs)
        self.pointwise = (
            ConvNormActivation(up, up, filter_size=1, rngs=rngs) if config.pointwise_up else None
        )

    def __call__(self, image: jax.Array) -> jax.Array:
        height, width = image.shape[:2]
        deep = self.across(self.down(image))
        if self.inner is not None:
            deep = self.inner(deep)
        deep = self.deep_norm(centre_crop(self.upsampling(deep), height, width))
        if self.skip is None or self.skip_norm is None:
            joined = self.up(deep)
        else:
            joined = self.up(self.skip_norm(self.skip(image)), deep)
        return joined if self.pointwise is None else self.pointwise(joined)
