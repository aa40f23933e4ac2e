"""Restore large pictures in little memory: `python -m experiments.benchmark large`.

Each is a photograph of scikit-image, mirrored until it is large enough, with noise, half of its
pixels missing, half of its size, or blurred. The command, `drp-jax denoise --memory` and the like,
runs in a process of its own, without any compiled program from before, whose time, on the clock and
of all cores, and largest resident set are reported, with the PSNR, and how steep the error is where
tiles meet: its mean absolute difference between neighbours there, over that elsewhere.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import jax.numpy as jnp
import numpy as np
from PIL import Image

from drp_jax import InputError, read_image
from drp_jax.commands import options
from drp_jax.commands.kernels import kernel_of
from drp_jax.commands.restoring import bundled_photograph
from drp_jax.operators import Blur, Downsample
from experiments import pages
from experiments.benchmark import measuring

SIGMA = 20
SHARE = 0.5
FACTOR = 2
KERNEL, BLURRED_SIGMA = "gaussian:1.6", 2
TASKS = ("denoise", "inpaint", "super-resolve", "deblur")
TABLE = pages.Table(
    "task | preset | megapixels | size | tiles | seconds | of the cores | a megapixel | "
    "compilation | resident MB | dB before | dB | at seams",
    "{task} | {preset} | {megapixels:g} | {width} x {height} | {tiles} | {seconds:.0f} | "
    "{core_seconds:.0f} | {core_seconds_per_megapixel:.0f} | "
    "{compile_seconds:.0f} | {resident_megabytes:.0f} | {psnr_input:.2f} | {psnr:.2f} | "
    "{seam_ratio:.3f}",
)


def _numbers(text: str) -> tuple[float, ...]:
    numbers = tuple(float(part) for part in text.split(","))
    if not all(0.01 <= number <= 1000 for number in numbers):
        raise ValueError
    return numbers


@dataclasses.dataclass(frozen=True)
class Arguments:
    task: str = options.choice(TASKS, "Which command.", "denoise")
    megapixels: tuple[float, ...] = options.option(
        _numbers, "X,X", "numbers from 0.01 to 1000", "Sizes of the results.", (1.0, 4.0, 24.0)
    )
    memory: str = options.option(str, "BYTES", "a size", "As of the command.", "2G")
    preset: str = options.option(str, "NAME", "a name", "As of the command.", "default")
    keep: pathlib.Path | None = options.file("A folder for the pictures.", shown="none is kept")
    output: pathlib.Path | None = measuring.output()


@options.command("large", Arguments, help=__doc__)
def large(parsed: Arguments) -> int:
    """Time and memory of large pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) if parsed.keep is None else parsed.keep
        folder.mkdir(parents=True, exist_ok=True)
        rows = (_measured(size, parsed, folder) for size in parsed.megapixels)
        facts = {"memory": parsed.memory}
        pages.show(TABLE, rows, parsed.output, facts)
    return 0


