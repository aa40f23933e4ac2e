"""Measurements that are no pictures, of clean images and with white noise: the `MEASUREMENTS`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Gaussian, Problem
from drp_jax.commands.kernels import kernel_of
from drp_jax.operators import Bayer, Blur, FourierMagnitude, MaskedFourier, Matrix, Operator, Radon
from drp_jax.sweep.degradations import white_noise

COILS = 8
NOISE = 0.01
"""Standard deviation of the noise; for tomography that of a ray through half of the image."""


def measured(clean: np.ndarray, name: str, seed: int, noise: float = NOISE) -> Problem:
    """What one of the `MEASUREMENTS` of an image `[H, H, C]` gives, with white noise."""
    draw = np.random.default_rng(seed)
    operator = MEASUREMENTS[name](len(clean), draw)
    exact = np.asarray(jax.jit(operator.__call__)(jnp.asarray(clean)))
    level = noise * (len(clean) / 2 if isinstance(operator, Radon) else 1.0)
    return Problem(
        exact + level * white_noise(exact, draw),
        operator=operator,
        noise=Gaussian(level),
        image_shape=clean.shape,
        reference=clean,
    )


def _mri(acceleration: int, coils: int, size: int, draw: np.random.Generator) -> Operator:
    """One row of k-space in so many, a third of them around the centre."""
    low, middle = max(size // (6 * acceleration), 1), size // 2
    centre = np.arange(middle - low, middle + low)
    others = np.setdiff1d(np.arange(size), centre)
    rows = np.append(centre, draw.choice(others, size // acceleration - 2 * low, replace=False))
    mask = np.zeros((size, 1), np.float32)
    mask[rows] = 1
    return MaskedFourier(mask, None if coils == 1 else _sensitivities(coils, size))


def _sensitivities(coils: int, size: int) -> np.ndarray:
    """Coils around the image, each of which sees what is near; their squares add up to 1."""
    turns = np.exp(2j * np.pi * np.arange(coils) / coils)[:, None, None]
    rows, columns = np.mgrid[:size, :size] * 2 / (size - 1) - 1
    distance = np.hypot(rows - 1.2 * turns.imag, columns - 1.2 * turns.real)
    seen = np.exp(-(distance**2)) * turns
    return (seen / np.sqrt((np.abs(seen) ** 2).sum(0))).astype(np.complex64)


def _tomography(views: int, size: int, draw: np.random.Generator) -> Operator:
    """So many parallel views of half a turn."""
    return Radon(np.arange(views) * np.pi / views, shape=(size, size))


def _compressed_sensing(share: float, size: int, draw: np.random.Generator) -> Operator:
    """Products with independent normal numbers, fewer than there are pixels."""
    count = round(share * size**2)
    matrix = draw.normal(size=(count, size**2)) / count**0.5
    return Matrix(matrix.astype(np.float32), (size, size))


def _phase_retrieval(size: int, draw: np.random.Generator) -> Operator:
    """Magnitudes of the transforms of four copies with random signs."""
    return FourierMagnitude(draw.choice([-1.0, 1.0], (4, size, size)), oversampling=1)


MEASUREMENTS: dict[str, Callable[[int, np.random.Generator], Operator]] = {
    "MRI x4": lambda *how: _mri(4, 1, *how),
    "MRI x8": lambda *how: _mri(8, 1, *how),
    "MRI x8, 8 coils": lambda *how: _mri(8, COILS, *how),
    "CT, 24 views": lambda *how: _tomography(24, *how),
    "CT, 60 views": lambda *how: _tomography(60, *how),
    "motion blur": lambda size, draw: Blur(kernel_of("motion:9,0", size, size)),
    "Gaussian blur": lambda size, draw: Blur(kernel_of("gaussian:1.6", size, size)),
    "compressed sensing 25 %": lambda *how: _compressed_sensing(0.25, *how),
    "compressed sensing 10 %": lambda *how: _compressed_sensing(0.1, *how),
    "phase retrieval": _phase_retrieval,
    "demosaicing": lambda *how: Bayer(),
}
