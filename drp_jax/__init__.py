"""Untrained image restoration in JAX: Deep Random Projector and its relatives.

Images are float32 `[H, W, C]` with values in [0, 1] everywhere; batches come from `jax.vmap`.
"""

__version__ = "0.1.0"

from drp_jax.errors import InputError
from drp_jax.generators import HourglassConfig, SeededGenerator, Upsampling
from drp_jax.images import Picture, read_image, write_image
from drp_jax.methods import DRP_DIP, Method, Settings, preset
from drp_jax.metrics import psnr, ssim
from drp_jax.objectives import Huber, Objective, anisotropic_tv, isotropic_tv, l1, mse, rmse
from drp_jax.operators import Identity, Operator
from drp_jax.partition import NormAffine, Seed, Weight
from drp_jax.restore import Progress, Restoration, restore
from drp_jax.seeds import NormalSeed
from drp_jax.solver import History, Iterate, SolverConfig, Status
from drp_jax.stopping import ExponentialVariance, StoppingRule, WindowedVariance

__all__ = [
    "DRP_DIP",
    "ExponentialVariance",
    "History",
    "HourglassConfig",
    "Huber",
    "Identity",
    "InputError",
    "Iterate",
    "Method",
    "NormAffine",
    "NormalSeed",
    "Objective",
    "Operator",
    "Picture",
    "Progress",
    "Restoration",
    "Seed",
    "SeededGenerator",
    "Settings",
    "SolverConfig",
    "Status",
    "StoppingRule",
    "Upsampling",
    "Weight",
    "WindowedVariance",
    "anisotropic_tv",
    "isotropic_tv",
    "l1",
    "mse",
    "preset",
    "psnr",
    "read_image",
    "restore",
    "rmse",
    "ssim",
    "write_image",
]
