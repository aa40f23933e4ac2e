"""Enlarge a photograph: `drp-jax super-resolve --image small.png --factor 4`.

With `--from-high-resolution` the image is made smaller first, and the result is scored
against it beside bicubic interpolation. Without `--image` a bundled photograph is used so.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from PIL import Image

from drp_jax import InputError, Method, Problem
from drp_jax.commands import options
from drp_jax.commands.arguments import RestoreArguments, presets_of
from drp_jax.commands.pictures import restore_pictures
from drp_jax.commands.report import Scores, score
from drp_jax.commands.restoring import (
    Job,
    captioned,
    given,
    read_reference,
    read_source,
)
from drp_jax.commands.sigma import check_sigma, sigma, stated_noise
from drp_jax.images import Picture
from drp_jax.metrics import luma_psnr, luma_without_border
from drp_jax.operators import MOST_FACTOR, Downsample
from drp_jax.problem import SMALLEST_SIDE

PROGRAM = "super_resolve"


@dataclasses.dataclass(frozen=True)
class SuperResolveArguments(RestoreArguments):
    factor: int = options.whole(
        f"Whole number to enlarge by, from 2 to {MOST_FACTOR}.", 4, least=2, most=MOST_FACTOR
    )
    from_high_resolution: bool = options.flag(
        "Make the image smaller by the factor first (Pillow's LANCZOS), and score against it."
    )
    sigma: float | None = sigma()


@options.command(
    "super-resolve", SuperResolveArguments, help=__doc__, epilog=presets_of("super-resolve")
)
def super_resolve(parsed: SuperResolveArguments) -> int:
    """Enlarge a photograph."""
    return restore_pictures(job, parsed, method_of(parsed))


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(super_resolve, argv, program=PROGRAM)


def method_of(parsed: SuperResolveArguments) -> Method:
    """The method that the flags ask for.

    Raises:
      InputError: if no picture can be restored with them.
    """
    method = parsed.chosen_method("super-resolve")
    _check(parsed)
    check_sigma(parsed.sigma, method)
    return method


def _check(parsed: SuperResolveArguments) -> None:
    """Raises InputError for flags that do not go together."""
    if parsed.from_high_resolution and parsed.reference is not None:
        raise InputError("--from-high-resolution makes its own reference; leave it out")


def job(parsed: SuperResolveArguments) -> Job:
    """The restoration of the picture `image` of the flags, or of the bundled one."""
    factor = parsed.factor
    source = read_source(parsed)
    picture = source.picture
    if parsed.from_high_resolution or source.is_bundled:
        height, width = (side // factor for side in picture.image.shape[:2])
        if min(height, width) < 1:
            raise InputError(f"{source.path}: smaller than --factor {factor}")
        picture = _cropped(picture, factor)
        reference: np.ndarray | None = picture.image
        observation = np.rint(resize(picture.image, height, width, Image.Resampling.LANCZOS) * 255)
        observation = observation.astype(np.float32) / 255
        template = picture
    else:
        observation = picture.image
        template = _enlarged(picture, factor)
        reference = read_reference(parsed, template)
    height, width = template.image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(f"the result has {width} x {height} pixels; accepted: from 8 x 8 up")
    bicubic = resize(observation, height, width, Image.Resampling.BICUBIC)
    scored = None if reference is None else functools.partial(_score, reference=reference)
    return Job(
        source=source,
        task="super-resolve",
        problem=Problem(
            observation,
            Downsample(factor),
            noise=stated_noise(parsed.sigma),
            reference=reference,
            metric=luma_psnr,
        ),
        template=template,
        before_name="bicubic",
        before=bicubic,
        score=scored,
        panels=captioned("bicubic", bicubic, scored),
        inputs=given(parsed.image, parsed.reference),
    )


def resize(image: np.ndarray, height: int, width: int, how: Image.Resampling) -> np.ndarray:
    """The image `[H, W, C]` resized by Pillow, channel by channel in float, in [0, 1]."""
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), how))
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.clip(np.stack(channels, axis=-1), 0, 1)


def _score(image: np.ndarray, reference: np.ndarray) -> Scores:
    """PSNR and SSIM of luma without the usual border."""
    cut = (np.asarray(luma_without_border(jnp.asarray(one))) for one in (image, reference))
    return score(*cut)


def _cropped(picture: Picture, factor: int) -> Picture:
    """The picture cut at the right and bottom to multiples of the factor."""
    height, width = (side - side % factor for side in picture.image.shape[:2])
    alpha = None if picture.alpha is None else picture.alpha[:height, :width]
    return dataclasses.replace(picture, image=picture.image[:height, :width], alpha=alpha)


def _enlarged(picture: Picture, factor: int) -> Picture:
    """A picture of the result's size: bicubic, the alpha channel too."""
    height, width = (side * factor for side in picture.image.shape[:2])
    alpha = picture.alpha
    if alpha is not None:
        most = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1
        fine = alpha[..., None].astype(np.float32) / np.float32(most)
        fine = resize(fine, height, width, Image.Resampling.BICUBIC)[..., 0] * np.float64(most)
        alpha = (fine if alpha.dtype.kind == "f" else np.rint(fine)).astype(alpha.dtype)
    image = resize(picture.image, height, width, Image.Resampling.BICUBIC)
    return dataclasses.replace(picture, image=image, alpha=alpha)
