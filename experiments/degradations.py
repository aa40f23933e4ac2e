"""What the benchmarks and the gallery do to clean photographs."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

POISSON_PEAK = 50
IMPULSE_SHARE = 0.1
SPECKLE_DEVIATION = 0.25

Noise = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def gaussian(sigma: float) -> Noise:
    """White noise of standard deviation sigma / 255."""
    return lambda clean, generator: clean + sigma / 255 * generator.normal(size=clean.shape)


def poisson(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Photon noise: 50 are counted where the image is white."""
    return generator.poisson(clean * POISSON_PEAK) / POISSON_PEAK


def impulse(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A tenth of all values becomes black or white."""
    extreme = generator.integers(0, 2, clean.shape)
    return np.where(generator.random(clean.shape) < IMPULSE_SHARE, extreme, clean)


def speckle(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Noise in proportion to the intensity, a quarter of it."""
    return clean * (1 + SPECKLE_DEVIATION * generator.normal(size=clean.shape))


NOISES: dict[str, Noise] = {
    "Gaussian 15": gaussian(15),
    "Gaussian 25": gaussian(25),
    "Gaussian 50": gaussian(50),
    "Poisson": poisson,
    "impulse": impulse,
    "speckle": speckle,
}


def add_noise(clean: np.ndarray, name: str, seed: int) -> np.ndarray:
    """A noisy image as an 8-bit file would hold it: clipped and rounded."""
    noisy = NOISES[name](clean, np.random.default_rng(seed))
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.float32) / 255


def write_text(picture: Image.Image, color: int | tuple[int, int, int]) -> None:
    """Writes lines of one colour all over a picture."""
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "1"  # no soft edges, so that one colour marks all of the text
    font = ImageFont.load_default(size=15)
    for row in range(picture.height // 24):
        text = " ".join(["restore this picture"] * -(-picture.width // 192))
        pen.text((4 + 6 * (row % 3), 4 + 24 * row), text, color, font)


def known_pixels(name: str, height: int, width: int, seed: int) -> np.ndarray:
    """Which pixels are left, bool `[H, W, 1]`: "10 %", "50 %" or "90 %" missing, "text", "hole"."""
    if name == "text":
        picture = Image.new("L", (width, height), 255)
        write_text(picture, 0)
        known = np.asarray(picture) > 0
    elif name == "hole":
        known = np.ones((height, width), bool)
        known[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5] = False
    else:
        missing = float(name.removesuffix(" %")) / 100
        known = np.random.default_rng(seed).random((height, width)) >= missing
    return known[..., None]


GAPS = ("10 %", "50 %", "90 %", "text", "hole")
