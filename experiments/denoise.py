"""Denoise a photograph: `python -m experiments.denoise --image noisy.png`.

Without `--image` it denoises a bundled photograph to which it adds noise itself. With
`--method dip --preset paper-jpeg` it removes JPEG artefacts, and with `--method dip --preset
paper-flash --seed-image flash.png` it restores a dark picture by the light of another.
"""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import jax
import numpy as np

from drp_jax import Identity, InputError, read_image
from experiments import arguments
from experiments.pipeline import Job, captioned, read_reference, read_source, run_job
from experiments.report import score

PROGRAM = "denoise"
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
    seed_image: Annotated[
        pathlib.Path | None,
        *arguments.file(
            "Use this image of the same height and width as the network's input.",
            "the method's random seed",
        ),
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _denoise(argv), program=PROGRAM)


def _denoise(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(DenoiseArguments, argv, program=PROGRAM, description=__doc__ or "")
    settings = parsed.settings("denoise")
    if parsed.seed_image is not None and not settings.solver.takes_gradients:
        raise InputError(
            "--seed-image is the input of a network; accepted: with --method drp-dip, drp-dd, dip "
            "or dd"
        )
    return run_job(_job(parsed), parsed, settings)


def _job(parsed: DenoiseArguments) -> Job:
    if parsed.add_noise is not None and parsed.reference is not None:
        raise InputError("--add-noise makes its own reference; leave out --reference")
    if parsed.add_noise is not None and not 0 < parsed.add_noise <= 255:
        raise InputError(f"--add-noise is {parsed.add_noise}; accepted: above 0, up to 255")
    source = read_source(parsed)
    image = source.picture.image
    reference = read_reference(parsed, image.shape)
    sigma = parsed.add_noise or (DEMONSTRATION_SIGMA if source.is_bundled else None)
    if sigma is not None:
        reference, image = image, add_noise(image, sigma, parsed.seed)
    scored = None if reference is None else functools.partial(score, reference=reference)
    return Job(
        source=source,
        inputs=arguments.given(parsed.image, parsed.reference, parsed.seed_image),
        template=source.picture,
        observation=image,
        operator=Identity(),
        before_name="input",
        before=image,
        score=scored,
        panels=captioned("noisy", image, scored),
        reference=reference,
        seed_image=None if parsed.seed_image is None else read_image(parsed.seed_image).image,
    )


def add_noise(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Gaussian noise of standard deviation sigma / 255, clipped to [0, 1]."""
    key = jax.random.fold_in(jax.random.key(seed), 1)  # not the key of the run
    noise = np.asarray(jax.random.normal(key, clean.shape))
    return np.clip(clean + sigma / 255 * noise, 0, 1).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
