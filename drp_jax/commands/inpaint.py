"""Fill in missing pixels: `drp-jax inpaint --image x.png --mask m.png`.

What is missing is said by exactly one of `--mask`, `--missing`, `--mask-from-alpha` and
`--mask-color`. Without `--image` half the pixels of a bundled photograph are dropped and
restored. For large holes `--method dip --preset paper-hole` invents more.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError, Method, Problem, Restoration, read_image
from drp_jax.commands import options
from drp_jax.commands.arguments import RestoreArguments, presets_of
from drp_jax.commands.pictures import restore_pictures
from drp_jax.commands.report import Scores, psnr_of_pixels, score
from drp_jax.commands.restoring import (
    Job,
    Source,
    captioned,
    given,
    read_reference,
    read_source,
)
from drp_jax.commands.sigma import check_sigma, sigma, stated_noise
from drp_jax.images import Picture
from drp_jax.non_local import PlugAndPlay
from drp_jax.operators import Mask
from drp_jax.tiles import Tiled

PROGRAM = "inpaint"
DEMONSTRATION_MISSING = 0.5


def _color(text: str) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in text.split(","))
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError
    return red, green, blue


@dataclasses.dataclass(frozen=True)
class InpaintArguments(RestoreArguments):
    mask: pathlib.Path | None = options.file(
        "Gray image of the same size: white where the pixel is known; or a folder of them with the "
        "names of the images.",
        shown="none",
    )
    missing: float | None = options.number(
        "Take the image as complete, drop this fraction of its pixels at random, and score "
        "against the image.",
        shown="none",
    )
    mask_from_alpha: bool = options.flag("Transparent pixels are missing.")
    mask_color: tuple[int, int, int] | None = options.option(
        _color,
        "R,G,B",
        "three numbers from 0 to 255, like 255,0,255",
        "Pixels of exactly this colour are missing.",
        shown="none",
    )
    keep_known: bool = options.flag(
        "Write the known pixels as they were, and only the missing restored; but for known pixels "
        "in which the filter finds noise.",
        True,
    )
    sigma: float | None = sigma()
    companions = ("reference", "mask")


@options.command("inpaint", InpaintArguments, help=__doc__, epilog=presets_of("inpaint"))
def inpaint(parsed: InpaintArguments) -> int:
    """Fill in missing pixels."""
    return restore_pictures(job, parsed, method_of(parsed))


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(inpaint, argv, program=PROGRAM)


def method_of(parsed: InpaintArguments) -> Method:
    """The method that the flags ask for.

    Raises:
      InputError: if no picture can be restored with them.
    """
    method = parsed.chosen_method("inpaint")
    _check(parsed)
    check_sigma(parsed.sigma, method)
    return method


def _check(parsed: InpaintArguments) -> None:
    """Raises InputError unless it is said in one way what is missing."""
    choices = {
        "--mask": parsed.mask is not None,
        "--missing": parsed.missing is not None,
        "--mask-from-alpha": parsed.mask_from_alpha,
        "--mask-color": parsed.mask_color is not None,
    }
    chosen = [name for name, is_given in choices.items() if is_given]
    if len(chosen) > 1 or (not chosen and parsed.images):
        words = " and ".join(chosen) or "nothing"
        raise InputError(f"{words} says what is missing; accepted: one of {', '.join(choices)}")
    if parsed.missing is not None and not 0 < parsed.missing < 1:
        raise InputError(f"--missing is {parsed.missing}; accepted: between 0 and 1")
    if parsed.missing is not None and parsed.reference is not None:
        raise InputError("--missing makes its own reference; leave out --reference")


def job(parsed: InpaintArguments) -> Job:
    """The restoration of the picture `image` of the flags, or of the bundled one."""
    source = read_source(parsed)
    known = _known_pixels(parsed, source)
    if known.all():
        raise InputError("no pixel is missing; accepted: a mask with at least one black pixel")
    if not known.any():
        raise InputError("no pixel is known; accepted: a mask with at least one white pixel")
    image = source.picture.image
    is_dropped = parsed.missing is not None or source.is_bundled
    reference = image if is_dropped else read_reference(parsed, source.picture)
    observation = np.where(known, image, 0).astype(np.float32)
    mask, noise = Mask(jnp.asarray(known, jnp.float32)), stated_noise(parsed.sigma)
    problem = Problem(observation, mask, noise=noise, reference=reference)

    def finish(done: Restoration | Tiled) -> np.ndarray:
        restored = np.asarray(done.image)
        # Such a filter remarks on the noise that it found, if there is some.
        is_noisy = isinstance(done.method, PlugAndPlay) and bool(done.remark)
        keeps = parsed.keep_known and not is_noisy
        return np.where(known, observation, restored) if keeps else restored

    def both_scores(candidate: np.ndarray, reference: np.ndarray) -> Scores:
        missing_only = psnr_of_pixels(candidate, reference, ~known[..., 0])
        return score(candidate, reference) | {"psnr_missing": missing_only}

    scored = None if reference is None else functools.partial(both_scores, reference=reference)
    return Job(
        source=source,
        task="inpaint",
        problem=problem,
        template=_opaque(source.picture) if parsed.mask_from_alpha else source.picture,
        before_name="input",
        before=observation,
        score=scored,
        panels=captioned("known pixels", observation, scored),
        finish=finish,
        inputs=given(parsed.image, parsed.reference, parsed.mask),
    )


def _known_pixels(parsed: InpaintArguments, source: Source) -> np.ndarray:
    """Which pixels are known, bool `[H, W, 1]`."""
    picture = source.picture
    height, width = picture.image.shape[:2]
    if parsed.mask is not None:
        mask = read_image(parsed.mask).image
        if mask.shape[:2] != (height, width):
            raise InputError(
                f"{parsed.mask}: {mask.shape[1]} x {mask.shape[0]} pixels; accepted: "
                f"{width} x {height}, the size of the image"
            )
        return mask.mean(axis=-1, keepdims=True) >= 0.5
    if parsed.mask_from_alpha:
        if picture.alpha is None:
            raise InputError(f"{source.path}: has no alpha channel, which --mask-from-alpha needs")
        return picture.alpha[..., None] > 0
    if parsed.mask_color is not None:
        pixels = np.broadcast_to(np.rint(picture.image * 255), (height, width, 3))
        return (pixels != np.array(parsed.mask_color)).any(axis=-1, keepdims=True)
    missing = DEMONSTRATION_MISSING if parsed.missing is None else parsed.missing
    return np.random.default_rng(parsed.seed).random((height, width, 1)) >= missing


def _opaque(picture: Picture) -> Picture:
    """The picture without its alpha channel: the holes are filled."""
    return dataclasses.replace(picture, alpha=None)
