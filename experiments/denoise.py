"""Denoise a photograph: `python -m experiments.denoise --image noisy.png`.

Without `--image` it denoises a bundled photograph to which it adds noise itself.
"""

import dataclasses
import importlib.resources
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import jax
import numpy as np

from drp_jax import InputError, Picture, read_image, write_image
from drp_jax.images import check_writable
from drp_jax.restore import SMALLEST_SIDE
from experiments import arguments
from experiments.figure import save_figure
from experiments.fit import Fit, fit
from experiments.report import Scores, metrics, score, write_json

PROGRAM = "denoise"
DEMONSTRATION_IMAGE = "chelsea.png"
DEMONSTRATION_SIGMA = 25.0


@dataclasses.dataclass(frozen=True)
class DenoiseArguments(arguments.FitArguments):
    add_noise: Annotated[
        float | None,
        *arguments.number(
            "Take the image as clean, add Gaussian noise of this standard deviation on the "
            "0-255 scale, and score against the image.",
            "none",
        ),
    ] = None


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be denoised and where the results go.

    Attributes:
      picture: the noisy picture.
      reference: the clean image if known.
      output, figure, metrics: files to write; the last two may be None.
    """

    picture: Picture
    reference: np.ndarray | None
    output: pathlib.Path
    figure: pathlib.Path | None
    metrics: pathlib.Path | None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _denoise(argv), program=PROGRAM)


def _denoise(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(DenoiseArguments, argv, program=PROGRAM, description=__doc__ or "")
    settings = parsed.settings("denoise")
    task = _task(parsed)
    fitted = fit(task.picture.image, seed=parsed.seed, settings=settings, reference=task.reference)
    restored = np.asarray(fitted.restoration.image)
    write_image(task.output, task.picture.with_image(restored))

    before, after = score(task.picture.image, task.reference), score(restored, task.reference)
    if task.figure is not None:
        save_figure(task.figure, _panels(task, restored, before, after), fitted.restoration.history)
    if task.metrics is not None:
        report = metrics(fitted, settings, preset=parsed.preset, before=before, after=after)
        write_json(task.metrics, report)
    _print_summary(task, fitted, before, after)
    return 130 if fitted.interrupted else 0


def _task(parsed: DenoiseArguments) -> Task:
    """Reads the images and checks every path before any time is spent."""
    if parsed.add_noise is not None and parsed.reference is not None:
        raise InputError("--add-noise makes its own reference; leave out --reference")
    if parsed.add_noise is not None and not 0 < parsed.add_noise <= 255:
        raise InputError(f"--add-noise is {parsed.add_noise}; accepted: above 0, up to 255")
    is_demonstration = parsed.image is None
    if parsed.image is not None:
        path, picture = parsed.image, read_image(parsed.image)
        sigma = parsed.add_noise
    else:
        if parsed.reference is not None:
            raise InputError("--reference needs --image; the bundled photograph has its own")
        path, picture = pathlib.Path(DEMONSTRATION_IMAGE), _demonstration()
        sigma = parsed.add_noise or DEMONSTRATION_SIGMA
    height, width = picture.image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"{path}: {width} x {height} pixels; accepted: from {SMALLEST_SIDE} x "
            f"{SMALLEST_SIDE} up"
        )
    reference = None
    if parsed.reference is not None:
        reference = read_image(parsed.reference).image
        if reference.shape != picture.image.shape:
            raise InputError(
                f"{parsed.reference}: {_size(reference)}; accepted: {_size(picture.image)}, "
                "the size of the image"
            )
    if sigma is not None:
        reference = picture.image
        picture = picture.with_image(_add_noise(reference, sigma, parsed.seed))

    suffix = ".tif" if picture.mode == "F" else ".png"
    task = Task(
        picture=picture,
        reference=reference,
        output=parsed.output or path.with_name(f"{path.stem}_restored{suffix}"),
        figure=parsed.figure
        or (path.with_name(f"{path.stem}_figure.png") if is_demonstration else None),
        metrics=parsed.metrics,
    )
    check_writable(task.output, picture)
    for extra in (task.figure, task.metrics):
        if extra is not None:
            check_writable(extra)
    if task.figure is not None and task.figure.suffix.lower() != ".png":
        raise InputError(f"--figure is {task.figure}; accepted: a path that ends in .png")
    return task


def _demonstration() -> Picture:
    """A photograph that scikit-image carries in its package."""
    folder = importlib.resources.files("skimage.data")
    with importlib.resources.as_file(folder / DEMONSTRATION_IMAGE) as path:
        return read_image(path)


def _add_noise(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Gaussian noise of standard deviation sigma / 255, clipped to [0, 1]."""
    key = jax.random.fold_in(jax.random.key(seed), 1)  # not the key of the run
    noise = np.asarray(jax.random.normal(key, clean.shape))
    return np.clip(clean + sigma / 255 * noise, 0, 1).astype(np.float32)


def _panels(
    task: Task, restored: np.ndarray, before: Scores, after: Scores
) -> dict[str, np.ndarray]:
    panels = {_caption("noisy", before): task.picture.image, _caption("restored", after): restored}
    if task.reference is not None:
        panels["reference"] = task.reference
    return panels


def _caption(name: str, scores: Scores) -> str:
    return name if scores.psnr is None else f"{name}, {scores.psnr:.2f} dB"


def _size(image: np.ndarray) -> str:
    height, width, channels = image.shape
    return f"{width} x {height} {'gray' if channels == 1 else 'RGB'} pixels"


def _print_summary(task: Task, fitted: Fit, before: Scores, after: Scores) -> None:
    restoration = fitted.restoration
    iterations = int(restoration.iterations)
    if fitted.interrupted:
        print(f"Interrupted after iteration {iterations}; its image is kept.")
    else:
        print(restoration.message)
    print(
        f"{iterations} iterations in {fitted.seconds:.1f} s, "
        f"after {fitted.compile_seconds:.1f} s of compilation"
    )
    if after.psnr is not None and before.psnr is not None:
        line = f"PSNR {before.psnr:.2f} -> {after.psnr:.2f} dB"
        if after.ssim is not None and before.ssim is not None:
            line += f", SSIM {before.ssim:.3f} -> {after.ssim:.3f}"
        print(line)
    for path in (task.output, task.figure, task.metrics):
        if path is not None:
            print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
