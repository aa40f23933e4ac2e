"""What is done to clean images, and what is then known: one `Degraded` per image and case."""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drp_jax import Method, Problem
from drp_jax.commands.fit import Fit, fit
from drp_jax.commands.report import Scores, score
from drp_jax.compile_clock import compile_clock
from drp_jax.metrics import luma_without_border, uncertainty_correlation, within_two_spreads
from drp_jax.sweep.degradations import masked, noisy, pixels_left, shrunk
from experiments.benchmark import baselines


@dataclasses.dataclass(frozen=True)
class Degraded:
    """A clean image, what is left of it, and how a restoration is judged.

    Attributes:
      problem: what is left, with the clean image as its reference.
      baselines: makes the table of what others would take.
      known: which pixels are left, bool `[H, W, 1]` or `[H, W, C]`, where some are missing.
    """

    problem: Problem
    baselines: Callable[[], baselines.Baselines]
    known: np.ndarray | None = None

    @property
    def clean(self) -> np.ndarray:
        """The image before, `[H, W, C]`."""
        return np.asarray(self.problem.reference)

    def score(self, image: np.ndarray) -> Scores:
        """PSNR and SSIM with the known pixels put back, on luma for super-resolution."""
        image = np.clip(image, 0, 1).astype(np.float32).reshape(self.clean.shape)
        if self.known is not None:
            image = np.where(self.known, self.clean, image)
        if self.problem.metric_name == "luma_psnr":
            return score(_luma(image), _luma(self.clean))
        return score(image, self.clean)

    def psnr(self, image: np.ndarray) -> float:
        """PSNR alone, in dB."""
        decibels = self.score(image)["psnr"]
        assert decibels is not None
        return decibels

    def compare(self, methods: Mapping[str, Method], seed: int) -> Iterator[dict]:
        """A row of scores per method, then one per baseline: its best, and the time of one."""
        others = self.baselines()  # made first: it fails where a package is missing
        for name, method in methods.items():
            yield {"method": name} | self.row(fit(self.problem, seed=seed, method=method))
        for name, candidates in others.items():
            start = time.perf_counter()
            with compile_clock() as compiling:
                scores = [self.score(image) for image in candidates()]
            seconds = time.perf_counter() - start - sum(compiling)
            best = max(scores, key=lambda one: one["psnr"] or 0)
            yield {"method": name, **best, "seconds": seconds / len(scores)}

    def row(self, fitted: Fit) -> dict:
        """Scores and times of a fit to it, and how its history went."""
        result, iterations = fitted.restoration, int(fitted.restoration.iterations)
        history = np.asarray(result.history[self.problem.metric_name])[:iterations]
        best = int(np.nanargmax(history))
        correlation, within = None, None  # of the uncertainty with the true absolute error
        if result.uncertainty is not None:
            arrays = (result.image, self.clean, result.uncertainty)
            scored = [jnp.asarray(one) for one in arrays]
            correlation = float(uncertainty_correlation(*scored))
            within = float(within_two_spreads(*scored))
        return {
            **self.score(np.asarray(result.image)),
            "seconds": fitted.seconds,
            "compile_seconds": fitted.compile_seconds,
            "iterations": iterations,
            "best_psnr": float(history[best]),
            "best_iteration": best + 1,
            "last_psnr": float(history[-1]),
            "uncertainty_correlation": correlation,
            "within_two_spreads": within,
        }


def _luma(image: np.ndarray) -> np.ndarray:
    return np.asarray(luma_without_border(jnp.asarray(image)))


def degrade(case: str, clean: np.ndarray, seed: int) -> Degraded:
    """One of the `CASES` done to a clean image `[H, W, C]`."""
    if case in NOISES:
        sigma = float(case.split()[1]) if case.startswith("Gaussian") else None
        return with_noise(clean, add_noise(clean, case, seed), sigma)
    if case in GAPS:
        height, width = clean.shape[:2]
        return with_gaps(clean, known_pixels(case, height, width, seed))
    if case in FACTORS:
        return made_smaller(clean, FACTORS[case])
    return _with_noise_too(case, clean, seed)


