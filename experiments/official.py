"""The official images of the published programs, degraded as they degrade them."""

import dataclasses
import pathlib

import numpy as np
from PIL import Image

from drp_jax import Downsample, Identity, InputError, Mask, Operator, luma_psnr, psnr, read_image
from drp_jax.metrics import Metric

DEFAULT_FOLDER = pathlib.Path("../shared/data")


@dataclasses.dataclass(frozen=True)
class Degraded:
    """An observation, the truth, and the task between them: an operator and a metric."""

    observation: np.ndarray
    reference: np.ndarray
    operator: Operator = dataclasses.field(default_factory=Identity)
    metric: Metric = psnr


def peppers(folder: pathlib.Path, *, crop: slice = slice(None)) -> Degraded:
    """Denoising: Peppers with the file "Gaussian 2" (18.8 dB), or a square crop of it."""
    noisy, clean = (
        _load_array(folder / "denoise" / f"Peppers_{name}.npz")[crop, crop]
        for name in ("Gaussian_Noise_2", "clean")
    )
    return Degraded(noisy, clean)


def baby(folder: pathlib.Path) -> Degraded:
    """Super-resolution x4: baby made smaller with Pillow's LANCZOS, scored on luma."""
    path = _existing(folder / "super_resolution" / "baby.png")
    with Image.open(path) as opened:
        small = opened.resize((opened.width // 4, opened.height // 4), Image.Resampling.LANCZOS)
        observation = np.asarray(small, np.float32) / 255
    return Degraded(observation, read_image(path).image, Downsample(4), luma_psnr)


def barbara(folder: pathlib.Path) -> Degraded:
    """Inpainting: rows 100-355, columns 200-455 of barbara, half the pixels missing."""
    path = _existing(folder / "inpaint" / "barbara_img_0.1.png")
    clean = read_image(path).image[100:356, 200:456]
    known = np.random.default_rng(0).random(clean.shape) < 0.5
    return Degraded(clean * known, clean, Mask(known.astype(np.float32)))


def _load_array(path: pathlib.Path) -> np.ndarray:
    return np.load(_existing(path))["arr_0"].astype(np.float32) / 255


def _existing(path: pathlib.Path) -> pathlib.Path:
    if not path.exists():
        raise InputError(f"{path}: no such file; --data names the folder of the official images")
    return path
