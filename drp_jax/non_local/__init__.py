"""Filters without a network: collaborative denoising, and plug-and-play with any denoiser."""

from drp_jax.non_local.clipping import unclip
from drp_jax.non_local.collaborative import (
    Filtered,
    hard_threshold_step,
    ridge_step,
    wiener_step,
)
from drp_jax.non_local.denoise import Denoise, denoise
from drp_jax.non_local.denoisers import CollaborativeDenoiser, Denoiser
from drp_jax.non_local.half_quadratic import HalfQuadratic
from drp_jax.non_local.impulses import without_impulses
from drp_jax.non_local.noise_estimate import noise_level, noise_map
from drp_jax.non_local.noise_spectrum import (
    EstimatedNoise,
    NoiseSpectrum,
    estimated_noise,
    spectrum_of,
)
from drp_jax.non_local.noisy_image import NoisyImage
from drp_jax.non_local.plug_and_play import PlugAndPlay

__all__ = [
    "CollaborativeDenoiser",
    "Denoise",
    "Denoiser",
    "EstimatedNoise",
    "Filtered",
    "HalfQuadratic",
    "NoiseSpectrum",
    "NoisyImage",
    "PlugAndPlay",
    "denoise",
    "estimated_noise",
    "hard_threshold_step",
    "noise_level",
    "noise_map",
    "ridge_step",
    "spectrum_of",
    "unclip",
    "wiener_step",
    "without_impulses",
]
