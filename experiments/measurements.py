"""Measurements that are no pictures, by the names of docs/reconstruction.md: the `MEASUREMENTS`."""

import numpy as np

from drp_jax import Problem
from drp_jax.sweep.measurements import measurement

NOISE = 0.01
"""Standard deviation of the noise; for tomography that of a ray through half of the image."""

MEASUREMENTS = {
    "MRI x4": "mri:4",
    "MRI x8": "mri:8",
    "MRI x8, 8 coils": "mri:8,8",
    "CT, 24 views": "ct:24",
    "CT, 60 views": "ct:60",
    "motion blur": "blur:motion:9,0",
    "Gaussian blur": "blur:gaussian:1.6",
    "compressed sensing 25 %": "sensing:0.25",
    "compressed sensing 10 %": "sensing:0.1",
    "phase retrieval": "phase",
    "demosaicing": "mosaic",
}
"""Each as the plan of a sweep has it."""


def measured(clean: np.ndarray, name: str, seed: int, noise: float = NOISE) -> Problem:
    """What one of the `MEASUREMENTS` of an image `[H, W, C]` gives, with white noise."""
    known = measurement(MEASUREMENTS[name])
    assert known is not None
    return known.measured(clean, np.random.default_rng(seed), noise)
