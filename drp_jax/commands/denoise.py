"""Denoise a photograph: `drp-jax denoise --image noisy.png`.

Without `--image` it denoises a bundled photograph to which it adds noise itself. With
`--method dip --preset paper-jpeg` it removes JPEG artefacts, and with `--method dip --preset
paper-flash --seed-image flash.png` it restores a dark picture by the light of another.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import jax
import numpy as np

from drp_jax import Gaussian, InputError, Method, Problem
from drp_jax.commands import options
from drp_jax.commands.arguments import RestoreArguments, presets_of
from drp_jax.commands.pictures import restore_pictures
from drp_jax.commands.report import score
from drp_jax.commands.restoring import (
    Job,
    captioned,
    given,
    read_reference,
    read_source,
)
from drp_jax.non_local import Denoise

PROGRAM = "denoise"
DEMONSTRATION_SIGMA = 25.0


@dataclasses.dataclass(frozen=True)
class DenoiseArguments(RestoreArguments):
    add_noise: float | None = options.number(
        "Take the image as clean, add Gaussian noise of this standard deviation on the 0-255 "
        "scale, and score against the image.",
        shown="none",
    )
    sigma: float | None = options.number(
        "Standard deviation of the noise on the 0-255 scale, above 0, if it is white and known; of "
        "the filter.",
        shown="told from the image",
    )
    strength: float | None = options.number(
        "What the noise that was told counts as: 0.7 times it keeps more grain, 1.5 smooths more; "
        "of the filter.",
        shown="1",
    )
    seed_image: pathlib.Path | None = options.file(
        "Use this image of the same height and width as the network's input.",
        shown="the method's random seed",
    )


@options.command("denoise", DenoiseArguments, help=__doc__, epilog=presets_of("denoise"))
def denoise(parsed: DenoiseArguments) -> int:
    """Denoise a photograph."""
    return restore_pictures(job, parsed, method_of(parsed))


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(denoise, argv, program=PROGRAM)


def method_of(parsed: DenoiseArguments) -> Method:
    """The method that the flags ask for.

    Raises:
      InputError: if no picture can be restored with them.
    """
    method = parsed.chosen_method("denoise")
    _check(parsed, method)
    return method


def _check(parsed: DenoiseArguments, method: Method) -> None:
    """Raises InputError for flags that no image can be restored with."""
    if parsed.add_noise is not None and parsed.reference is not None:
        raise InputError("--add-noise makes its own reference; leave out --reference")
    if parsed.add_noise is not None and not 0 < parsed.add_noise <= 255:
        raise InputError(f"--add-noise is {parsed.add_noise}; accepted: above 0, up to 255")
    if parsed.sigma is not None and not 0 < parsed.sigma <= 255:
        raise InputError(f"--sigma is {parsed.sigma:g}; accepted: above 0, up to 255")
    if parsed.sigma is not None and not isinstance(method, Denoise):
        raise InputError(
            f"--sigma is {parsed.sigma:g}, and method {method.name} takes none; accepted: "
            "method non-local"
        )


def job(parsed: DenoiseArguments) -> Job:
    """The restoration of the picture `image` of the flags, or of the bundled one."""
    source = read_source(parsed)
    image = source.picture.image
    reference = read_reference(parsed, source.picture)
    sigma = parsed.add_noise or (DEMONSTRATION_SIGMA if source.is_bundled else None)
    if sigma is not None:
        reference, image = image, add_noise(image, sigma, parsed.seed)
    noise = None if parsed.sigma is None else Gaussian(parsed.sigma / 255)
    scored = None if reference is None else functools.partial(score, reference=reference)
    return Job(
        source=source,
        task="denoise",
        problem=Problem(image, noise=noise, reference=reference),
        template=source.picture,
        before_name="input",
        before=image,
        score=scored,
        panels=captioned("noisy", image, scored),
        inputs=given(parsed.image, parsed.reference, parsed.seed_image),
    )


def add_noise(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Gaussian noise of standard deviation sigma / 255, clipped to [0, 1]."""
    key = jax.random.fold_in(jax.random.key(seed), 1)  # not the key of the run
    noise = np.asarray(jax.random.normal(key, clean.shape))
    return np.clip(clean + sigma / 255 * noise, 0, 1).astype(np.float32)
