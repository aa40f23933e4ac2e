"""What a sweep does to clean images: a text of a plan, or a function of one's own.

gaussian:25      white noise of 25 of 255, clipped and rounded as an 8-bit file is
poisson:50       photons, 50 where the image is white; the same
speckle:0.25     noise of a quarter of the intensity; the same
impulse:0.1      a tenth of all values black or white
missing:0.5      half of the pixels missing
jpeg:20          what a JPEG file of that quality holds
x4               four times smaller, by Pillow's Lanczos filter, rounded as an 8-bit file is
mri:4, ct:24 ... what `measurements` has; with `noise`, white noise on it
my_lab:measure   a function of one's own; the same
given            the degraded picture that came with the clean one
"""

import dataclasses
import functools
import io
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from PIL import Image

from drp_jax.errors import InputError, meant, require
from drp_jax.metrics import luma_psnr
from drp_jax.operators import Downsample, Mask
from drp_jax.problem import Problem
from drp_jax.sweep import measurements
from drp_jax.sweep.importing import imported, is_importable, version_named, version_of
from drp_jax.sweep.measurements import Shape, measurement, observed

ACCEPTED = (
    "gaussian:SIGMA (of 255), poisson:PHOTONS, speckle:SHARE, impulse:SHARE, missing:SHARE, "
    f"jpeg:QUALITY, xFACTOR, given, {measurements.ACCEPTED}, or module:function"
)
MOST_FACTOR = 64

Draw = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Degradation:
    """What is done to a clean image, and what is known of it then.

    Attributes:
      name: what the table calls it.
      task: which presets are for it: "denoise", "inpaint", "super-resolve" or "reconstruct".
      problem: makes the problem, with the clean image as reference, from that image and draws.
      version: what else decides the result, such as the source of a function.
      check: raises InputError unless an image of a shape (H, W, C) can be degraded so; None if
        all can.
      takes_degraded: whether `problem` gets, instead of draws, the degraded picture that came with
        the clean one.
    """

    name: str
    task: str
    problem: Callable[[np.ndarray, Any], Problem]
    version: str = ""
    check: Callable[[Shape], None] | None = None
    takes_degraded: bool = False


def degradation(text: str) -> Degradation:
    """The degradation that a text names.

    Raises:
      InputError: if it names none, or its number is out of its range.
    """
    kind, colon, argument = text.partition(":")
    if kind in _NOISES and colon:
        least, most = _RANGES[kind]
        return _noisy(text, kind, _number(text, argument, least, most))
    if kind == "missing" and colon:
        return _with_gaps(text, _number(text, argument, 0, 1))
    if kind == "jpeg" and colon:
        return _compressed(text, argument)
    if text == "given":
        return _GIVEN
    if text[:1] == "x" and text[1:].isdigit():
        factor = int(text[1:])
        if not 2 <= factor <= MOST_FACTOR:
            raise InputError(f"degradation {text!r}; accepted: x2 to x{MOST_FACTOR}")
        return _smaller(text, factor)
    if measurement(text) is not None:
        return measured_by(text)
    if is_importable(text):
        return measured_by(text)
    known = (*_NOISES, "missing", "jpeg", "given", *measurements.KINDS)
    raise InputError(f"degradation {text!r}{meant(kind, known)}; accepted: {ACCEPTED}")


def noisy(clean: np.ndarray, kind: str, number: float, draw: Draw) -> np.ndarray:
    """A noisy image as an 8-bit file would hold it, clipped and rounded.

    Args:
      clean: `[H, W, C]`, values in [0, 1].
      kind: "gaussian", "poisson", "speckle" or "impulse".
      number: how strong, as in a plan.
      draw: what the noise is drawn from.
    """
    values = _NOISES[kind](clean, number, draw)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.float32) / 255


def measured_by(text: str, noise: float = 0.0, *, noise_known: bool = True) -> Degradation:
    """What a measurement, or a function of an image, gives, with white noise on it.

    Args:
      text: what `measurement` takes, or `module:function`, the name to import the function by.
      noise: deviation of the noise, of a complex number's both parts together; for tomography that
        of a ray through half of the image.
      noise_known: whether its level is told to methods that ask.

    Raises:
      InputError: if the text names neither.
    """
    known = measurement(text)
    if known is not None:
        problem, check, version = functools.partial(known.measured, noise=noise), known.check, ""
    elif is_importable(text):
        operator = imported(text)
        problem = functools.partial(observed, operator=operator, noise=noise)
        check, version = None, version_of(operator)
    else:
        raise InputError(
            f"measurement {text!r}{meant(text.partition(':')[0], measurements.KINDS)}; accepted: "
            f"{measurements.ACCEPTED}, or module:function"
        )
    kind = "noise" if noise_known else "unknown noise"
    return Degradation(
        f"{text}, {kind} {noise:g}" if noise else text,
        "reconstruct",
        problem if noise_known else functools.partial(_with_level_unsaid, problem),
        version,
        check,
    )


def _with_level_unsaid(measured: Callable[[np.ndarray, Draw], Problem], *given: Any) -> Problem:
    """The problem that a measurement gives, without what it states of the noise."""
    return dataclasses.replace(measured(*given), noise=None)