def with_noise(
    clean: np.ndarray,
    noisy: np.ndarray,
    sigma: float | None = None,
    strengths: Sequence[float] = (1.0,),
) -> Degraded:
    """A noisy image; `sigma` if it is known, and multiples of it, are what the baselines get."""
    others = functools.partial(baselines.denoisers, noisy, sigma, strengths)
    return Degraded(Problem(noisy, reference=clean), others)


def with_gaps(clean: np.ndarray, known: np.ndarray) -> Degraded:
    """An image of which only the known pixels are left."""
    problem = masked(clean, known)
    others = functools.partial(baselines.inpainters, np.asarray(problem.observation), known)
    return Degraded(problem, others, known)


def made_smaller(clean: np.ndarray, factor: int) -> Degraded:
    """An image made smaller as the published programs do it."""
    problem = shrunk(clean, factor)
    small, (height, width, _) = np.asarray(problem.observation), problem.reference.shape
    return Degraded(problem, functools.partial(baselines.enlargers, small, height, width))


def _with_noise_too(case: str, clean: np.ndarray, seed: int) -> Degraded:
    """One of `NOISY`: the clean image is what is looked for, at the known pixels too."""
    degraded = degrade(case.split(", ")[0], clean, seed)
    problem, draw = degraded.problem, np.random.default_rng(seed + 1)
    observation = noisy(np.asarray(problem.observation), "gaussian", NOISY[case], draw)
    if degraded.known is not None:
        observation = np.where(degraded.known, observation, 0)
        others = functools.partial(baselines.inpainters, observation, degraded.known)
    else:
        others = functools.partial(baselines.enlargers, observation, *degraded.clean.shape[:2])
    return Degraded(dataclasses.replace(problem, observation=observation), others)


def add_noise(clean: np.ndarray, name: str, seed: int) -> np.ndarray:
    """A noisy image as an 8-bit file would hold it: clipped and rounded."""
    return noisy(clean, *NOISES[name], np.random.default_rng(seed))


NOISES: dict[str, tuple[str, float]] = {
    **{f"Gaussian {sigma}": ("gaussian", float(sigma)) for sigma in (15, 25, 50)},
    "Poisson": ("poisson", 50.0),
    "impulse": ("impulse", 0.1),
    "speckle": ("speckle", 0.25),
}
"""Kinds and numbers as in the plans of sweeps."""


def known_pixels(gaps: str, height: int, width: int, seed: int) -> np.ndarray:
    """Which pixels one of `GAPS` leaves, bool `[H, W, 1]`."""
    if gaps == "text":
        picture = Image.new("L", (width, height), 255)
        write_text(picture, 0)
        known = np.asarray(picture) > 0
    elif gaps == "hole":
        known = np.ones((height, width), bool)
        known[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5] = False
    else:
        missing, draw = float(gaps.removesuffix(" %")) / 100, np.random.default_rng(seed)
        return pixels_left((height, width, 1), missing, draw)
    return known[..., None]


def write_text(picture: Image.Image, color: int | tuple[int, int, int]) -> None:
    """Writes lines of one colour all over a picture."""
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "1"  # no soft edges, so that one colour marks all of the text
    font = ImageFont.load_default(size=15)
    for row in range(picture.height // 24):
        text = " ".join(["restore this picture"] * -(-picture.width // 192))
        pen.text((4 + 6 * (row % 3), 4 + 24 * row), text, color, font)


GAPS = ("10 %", "50 %", "90 %", "text", "hole")
FACTORS = {"x2": 2, "x4": 4, "x8": 8}
NOISY = {"50 %, noise 15": 15.0, "50 %, noise 25": 25.0, "x2, noise 10": 10.0}
CASES = {
    "denoise": tuple(NOISES),
    "inpaint": (*GAPS, *(case for case in NOISY if "%" in case)),
    "super-resolve": (*FACTORS, *(case for case in NOISY if "%" not in case)),
}
TASKS = {case: task for task, cases in CASES.items() for case in cases}