def _measured(megapixels: float, parsed: Arguments, folder: pathlib.Path) -> dict[str, Any]:
    """The row of one picture."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    clean = picture(FACTOR * (height // FACTOR), FACTOR * (round(1.5 * height) // FACTOR))
    observed, restored, report = (
        folder / f"{parsed.task}-{megapixels:g}.{name}"
        for name in ("observed.png", "restored.png", "report.json")
    )
    before, task_flags = _observed(parsed.task, clean, observed)
    flags = [str(observed), "--output", str(restored), "--metrics", str(report), *task_flags]
    flags += ["--memory", parsed.memory, "--preset", parsed.preset, "--no-compilation-cache"]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "drp_jax", parsed.task, *flags], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"drp-jax {parsed.task} ended with {process.returncode}; accepted: 0")
    metrics = json.loads(report.read_text())
    tiling = metrics.get("tiling")
    error = _error(read_image(restored).image, clean)
    core_seconds = usage.ru_utime + usage.ru_stime
    return {
        "task": parsed.task,
        "preset": parsed.preset,
        "megapixels": megapixels,
        "height": clean.shape[0],
        "width": clean.shape[1],
        "tiles": "none" if tiling is None else tiled(tiling),
        "seconds": elapsed,
        "core_seconds": core_seconds,
        "core_seconds_per_megapixel": core_seconds / (clean[..., 0].size / 1e6),
        "compile_seconds": metrics["compile_seconds"],
        "resident_megabytes": usage.ru_maxrss * 1024 / 1e6,  # kilobytes on Linux
        "psnr_input": before,
        "psnr": _decibels(error),
        "seam_ratio": 1.0 if tiling is None else seam_ratio(error, tiling),
    }


def _observed(task: str, clean: np.ndarray, path: pathlib.Path) -> tuple[float, list[str]]:
    """Writes what a command is given; the PSNR of that, and the flags that it needs beside it."""
    if task == "denoise":
        observed, flags = with_noise(clean, SIGMA), []
    elif task == "inpaint":
        is_known = np.random.default_rng(0).random(clean.shape[:2]) >= SHARE
        observed = clean * is_known[..., None].astype(np.uint8)
        mask = path.with_suffix(".mask.png")
        Image.fromarray(255 * is_known.astype(np.uint8)).save(mask)
        flags = ["--mask", str(mask)]
    elif task == "deblur":
        blur = Blur(jnp.asarray(kernel_of(KERNEL, *clean.shape[:2])))
        blurred = 255 * np.asarray(blur(jnp.asarray(_as_float(clean))))
        observed, flags = with_noise(blurred, BLURRED_SIGMA), ["--kernel", KERNEL]
    else:
        small = np.asarray(Downsample(FACTOR)(jnp.asarray(_as_float(clean))))
        observed = np.rint(255 * np.clip(small, 0, 1)).astype(np.uint8)
        flags = ["--factor", str(FACTOR)]
    Image.fromarray(observed).save(path)
    repeated = np.repeat(np.repeat(observed, FACTOR, 0), FACTOR, 1)
    start = repeated if task == "super-resolve" else observed
    return _decibels(_error(_as_float(start), clean)), flags


def picture(height: int, width: int) -> np.ndarray:
    """A photograph mirrored until it is that large, uint8 `[H, W, 3]`."""
    image = np.rint(255 * bundled_photograph("astronaut.png").image).astype(np.uint8)
    for axis, side in enumerate((height, width)):
        mirrored = np.concatenate([image, np.flip(image, axis)], axis)
        image = np.concatenate([mirrored] * -(-side // mirrored.shape[axis]), axis)
    return image[:height, :width]


def with_noise(clean: np.ndarray, sigma: float) -> np.ndarray:
    """The picture, 0 to 255, with Gaussian noise of such a deviation, as 8 bits hold it."""
    noise = np.random.default_rng(0).standard_normal(clean.shape, dtype=np.float32)
    noise *= sigma
    noise += clean
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def tiled(tiling: dict[str, Any]) -> str:
    """How many tiles there are, and of which size."""
    height, width = tiling["size"]
    rows, columns = tiling["starts"]
    return f"{len(rows) * len(columns)} of {width} x {height}"


def seam_ratio(error: np.ndarray, tiling: dict[str, Any]) -> float:
    """How steep an error `[H, W, C]` is where tiles overlap, over how steep it is elsewhere."""
    ratios = []
    for axis, (size, starts) in enumerate(zip(tiling["size"], tiling["starts"], strict=True)):
        steepness = np.abs(np.diff(error, axis=axis)).mean(axis=(1 - axis, 2))
        at_seam = np.zeros(steepness.size, bool)
        for before, after in itertools.pairwise(starts):
            at_seam[after : before + size] = True
        if at_seam.any():
            ratios.append(steepness[at_seam].mean() / steepness[~at_seam].mean())
    return float(np.mean(ratios))


def _error(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return image - _as_float(clean)


def _as_float(picture: np.ndarray) -> np.ndarray:
    """8 bits to float32 in [0, 1]."""
    return picture.astype(np.float32) / 255


def _decibels(error: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean(np.square(error), dtype=np.float64)))