def made_by(text: str, task: str, name: str | None = None) -> Degradation:
    """What a function of one's own makes of a clean image, a problem of its own too.

    Args:
      text: `module:function`, the name to import the function by. It is called with the image
        `[H, W, C]` and draws, `numpy.random.Generator`, and gives a noisy picture, or a `Problem`,
        whose reference is the clean image if it has none.
      task: which presets are for it: "denoise", "inpaint", "super-resolve" or "reconstruct".
      name: what the table calls it; the text if left out.

    Raises:
      InputError: if it cannot be imported.
    """
    function = imported(text)

    def problem(clean: np.ndarray, draw: Draw) -> Problem:
        made = function(clean, draw)
        if not isinstance(made, Problem):
            return Problem(np.asarray(made, np.float32), reference=clean)
        return made if made.reference is not None else dataclasses.replace(made, reference=clean)

    return Degradation(name or text, task, problem, version_named(text))


def masked(clean: np.ndarray, known: np.ndarray) -> Problem:
    """An image of which only the known pixels, bool `[H, W, 1]` or `[H, W, C]`, are left."""
    observation = np.where(known, clean, 0).astype(np.float32)
    return Problem(observation, Mask(jnp.asarray(known, jnp.float32)), reference=clean)


def pixels_left(shape: Shape, missing: float, draw: Draw) -> np.ndarray:
    """Which pixels are left where a share is missing, bool `[H, W, 1]`."""
    return draw.random((*shape[:2], 1)) >= missing


def shrunk(clean: np.ndarray, factor: int) -> Problem:
    """An image made smaller as the published programs do it: cut to fit, Lanczos, 8 bits."""
    height, width = (side // factor for side in clean.shape[:2])
    clean = clean[: height * factor, : width * factor]
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.LANCZOS))
        for channel in np.moveaxis(np.rint(clean * 255).astype(np.uint8), -1, 0)
    ]
    small = np.stack(channels, axis=-1).astype(np.float32) / 255
    return Problem(small, Downsample(factor), reference=clean, metric=luma_psnr)


def _number(text: str, argument: str, least: float, most: float) -> float:
    try:
        number = float(argument)
    except ValueError:
        number = float("nan")
    if not least < number < most:
        raise InputError(f"degradation {text!r}; accepted: a number above {least} and below {most}")
    return number


def _gaussian(clean: np.ndarray, sigma: float, draw: Draw) -> np.ndarray:
    return clean + sigma / 255 * draw.normal(size=clean.shape)


def _poisson(clean: np.ndarray, photons: float, draw: Draw) -> np.ndarray:
    return draw.poisson(clean * photons) / photons


def _speckle(clean: np.ndarray, share: float, draw: Draw) -> np.ndarray:
    return clean * (1 + share * draw.normal(size=clean.shape))


def _impulse(clean: np.ndarray, share: float, draw: Draw) -> np.ndarray:
    extreme = draw.integers(0, 2, clean.shape)
    return np.where(draw.random(clean.shape) < share, extreme, clean)


_NOISES = {"gaussian": _gaussian, "poisson": _poisson, "speckle": _speckle, "impulse": _impulse}
_RANGES = {"gaussian": (0, 255), "poisson": (0, 1e6), "speckle": (0, 10), "impulse": (0, 1)}


def _noisy(text: str, kind: str, number: float) -> Degradation:
    def problem(clean: np.ndarray, draw: Draw) -> Problem:
        return Problem(noisy(clean, kind, number, draw), reference=clean)

    return Degradation(text, "denoise", problem)


def _with_gaps(text: str, share: float) -> Degradation:
    def problem(clean: np.ndarray, draw: Draw) -> Problem:
        return masked(clean, pixels_left(clean.shape, share, draw))

    return Degradation(text, "inpaint", problem)


def jpeg(clean: np.ndarray, quality: int) -> np.ndarray:
    """An image `[H, W, C]`, values in [0, 1], as a JPEG file of a quality, 1 to 100, holds it."""
    pixels = np.rint(np.clip(clean, 0, 1) * 255).astype(np.uint8)
    picture, file = Image.fromarray(pixels.squeeze()), io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32).reshape(clean.shape) / 255


def _compressed(text: str, argument: str) -> Degradation:
    if not (argument.isdigit() and 1 <= int(argument) <= 100):
        raise InputError(f"degradation {text!r}; accepted: jpeg:1 to jpeg:100")

    def problem(clean: np.ndarray, draw: Draw) -> Problem:
        return Problem(jpeg(clean, int(argument)), reference=clean)

    return Degradation(text, "denoise", problem, check=_check_colors)


def _check_colors(shape: Shape) -> None:
    require(shape[-1] in (1, 3), f"shape {shape}; accepted: (H, W, 1) or (H, W, 3), as JPEG has")


def _smaller(text: str, factor: int) -> Degradation:
    def problem(clean: np.ndarray, draw: Draw) -> Problem:
        return shrunk(clean, factor)

    return Degradation(text, "super-resolve", problem, version="Lanczos, 8 bits")


_GIVEN = Degradation(
    "given",
    "denoise",
    lambda clean, degraded: Problem(degraded, reference=clean),
    takes_degraded=True,
)
