"""Numbers printed by the original PyTorch programs, and how their names map to ours.

A file holds PyTorch arrays (images `[1, C, H, W]`, kernels `[out, in, kh, kw]`): parameters
before the first step, first output, loss and gradients, and the losses of a few Adam steps.
Files kept in the repository lie in `tests/golden/`; larger ones are looked for in
`../shared/golden/` and their tests are skipped where that folder is absent.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
import pytest
from flax import nnx

from drp_jax.untrained.generators import DeepDecoder, Hourglass, SeededGenerator
from drp_jax.untrained.generators.hourglass import Scale
from drp_jax.untrained.generators.layers import Conv, ImageNorm

FOLDERS = (
    pathlib.Path(__file__).parent / "golden",
    pathlib.Path(__file__).parents[2] / "shared" / "golden",
)


@dataclasses.dataclass(frozen=True)
class GoldenFile:
    """The arrays of one file, converted to our layout on the way out."""

    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        array = self.arrays[name]
        if array.ndim < 4:
            return array
        return array.transpose(2, 3, 1, 0) if name.endswith("weight") else images_last(array)


def images_last(array: np.ndarray) -> np.ndarray:
    """`[1, C, H, W]` to `[H, W, C]`."""
    return array[0].transpose(1, 2, 0)


def load(name: str) -> GoldenFile:
    for folder in FOLDERS:
        if (path := folder / f"{name}.npz").exists():
            return GoldenFile(dict(np.load(path)))
    pytest.skip(f"{name}.npz is not in this checkout")


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One of our variables and the golden array, or its channels from `start` to `stop`."""

    variable: nnx.Variable
    name: str
    start: int = 0
    stop: int | None = None

    def read(self, golden: GoldenFile, prefix: str = "") -> np.ndarray:
        return golden[prefix + self.name][self.start : self.stop]


def leaves(model: SeededGenerator) -> Iterator[Leaf]:
    """Every variable of a seeded generator with its golden name."""
    yield Leaf(model.seed, "seed")
    if model.seed_norm is not None:
        yield from _norm(model.seed_norm, "seed_norm")
    generator = model.generator
    if isinstance(generator, DeepDecoder):
        yield from _decoder(generator)
        return
    assert isinstance(generator, Hourglass)
    pointwise = generator.scale.pointwise is not None
    yield from _conv(generator.output, "param/9.1" if pointwise else "param/6.1")
    yield from _scale(generator.scale, "param/")


def load_into(model: SeededGenerator, golden: GoldenFile) -> None:
    for leaf in leaves(model):
        value = leaf.read(golden)
        assert value.shape == leaf.variable[...].shape, leaf.name
        leaf.variable[...] = value


def _conv(conv: Conv, name: str) -> Iterator[Leaf]:
    yield Leaf(conv.kernel, f"{name}.weight")
    if conv.bias is not None:
        yield Leaf(conv.bias, f"{name}.bias")


def _norm(norm: ImageNorm, name: str, start: int = 0, stop: int | None = None) -> Iterator[Leaf]:
    separator = "/" if name == "seed_norm" else "."
    yield Leaf(norm.scale, f"{name}{separator}weight", start, stop)
    yield Leaf(norm.bias, f"{name}{separator}bias", start, stop)


def _conv_norm(layer, conv_name: str, norm_name: str) -> Iterator[Leaf]:
    yield from _conv(layer.conv, conv_name)
    yield from _norm(layer.norm, norm_name)


def _decoder(decoder: DeepDecoder) -> Iterator[Leaf]:
    for index, block in enumerate(decoder.blocks):
        # Four layers a block: convolution, upsampling, activation, norm.
        yield from _conv_norm(block, f"param/{4 * index + 1}.1", f"param/{4 * index + 4}")
    after = 4 * len(decoder.blocks)
    yield from _conv_norm(decoder.last_block, f"param/{after + 1}.1", f"param/{after + 3}")
    yield from _conv(decoder.output, f"param/{after + 4}.1")


def _scale(scale: Scale, prefix: str) -> Iterator[Leaf]:
    deeper = f"{prefix}1.1." if scale.skip is not None else f"{prefix}1."
    skip_width = 0
    if scale.skip is not None:
        yield from _conv_norm(scale.skip, f"{prefix}1.0.1.1", f"{prefix}1.0.2")
        skip_width = scale.skip.norm.scale[...].shape[0]
        yield from _norm(scale.skip_norm, f"{prefix}2", 0, skip_width)
    yield from _conv_norm(scale.down, f"{deeper}1.1", f"{deeper}2")
    yield from _conv_norm(scale.across, f"{deeper}4.1", f"{deeper}5")
    if scale.inner is not None:
        yield from _scale(scale.inner, f"{deeper}7.")
    yield from _norm(scale.deep_norm, f"{prefix}2", skip_width)
    yield from _conv_norm(scale.up, f"{prefix}3.1", f"{prefix}4")
    if scale.pointwise is not None:
        yield from _conv_norm(scale.pointwise, f"{prefix}6.1", f"{prefix}7")
