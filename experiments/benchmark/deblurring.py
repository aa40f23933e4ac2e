"""Deblur photographs as cameras blur them: `python -m experiments.benchmark deblurring`.

Gray photographs are cut out of blurred ones, so that what lies past their edges was blurred into
them, and noise is added. They are restored by plug-and-play with the kernel and the image mirrored
past its edges, with the kernel and the image going on there, and with the kernel that is estimated
from the blurred photograph. A row per photograph and kernel.

Where image and kernel are moved against each other is not to be known, so all PSNRs are of the
shift, in halves of a pixel, where it is greatest, without a border of 12 pixels; and where nothing
is shifted also those of the whole pictures. With `--output` the rows become JSON, and a table for
`docs/reconstruction_howto.md`.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Gaussian, Problem, preset
from drp_jax.commands import options
from drp_jax.commands.fit import fit
from drp_jax.metrics import psnr
from drp_jax.operators import Blur
from drp_jax.operators.kernels import KernelShape
from drp_jax.unknown_blur import estimated_kernel
from experiments import pages
from experiments.benchmark import measuring
from experiments.photographs import crops

TABLE = pages.Table(
    "photograph | kernel | blurred | mirrored edges | kernel known | kernel estimated "
    "| whole, mirrored edges | whole, kernel known | match of the kernel",
    "{photograph} | {kernel} | {blurred:.2f} | {mirrored:.2f} | {known:.2f} | {estimated:.2f} "
    "| {mirrored_whole:.2f} | {known_whole:.2f} | {match:.2f}",
)
SIDE = 15
BORDER = 12
_MOST_SHIFT = 4
_NAMES = ("photograph", "kernel")


@dataclasses.dataclass(frozen=True)
class Arguments:
    size: int = measuring.size(128, least=64, most=256)
    photographs: int = measuring.photographs(5)
    noise: float = options.number("Standard deviation of the noise.", 0.01, least=0.0)
    seed: int = options.random_seed()
    output: pathlib.Path | None = measuring.output()


@options.command("deblurring", Arguments, help=__doc__)
def deblurring(parsed: Arguments) -> int:
    """Photographs sharpened with a kernel that is known, and one that is not."""
    content = {"size": parsed.size, "noise": parsed.noise, "side": SIDE}
    rows = pages.show(TABLE, _rows(parsed), parsed.output, content)
    every = [*rows, means(rows)]
    print(TABLE.line(every[-1]))
    pages.write_table(parsed.output, TABLE.of(every))
    return 0


def means(rows: list[dict]) -> dict:
    """The line of the means over all rows."""
    values = {name: [row[name] for row in rows] for name in rows[0] if name not in _NAMES}
    return {"photograph": "mean", **{name: np.mean(own) for name, own in values.items()}}


def kernels() -> dict[str, np.ndarray]:
    """Kernels `[SIDE, SIDE]` with sum 1: a lens, a straight movement, and shaken hands."""
    shapes = {text: KernelShape(text).sampled(SIDE, SIDE) for text in ("disk:3", "motion:9,30")}
    padded = {
        text: np.pad(kernel, [((SIDE - length) // 2,) * 2 for length in kernel.shape])
        for text, kernel in shapes.items()
    }
    return padded | {f"shaken {seed}": shaken(seed, 12.0) for seed in (1, 2)}


def shaken(seed: int, reach: float) -> np.ndarray:
    """The kernel `[SIDE, SIDE]` of a smooth random path that is `reach` pixels wide or high."""
    from scipy.ndimage import gaussian_filter1d

    velocity = gaussian_filter1d(np.random.default_rng(seed).normal(size=(2, 400)), 40, axis=1)
    path = np.cumsum(velocity, axis=1)
    path -= (path.max(axis=1) + path.min(axis=1))[:, None] / 2
    path *= reach / 2 / np.abs(path).max()
    kernel = np.zeros((SIDE, SIDE))
    for place in path.T + SIDE // 2:
        row, column = np.floor(place).astype(int)
        below, right = place - (row, column)
        share = np.outer([1 - below, below], [1 - right, right])
        kernel[row : row + 2, column : column + 2] += share
    return (kernel / kernel.sum()).astype(np.float32)


def _rows(parsed: Arguments) -> Iterator[dict]:
    margin = SIDE // 2
    scenes = crops("report", parsed.size + 2 * margin)
    for photograph, colours in [*scenes.items()][: parsed.photographs]:
        scene = jnp.asarray(colours.mean(axis=-1, keepdims=True))
        clean = np.asarray(scene[margin:-margin, margin:-margin])
        noise = parsed.noise * jax.random.normal(jax.random.key(parsed.seed), clean.shape)
        for name, kernel in kernels().items():
            blurred = Blur(jnp.asarray(kernel), boundary=None)(scene)
            blurred = jnp.clip(blurred + noise, 0, 1)
            found = np.asarray(estimated_kernel(blurred, SIDE))
            level = max(parsed.noise, 1e-3)
            mirrored, known, estimated = (
                _restored(blurred, blur, level)
                for blur in (
                    Blur(jnp.asarray(kernel)),
                    Blur(jnp.asarray(kernel), boundary=None),
                    Blur(jnp.asarray(found), boundary=None),
                )
            )
            yield {
                "photograph": photograph,
                "kernel": name,
                "blurred": psnr_up_to_shift(np.asarray(blurred), clean),
                "mirrored": psnr_up_to_shift(mirrored, clean),
                "known": psnr_up_to_shift(known, clean),
                "estimated": psnr_up_to_shift(estimated, clean),
                "mirrored_whole": _psnr(mirrored, clean),
                "known_whole": _psnr(known, clean),
                "match": match(found, kernel),
            }


def _restored(blurred: jax.Array, blur: Blur, level: float) -> np.ndarray:
    problem = Problem(blurred, blur, Gaussian(level))
    method = preset(method="plug-and-play", task="reconstruct")
    image = fit(problem, seed=0, method=method).restoration.image
    return np.asarray(blur.observed_part(image))


def psnr_up_to_shift(image: np.ndarray, clean: np.ndarray) -> float:
    """The greatest PSNR in dB of an image `[H, W, 1]` moved by up to 4 pixels, but its border."""
    from scipy.ndimage import shift

    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    steps = np.arange(-_MOST_SHIFT, _MOST_SHIFT + 0.5, 0.5)
    moved = (
        shift(image, (down, right, 0), order=1, mode="nearest") for down in steps for right in steps
    )
    return max(_psnr(one[inside], clean[inside]) for one in moved)


def _psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(psnr(jnp.asarray(image), jnp.asarray(clean)))


def match(kernel: np.ndarray, other: np.ndarray) -> float:
    """The greatest correlation of two kernels over all shifts by whole pixels: 1 if equal."""
    from scipy.signal import correlate2d

    norms = np.sqrt(np.sum(kernel**2) * np.sum(other**2))
    return float(np.max(correlate2d(kernel, other)) / norms)
