"""Sharpen a blurred photograph: `drp-jax deblur --image x.png --kernel gaussian:1.6`.

The kernel says how one point was spread: `gaussian:SIGMA`, `motion:LENGTH,ANGLE` or `disk:RADIUS`,
in pixels, the angle in degrees counterclockwise from the right; or a file, a gray image or a .npy
array, that shows it. It is normalised to sum 1. `unknown:SIDE` finds it in the photograph, where it
is at most SIDE pixels wide and high. What was blurred in from past the edges is found too, and cut
off.

Without `--sigma` the noise is estimated. Without `--image` a bundled photograph is blurred, a
little noise added, and restored.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Gaussian, InputError, Method, Problem, metrics
from drp_jax.commands import options
from drp_jax.commands.arguments import (
    RestoreArguments,
    methods_of,
    preset_option,
    presets_of,
    projectors_option,
)
from drp_jax.commands.denoise import add_noise
from drp_jax.commands.kernels import (
    ACCEPTED,
    described,
    described_file,
    estimated,
    file_of,
    is_unknown,
    kernel_of,
)
from drp_jax.commands.pictures import restore_pictures
from drp_jax.commands.report import score
from drp_jax.commands.restoring import (
    Job,
    captioned,
    given,
    read_reference,
    read_source,
)
from drp_jax.images import Picture
from drp_jax.non_local import noise_level
from drp_jax.operators import Blur
from drp_jax.operators.pixels import without_margins
from drp_jax.sweep.images import middle

PROGRAM = "deblur"
DEMONSTRATION_KERNEL = "gaussian:1.6"
DEMONSTRATION_SIGMA = 2.0
DEMONSTRATION_SIDE = 192  # of the part of the photograph, whose whole takes minutes
TASK = "reconstruct"
DEFAULT_METHOD = "plug-and-play"
"""On blurs about as good as what goes on from the projector's image, in less time:
docs/reconstruction.md."""
LEAST_NOISE = 1e-4


@dataclasses.dataclass(frozen=True)
class DeblurArguments(RestoreArguments):
    method: str | None = options.choice(
        methods_of(TASK),
        "The method: a denoiser in turn with the blur, an untrained network, or total variation "
        "alone.",
        shown=DEFAULT_METHOD,
    )
    preset: str | None = preset_option("default, or fast where there is none")
    projectors: int | None = projectors_option()
    kernel: str | None = options.option(
        str, "KERNEL", "a kernel", f"How a point was spread: {ACCEPTED}.", shown="none"
    )
    sigma: float | None = options.number(
        "Standard deviation of the noise in the image, on the 0-255 scale; 0 if there is none "
        "but rounding.",
        shown="estimated",
        least=0,
        most=255,
    )


@options.command("deblur", DeblurArguments, help=__doc__, epilog=presets_of(TASK))
def deblur(parsed: DeblurArguments) -> int:
    """Sharpen a blurred photograph."""
    parsed = dataclasses.replace(parsed, method=parsed.method or DEFAULT_METHOD)
    return restore_pictures(job, parsed, method_of(parsed))


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(deblur, argv, program=PROGRAM)


def method_of(parsed: DeblurArguments) -> Method:
    """The method that the flags ask for.

    Raises:
      InputError: if no picture can be restored with them.
    """
    method = parsed.chosen_method(TASK)
    _check(parsed)
    return method


def _check(parsed: DeblurArguments) -> None:
    """Raises InputError if images are given without a kernel."""
    if parsed.kernel is None and parsed.images:
        raise InputError(f"no kernel is given; accepted: --kernel with {ACCEPTED}")


def job(parsed: DeblurArguments) -> Job:
    """The restoration of the picture `image` of the flags, or of the bundled one."""
    source = read_source(parsed)
    if source.is_bundled:
        picture = dataclasses.replace(
            source.picture, image=middle(source.picture.image, DEMONSTRATION_SIDE)
        )
        source = dataclasses.replace(source, picture=picture)
    image = source.picture.image
    text = parsed.kernel or DEMONSTRATION_KERNEL
    kernel = None if is_unknown(text) else kernel_of(text, *image.shape[:2])
    template, sigma, notes = source.picture, parsed.sigma, []
    kernel_file = file_of(text)
    if source.is_bundled:
        sigma = DEMONSTRATION_SIGMA if sigma is None else sigma
        made_by = kernel_of(DEMONSTRATION_KERNEL, *image.shape[:2]) if kernel is None else kernel
        blur = Blur(jnp.asarray(made_by), boundary=None)
        shown = blur.observed_part(image)
        template, reference = dataclasses.replace(template, image=shown), shown
        image = add_noise(np.asarray(blur(jnp.asarray(image))), sigma, parsed.seed)
    else:
        reference = read_reference(parsed, source.picture)
        if sigma is None:
            sigma = 255 * float(noise_level(jnp.asarray(image)))
            notes.append(f"noise estimated to have a standard deviation of {sigma:.1f} of 255")
    caption = "kernel"
    if kernel is None:
        kernel, caption = estimated(text, image), "estimated kernel"
        notes.append(described(kernel))
        if reference is not None:
            notes.append("scores count it as an error if the picture has moved, as it may have")
    elif kernel_file is not None:
        notes.append(described_file(kernel_file, kernel))
    blur = Blur(jnp.asarray(kernel), boundary=None)
    level = max(sigma / 255, _least_noise(source.picture))
    scored = None if reference is None else functools.partial(score, reference=reference)
    return Job(
        source=source,
        task=TASK,
        problem=_problem(image, blur, level, reference),
        template=template,
        before_name="input",
        before=image,
        score=scored,
        panels=captioned("blurred", image, scored) | {caption: kernel[..., None] / kernel.max()},
        shown_part=blur.observed_part,
        inputs=given(parsed.image, parsed.reference, kernel_file),
        note="\n".join(notes),
    )


def _problem(image: np.ndarray, blur: Blur, level: float, reference: np.ndarray | None) -> Problem:
    """The problem of a photograph, whose reference says nothing of what lies past its edges."""
    if reference is None:
        return Problem(image, blur, Gaussian(level))

    margins = blur.margins  # and not the blur, whose kernel would be a part of the program

    def psnr(image: jax.Array, reference: jax.Array) -> jax.Array:
        return metrics.psnr(without_margins(image, margins), without_margins(reference, margins))

    scene = np.pad(reference, margins, mode="reflect")
    return Problem(image, blur, Gaussian(level), reference=scene, metric=psnr)


def _least_noise(picture: Picture) -> float:
    """Standard deviation of what rounding in the file does to an image (intensity)."""
    return max(picture.step / 12**0.5, LEAST_NOISE)
