"""The untrained networks."""

from drp_jax.generators.deep_decoder import DeepDecoder, DeepDecoderConfig
from drp_jax.generators.hourglass import Hourglass, HourglassConfig
from drp_jax.generators.layers import Upsampling
from drp_jax.generators.pixels import Pixels, PixelsConfig
from drp_jax.generators.seeded import GeneratorConfig, SeededGenerator

__all__ = [
    "DeepDecoder",
    "DeepDecoderConfig",
    "GeneratorConfig",
    "Hourglass",
    "HourglassConfig",
    "Pixels",
    "PixelsConfig",
    "SeededGenerator",
    "Upsampling",
]
