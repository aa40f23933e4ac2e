"""What is done to clean images, beside what plans of sweeps have by themselves."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drp_jax import Problem
from drp_jax.operators import Mask
from drp_jax.sweep.degradations import (
    Degradation,
    Draw,
    degradation,
    masked,
    noisy,
    pixels_left,
    shrunk,
)


def text(clean: np.ndarray, draw: Draw) -> Problem:
    """A picture `[H, W, C]` that lines of text hide a part of."""
    height, width = clean.shape[:2]
    picture = Image.new("L", (width, height), 255)
    write_text(picture, 0)
    return masked(clean, np.asarray(picture)[..., None] > 0)


def write_text(picture: Image.Image, color: int | tuple[int, int, int]) -> None:
    """Writes lines of one colour all over a picture."""
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "1"  # no soft edges, so that one colour marks all of the text
    font = ImageFont.load_default(size=15)
    for row in range(picture.height // 24):
        words = " ".join(["restore this picture"] * -(-picture.width // 192))
        pen.text((4 + 6 * (row % 3), 4 + 24 * row), words, color, font)


def hole(clean: np.ndarray, draw: Draw) -> Problem:
    """A picture with a hole in its middle, a fifth of each side."""
    height, width = clean.shape[:2]
    known = np.ones((height, width, 1), bool)
    known[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5] = False
    return masked(clean, known)


def gaps_and_noise(clean: np.ndarray, draw: Draw, sigma: float) -> Problem:
    """Half of the pixels, with noise of so much of 255: the clean ones are what is looked for."""
    known = pixels_left(clean.shape, 0.5, draw)
    observation = np.where(known, noisy(clean, "gaussian", sigma, draw), 0)
    mask = Mask(jnp.asarray(known, jnp.float32))
    return Problem(observation.astype(np.float32), mask, reference=clean)


def small_and_noisy(clean: np.ndarray, draw: Draw, sigma: float) -> Problem:
    """A picture made twice smaller, with noise of so much of 255."""
    small = shrunk(clean, 2)
    observation = noisy(np.asarray(small.observation), "gaussian", sigma, draw)
    return dataclasses.replace(small, observation=observation)


gaps_and_noise_15 = functools.partial(gaps_and_noise, sigma=15)
gaps_and_noise_25 = functools.partial(gaps_and_noise, sigma=25)
small_and_noisy_10 = functools.partial(small_and_noisy, sigma=10)

_OWN = (
    Degradation("50 %, noise 15", "inpaint", gaps_and_noise_15),
    Degradation("50 %, noise 25", "inpaint", gaps_and_noise_25),
    Degradation("x2, noise 10", "super-resolve", small_and_noisy_10),
)
CASES: dict[str, Degradation] = {
    "Gaussian 25": degradation("gaussian:25"),
    "speckle": degradation("speckle:0.25"),
    "impulse": degradation("impulse:0.1"),
    "50 %": degradation("missing:0.5"),
    "90 %": degradation("missing:0.9"),
    "x2": degradation("x2"),
    "x4": degradation("x4"),
    **{one.name: one for one in _OWN},
}
"""Degradations by short names."""


def degrade(case: str, clean: np.ndarray, seed: int) -> Problem:
    """One of the `CASES` done to a clean image `[H, W, C]`, which is the problem's reference."""
    return CASES[case].problem(clean, np.random.default_rng(seed))


def psnr_of(image: np.ndarray, problem: Problem) -> float:
    """What the problem's metric says of a restored image, in dB."""
    return float(problem.metric(jnp.clip(jnp.asarray(image), 0, 1), problem.reference))
