"""Fill in missing pixels: `python -m experiments.inpaint --image x.png --mask m.png`.

What is missing is said by exactly one of `--mask`, `--missing`, `--mask-from-alpha` and
`--mask-color`. Without `--image` half the pixels of a bundled photograph are dropped and
restored. For large holes `--method dip --preset paper-hole` invents more.
"""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from drp_jax import InputError, Mask, Picture, psnr_where, read_image
from experiments import arguments
from experiments.pipeline import Job, Source, captioned, read_reference, read_source, run_job
from experiments.report import Scores, score

PROGRAM = "inpaint"
DEMONSTRATION_MISSING = 0.5


def _color(text: str) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in text.split(","))
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError
    return red, green, blue


@dataclasses.dataclass(frozen=True)
class InpaintArguments(arguments.FitArguments):
    mask: Annotated[
        pathlib.Path | None,
        *arguments.file("Gray image of the same size: white where the pixel is known.", "none"),
    ] = None
    missing: Annotated[
        float | None,
        *arguments.number(
            "Take the image as complete, drop this fraction of its pixels at random, and score "
            "against the image.",
            "none",
        ),
    ] = None
    mask_from_alpha: Annotated[bool, arguments.flag("Transparent pixels are missing.")] = False
    mask_color: Annotated[
        tuple[int, int, int] | None,
        *arguments.option(
            _color,
            "R,G,B",
            "three numbers from 0 to 255, like 255,0,255",
            "Pixels of exactly this colour are missing.",
            "none",
        ),
    ] = None
    keep_known: Annotated[
        bool, arguments.flag("Write the known pixels as they were, and only the missing restored.")
    ] = True


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _inpaint(argv), program=PROGRAM)


def _inpaint(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(InpaintArguments, argv, program=PROGRAM, description=__doc__ or "")
    settings = parsed.settings("inpaint")
    return run_job(_job(parsed), parsed, settings)


def _job(parsed: InpaintArguments) -> Job:
    source = read_source(parsed)
    known = _known_pixels(parsed, source)
    if known.all():
        raise InputError("no pixel is missing; accepted: a mask with at least one black pixel")
    if not known.any():
        raise InputError("no pixel is known; accepted: a mask with at least one white pixel")
    image = source.picture.image
    is_dropped = parsed.missing is not None or source.is_bundled
    reference = image if is_dropped else read_reference(parsed, image.shape)
    observation = np.where(known, image, 0).astype(np.float32)

    def finish(restored: np.ndarray) -> np.ndarray:
        return np.where(known, observation, restored) if parsed.keep_known else restored

    def both_scores(candidate: np.ndarray, reference: np.ndarray) -> Scores:
        missing_only = float(psnr_where(candidate, reference, ~known))
        return score(candidate, reference) | {"psnr_missing": missing_only}

    scored = None if reference is None else functools.partial(both_scores, reference=reference)
    return Job(
        source=source,
        inputs=arguments.given(parsed.image, parsed.reference, parsed.mask),
        template=_opaque(source.picture) if parsed.mask_from_alpha else source.picture,
        observation=observation,
        operator=Mask(known.astype(np.float32)),
        before_name="input",
        before=observation,
        score=scored,
        panels=captioned("known pixels", observation, scored),
        reference=reference,
        finish=finish,
    )


def _known_pixels(parsed: InpaintArguments, source: Source) -> np.ndarray:
    """Which pixels are known, bool `[H, W, 1]`."""
    picture = source.picture
    choices = {
        "--mask": parsed.mask is not None,
        "--missing": parsed.missing is not None,
        "--mask-from-alpha": parsed.mask_from_alpha,
        "--mask-color": parsed.mask_color is not None,
    }
    chosen = [name for name, given in choices.items() if given]
    if len(chosen) > 1 or (not chosen and not source.is_bundled):
        given = " and ".join(chosen) or "nothing"
        raise InputError(f"{given} says what is missing; accepted: one of {', '.join(choices)}")
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
    if not 0 < missing < 1:
        raise InputError(f"--missing is {missing}; accepted: between 0 and 1")
    if parsed.reference is not None:
        raise InputError("--missing makes its own reference; leave out --reference")
    return np.random.default_rng(parsed.seed).random((height, width, 1)) >= missing


def _opaque(picture: Picture) -> Picture:
    """The picture without its alpha channel: the holes are filled."""
    return dataclasses.replace(picture, mode=picture.mode.removesuffix("A"), alpha=None)


if __name__ == "__main__":
    sys.exit(main())
