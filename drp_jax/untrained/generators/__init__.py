"""The untrained networks."""

from drp_jax.untrained.generators.deep_decoder import DeepDecoder, DeepDecoderConfig
from drp_jax.untrained.generators.hourglass import Hourglass, HourglassConfig
from drp_jax.untrained.generators.layers import MOST_WIDTH, Upsampling
from drp_jax.untrained.generators.linen import Linen, LinenGenerator
from drp_jax.untrained.generators.pixels import Pixels
from drp_jax.untrained.generators.seeded import Generator, SeededGenerator, build, seed_size

__all__ = [
    "MOST_WIDTH",
    "DeepDecoder",
    "DeepDecoderConfig",
    "Generator",
    "Hourglass",
    "HourglassConfig",
    "Linen",
    "LinenGenerator",
    "Pixels",
    "SeededGenerator",
    "Upsampling",
    "build",
    "seed_size",
]
