"""Untrained image restoration in JAX: Deep Random Projector and its relatives.

Images are float32 `[H, W, C]` with values in [0, 1] everywhere; batches come from `jax.vmap`.
"""

__version__ = "0.1.0"

from drp_jax.batch import BatchStatistics, Finished, Request, restore_many
from drp_jax.compute import Compute, Precision
from drp_jax.denoising import DenoisingSteps
from drp_jax.errors import InputError
from drp_jax.generators import (
    DeepDecoderConfig,
    GeneratorConfig,
    HourglassConfig,
    PixelsConfig,
    SeededGenerator,
    Upsampling,
)
from drp_jax.images import Picture, read_image, write_image
from drp_jax.jitter import Jitter
from drp_jax.methods import Method, Settings
from drp_jax.metrics import luma_psnr, psnr, psnr_where, ssim
from drp_jax.noise import noise_level
from drp_jax.objectives import (
    Huber,
    Objective,
    WeightedSum,
    anisotropic_tv,
    isotropic_tv,
    l1,
    mse,
    poisson,
    rmse,
)
from drp_jax.operators import (
    Blur,
    Boundary,
    Composition,
    Downsample,
    Function,
    Identity,
    Mask,
    Operator,
    Resampling,
    adjoint,
)
from drp_jax.partition import NormAffine, Seed, Weight
from drp_jax.plug_and_play import Filter, PlugAndPlaySteps
from drp_jax.presets import DD, DIP, DRP_DD, DRP_DIP, NON_LOCAL, preset
from drp_jax.restore import Progress, Restoration, restore
from drp_jax.seeds import EstimateSeed, MeshGridSeed, NormalSeed, SeedConfig, UniformSeed
from drp_jax.solver import History, Iterate, SolverConfig, Status
from drp_jax.stopping import (
    Discrepancy,
    ExponentialVariance,
    Plateau,
    StoppingRule,
    WindowedVariance,
)

__all__ = [
    "DD",
    "DIP",
    "DRP_DD",
    "DRP_DIP",
    "NON_LOCAL",
    "BatchStatistics",
    "Blur",
    "Boundary",
    "Composition",
    "Compute",
    "DeepDecoderConfig",
    "DenoisingSteps",
    "Discrepancy",
    "Downsample",
    "EstimateSeed",
    "ExponentialVariance",
    "Filter",
    "Finished",
    "Function",
    "GeneratorConfig",
    "History",
    "HourglassConfig",
    "Huber",
    "Identity",
    "InputError",
    "Iterate",
    "Jitter",
    "Mask",
    "MeshGridSeed",
    "Method",
    "NormAffine",
    "NormalSeed",
    "Objective",
    "Operator",
    "Picture",
    "PixelsConfig",
    "Plateau",
    "PlugAndPlaySteps",
    "Precision",
    "Progress",
    "Request",
    "Resampling",
    "Restoration",
    "Seed",
    "SeedConfig",
    "SeededGenerator",
    "Settings",
    "SolverConfig",
    "Status",
    "StoppingRule",
    "UniformSeed",
    "Upsampling",
    "Weight",
    "WeightedSum",
    "WindowedVariance",
    "adjoint",
    "anisotropic_tv",
    "isotropic_tv",
    "l1",
    "luma_psnr",
    "mse",
    "noise_level",
    "poisson",
    "preset",
    "psnr",
    "psnr_where",
    "read_image",
    "restore",
    "restore_many",
    "rmse",
    "ssim",
    "write_image",
]
