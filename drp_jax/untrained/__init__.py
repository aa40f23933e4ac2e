"""Untrained networks fitted to one observation: DRP, DIP and what followed, and your own."""

from drp_jax.untrained.autoencoding import AutoencodingSequential, SelfGuided
from drp_jax.untrained.compute import Compute, Precision
from drp_jax.untrained.fit import FitState, Untrained
from drp_jax.untrained.generators import (
    DeepDecoderConfig,
    Generator,
    HourglassConfig,
    Linen,
    Pixels,
    SeededGenerator,
    Upsampling,
)
from drp_jax.untrained.jitter import Jitter
from drp_jax.untrained.objectives import (
    Huber,
    Objective,
    Terms,
    WeightedSum,
    anisotropic_tv,
    isotropic_tv,
    l1,
    mse,
    poisson,
    rmse,
    root_deviance,
)
from drp_jax.untrained.optimizers import CosineDecay
from drp_jax.untrained.partition import NormAffine, Seed, Summary, Trees, Weight
from drp_jax.untrained.seeds import (
    BackProjectionSeed,
    FixedSeed,
    MeshGridSeed,
    NormalSeed,
    SeedConfig,
    UniformSeed,
)
from drp_jax.untrained.self_tuned import SelfTuned, SelfTunedState
from drp_jax.untrained.smoothing import CoarseToFine

__all__ = [
    "AutoencodingSequential",
    "BackProjectionSeed",
    "CoarseToFine",
    "Compute",
    "CosineDecay",
    "DeepDecoderConfig",
    "FitState",
    "FixedSeed",
    "Generator",
    "HourglassConfig",
    "Huber",
    "Jitter",
    "Linen",
    "MeshGridSeed",
    "NormAffine",
    "NormalSeed",
    "Objective",
    "Pixels",
    "Precision",
    "Seed",
    "SeedConfig",
    "SeededGenerator",
    "SelfGuided",
    "SelfTuned",
    "SelfTunedState",
    "Summary",
    "Terms",
    "Trees",
    "UniformSeed",
    "Untrained",
    "Upsampling",
    "Weight",
    "WeightedSum",
    "anisotropic_tv",
    "isotropic_tv",
    "l1",
    "mse",
    "poisson",
    "rmse",
    "root_deviance",
]
