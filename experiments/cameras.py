"""Noise as it is in photographs: real ones with a reference, simulated cameras, and its kinds."""

import functools
import pathlib
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from drp_jax import InputError, Problem, read_image
from drp_jax.sweep.degradations import Draw, jpeg
from drp_jax.sweep.images import middle
from experiments.photographs import DATA

_WHITE_BALANCE = (1.9, 1.0, 1.6)
_GAMMA = 2.2
_LEVELS = 40_000  # of 16 bits, from black to where the sensor is full
_BLACK = 4_000


def real_pairs(
    data: pathlib.Path = DATA, size: int = 512
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The mean of 500 shots of the same, and one at high sensitivity, by name: their middles.

    From Nam et al., A holistic approach to cross-channel image noise modeling (CVPR 2016).
    """
    folder = data / "real_noise" / "pairs"
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; --data names the one with real_noise/pairs")
    pairs = {}
    for path in sorted(folder.glob("*_real.png")):
        name = path.stem.removesuffix("_real")
        clean, noisy = (read_image(folder / f"{name}_{it}.png").image for it in ("mean", "real"))
        pairs[name] = (middle(clean, size), middle(noisy, size))
    return pairs


def photographed(
    clean: np.ndarray, draw: Draw, gain: float, quality: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a camera makes of a scene, with the noise of its sensor and without.

    Photons are counted behind a Bayer mosaic, with noise of reading; then demosaicing by OpenCV,
    white balance, a gamma curve, 8 bits, JPEG.

    Args:
      clean: the scene, `[H, W, 3]` with even sides.
      draw: what the noise is drawn from.
      gain: variance of the photon noise where the sensor is full, above 0.
      quality: that of JPEG.
    """
    raw = clean.astype(np.float64) ** _GAMMA / np.array(_WHITE_BALANCE)
    mosaic = raw[..., 1].copy()
    mosaic[::2, ::2] = raw[::2, ::2, 0]
    mosaic[1::2, 1::2] = raw[1::2, 1::2, 2]
    noise = draw.normal(size=mosaic.shape) * np.sqrt(gain * mosaic + gain**2 / 4)
    return _developed(mosaic + noise, quality), _developed(mosaic, quality)


def _developed(mosaic: np.ndarray, quality: int) -> np.ndarray:
    try:
        import cv2
    except ImportError as error:
        raise InputError(f'{error}; accepted: after pip install -e ".[bench]"') from None
    values = np.clip(mosaic * _LEVELS + _BLACK, 0, 65_535).astype(np.uint16)
    # OpenCV names the pattern by its second row and column, and orders colours backwards.
    colors = cv2.cvtColor(values, cv2.COLOR_BayerBG2BGR_EA)[..., ::-1]
    linear = (colors.astype(np.float64) - _BLACK) / _LEVELS * np.array(_WHITE_BALANCE)
    return jpeg(np.clip(linear, 0, 1) ** (1 / _GAMMA), quality)


CAMERAS = {
    "weak": functools.partial(photographed, gain=0.002, quality=95),
    "strong": functools.partial(photographed, gain=0.01, quality=90),
}
"""Cameras by how strong their noise is."""


def _shot(clean: np.ndarray, draw: Draw, camera: str) -> Problem:
    """A scene as a camera has it; what it has without noise is the reference."""
    noisy, developed = CAMERAS[camera](clean, draw)
    return Problem(noisy, reference=developed)


weak_noise = functools.partial(_shot, camera="weak")
strong_noise = functools.partial(_shot, camera="strong")


def _grey(noise: np.ndarray) -> np.ndarray:
    return np.repeat(noise[..., :1], noise.shape[-1], axis=-1)


def _smooth(width: float, noise: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(noise, (width / 2.5, width / 2.5, 0), mode="wrap")


def _blocks(noise: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(noise[::4, ::4], 4, axis=0), 4, axis=1)


KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "white": lambda noise: noise,
    **{f"smooth over {width}": functools.partial(_smooth, width) for width in (2, 3, 4)},
    "striped": lambda noise: ndimage.uniform_filter(noise, (1, 32, 1), mode="wrap") + noise / 8,
    "blocks": _blocks,
    "grey": _grey,
    "grey, smooth over 2": lambda noise: _smooth(2, _grey(noise)),
}
"""From white noise `[H, W, C]` to noise of that kind."""


def noise_of(kind: str, sigma: float, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Noise of one of the `KINDS`, of standard deviation `sigma`."""
    noise = KINDS[kind](np.random.default_rng(seed).normal(size=shape))
    return (sigma * noise / noise.std()).astype(np.float32)
