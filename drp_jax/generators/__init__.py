"""The untrained networks."""

from drp_jax.generators.hourglass import Hourglass, HourglassConfig, Upsampling
from drp_jax.generators.seeded import SeededGenerator

__all__ = ["Hourglass", "HourglassConfig", "SeededGenerator", "Upsampling"]
