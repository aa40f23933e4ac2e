"""The photographs of the quality benchmark, and what is done to them."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from drp_jax import Downsample, Identity, Mask, Operator
from drp_jax.metrics import Metric, luma_psnr, luma_without_border, psnr
from experiments import degradations, official
from experiments.benchmark import opponents
from experiments.pipeline import bundled_photograph
from experiments.report import Scores, score
from experiments.super_resolve import resize

# Rows and columns of 256 x 256 pixels begin here; "Peppers" only where the official files are.
_TUNE = {"astronaut.png": (0, 100), "coffee.png": (60, 150), "chelsea.png": (20, 100)}
_REPORT = {
    "rocket.jpg": (100, 200),
    "retina.jpg": (500, 500),
    "ihc.png": (128, 128),
    "camera.png": (50, 130),
    "coins.png": (20, 60),
    "brick.png": (128, 128),
}
_PEPPERS = "Peppers"
IMAGES = {"tune": _TUNE, "report": _REPORT}
FACTORS = {"x2": 2, "x4": 4, "x8": 8}
CASES = {
    "denoise": tuple(degradations.NOISES),
    "inpaint": degradations.GAPS,
    "super-resolve": tuple(FACTORS),
}


@dataclasses.dataclass(frozen=True)
class Damaged:
    """A photograph, what is left of it, and the methods that others would take.

    Attributes:
      clean: the photograph `[H, W, C]`.
      observation: what is left.
      operator: what took the rest.
      rivals: makes the table of the other methods.
      metric: PSNR, of luma for super-resolution.
      known: which pixels are left, bool `[H, W, 1]`, for inpainting.
    """

    clean: np.ndarray
    observation: np.ndarray
    operator: Operator
    rivals: Callable[[], dict[str, opponents.Method]]
    metric: Metric = psnr
    known: np.ndarray | None = None

    def score(self, image: np.ndarray) -> Scores:
        """PSNR and SSIM with the known pixels put back, on luma for super-resolution."""
        image = np.clip(image, 0, 1).astype(np.float32).reshape(self.clean.shape)
        if self.known is not None:
            image = np.where(self.known, self.clean, image)
        both = (image, self.clean)
        if self.metric is luma_psnr:
            both = tuple(np.asarray(luma_without_border(one)) for one in both)
        return score(*both)


def crops(images: str, size: int, data: pathlib.Path) -> dict[str, np.ndarray]:
    """Squares of the photographs to tune on or to report, by name.

    Args:
      images: one of `IMAGES`.
      size: their side, up to 512. A corner moves if the photograph ends too soon; photographs that
        are smaller are left out.
      data: folder of the official images.
    """
    squares = {}
    for name, corner in IMAGES[images].items():
        image = bundled_photograph(name).image
        if min(image.shape[:2]) < size:
            continue
        top, left = (
            min(start, side - size) for start, side in zip(corner, image.shape[:2], strict=True)
        )
        squares[name] = image[top : top + size, left : left + size]
    if images == "report" and (data / "denoise").exists():
        start = (512 - size) // 2
        crop = slice(start, start + size)
        squares[_PEPPERS] = official.peppers(data, crop=crop).reference
    return squares


def damage(task: str, case: str, clean: np.ndarray, seed: int) -> Damaged:
    """One of the `CASES` of a task done to a photograph."""
    height, width = clean.shape[:2]
    if task == "denoise":
        noisy = degradations.add_noise(clean, case, seed)
        sigma = float(case.split()[1]) if case.startswith("Gaussian") else None
        rivals = functools.partial(opponents.denoisers, noisy, sigma)
        return Damaged(clean, noisy, Identity(), rivals)
    if task == "inpaint":
        known = degradations.known_pixels(case, height, width, seed)
        observation = np.where(known, clean, 0).astype(np.float32)
        operator = Mask(known.astype(np.float32))
        rivals = functools.partial(opponents.inpainters, observation, known)
        return Damaged(clean, observation, operator, rivals, known=known)
    factor = FACTORS[case]
    height, width = height - height % factor, width - width % factor
    clean = clean[:height, :width]
    small = resize(clean, height // factor, width // factor, Image.Resampling.LANCZOS)
    observation = np.rint(small * 255).astype(np.float32) / 255
    rivals = functools.partial(opponents.enlargers, observation, height, width)
    return Damaged(clean, observation, Downsample(factor), rivals, metric=luma_psnr)
