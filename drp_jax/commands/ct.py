"""Reconstruct an image from a sinogram: `drp-jax reconstruct ct --sinogram s.npy --views 60`.

A sinogram is real, [views, detectors], or [slices, views, detectors] for a stack: integrals along
rays, with the side of a pixel as the unit of length, so that the image comes in its unit per
pixel. At angle 0 the rays run along the columns and the detectors are numbered from left to
right; the beam turns anticlockwise about the middle of the image. Lengths are in pixels, angles in
radians. `--scikit-image` takes what `skimage.transform.radon` gives.

Without `--sinogram` a measurement of a phantom is simulated: 60 views, and noise.
"""

import dataclasses
import math
import pathlib

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.arguments import presets_of
from drp_jax.commands.arrays import ArrayFile, array_file, read_array
from drp_jax.commands.reconstructing import (
    PHANTOM_SIDE,
    TASK,
    Measurement,
    ReconstructArguments,
    phantom,
    refuse_without,
    run_measurement,
)
from drp_jax.commands.restoring import given
from drp_jax.errors import renamed
from drp_jax.operators import FanBeam, Radon

SIMULATED_VIEWS = 60
SIMULATED_NOISE = 0.01  # of the greatest value
_NAMES = {
    "source_distance": "--fan: SOURCE",
    "spacing": "--spacing",
    "offset": "--offset",
    "shape": "shape of the image",
}
"""What the arguments of a beam are called on the command line."""
Beam = Radon | FanBeam


def _distances(text: str) -> tuple[float, float]:
    source, detector = (float(part) for part in text.split(","))
    if not (0 < source < math.inf and 0 <= detector < math.inf):
        raise ValueError
    return source, detector


def _sides(text: str) -> tuple[int, int]:
    height, width = (int(part) for part in text.split(","))
    if min(height, width) < 1:
        raise ValueError
    return height, width


@dataclasses.dataclass(frozen=True)
class SinogramFiles:
    """What was measured."""

    sinogram: pathlib.Path | None = options.file(
        "Line integrals as .npy [views, detectors], or [slices, views, detectors].",
        shown="a simulated measurement",
    )
    angles: pathlib.Path | None = options.file(
        "The angle of each view in radians, as .npy [views].", shown="those of --views"
    )
    views: int | None = options.whole(
        "Number of views, evenly over half a turn, from angle 0; with --fan over a whole turn.",
        shown="none",
        least=1,
    )
    fan: tuple[float, float] | None = options.option(
        _distances,
        "SOURCE,DETECTOR",
        "two finite numbers, SOURCE above 0 and DETECTOR from 0 up, like 500,300",
        "Rays from a point to a flat detector: how far it and the detector are from the centre of "
        "rotation, in pixels. At angle 0 the source is above the image.",
        shown="none, parallel rays",
    )
    spacing: float = options.number("Between two detectors, in pixels, above 0.", 1.0)
    offset: float = options.number(
        "Of the middle of the detectors from the projected centre of rotation, in pixels.", 0.0
    )
    size: tuple[int, int] | None = options.option(
        _sides,
        "H,W",
        "two whole numbers from 1 up, like 256,256",
        "Height and width of the image in pixels.",
        shown="a square as wide as the detectors see",
    )
    scikit_image: bool = options.flag(
        "Sinogram and angles are those of skimage.transform.radon: [detectors, views], degrees, "
        "and pixel and detector N // 2 at the centre of rotation."
    )


@dataclasses.dataclass(frozen=True)
class CtArguments(ReconstructArguments, SinogramFiles):
    """The flags of the command."""


@options.command("ct", CtArguments, help=__doc__, epilog=presets_of(TASK))
def ct(parsed: CtArguments) -> int:
    """Reconstruct an image from a sinogram."""
    method = parsed.chosen_method(TASK)
    return run_measurement(_measurement(parsed), parsed, method)


def _measurement(parsed: CtArguments) -> Measurement:
    if not 0 < parsed.spacing < np.inf:
        raise InputError(f"--spacing is {parsed.spacing}; accepted: pixels, above 0")
    if parsed.sinogram is None:
        refuse_without("--sinogram", parsed, ("angles", "size", "scikit_image"))
        beam = _beam(parsed, _angles(parsed), (PHANTOM_SIDE, PHANTOM_SIDE), None)
        return simulated(beam, seed=parsed.seed)
    file = ArrayFile("--sinogram", parsed.sinogram)
    sinogram = read_array(file)
    if sinogram.ndim not in (2, 3) or sinogram.dtype.kind == "c" or not sinogram.size:
        raise InputError(
            f"{file}: has type {sinogram.dtype} and shape {sinogram.shape}; accepted: real, "
            "[views, detectors] or [slices, views, detectors]"
        )
    if parsed.fan is not None and parsed.scikit_image:
        raise InputError("--fan and --scikit-image are given; accepted: one of them")
    if parsed.angles is None and parsed.views is None:
        raise InputError("the angles are not known; accepted: --angles a.npy, or --views N")
    angles = _angles(parsed)
    shape, layout = sinogram.shape, f"{len(angles)}, detectors"
    if parsed.scikit_image:
        sinogram, layout = np.swapaxes(sinogram, -1, -2), f"detectors, {len(angles)}"
    views, detectors = sinogram.shape[-2:]
    if views != len(angles):
        hint = "; transposed?" if detectors == len(angles) else ""
        raise InputError(
            f"{file}: has shape {shape}, and there are {len(angles)} angles; accepted: "
            f"[..., {layout}]{hint}"
        )
    beam = _beam(parsed, angles, parsed.size or _square(parsed, detectors), detectors)
    slices = sinogram.reshape(-1, views, detectors).astype(np.float32)
    is_stack = sinogram.ndim == 3
    count = f"{len(slices)} slices, " if is_stack else ""
    height, width = beam.shape
    print(
        f"{file.path}: {count}{views} views, {detectors} detectors; an image of {height} x {width}"
    )
    return Measurement(
        path=file.path,
        slices=list(slices),
        is_stack=is_stack,
        operator=lambda index: beam,
        image_shape=(height, width, 1),
        complex_image=False,
        simple_name="filtered back-projection",
        inputs=given(file.path, parsed.angles),
        names={
            "observation": f"{file}:",
            "image": f"{file if parsed.size is None else '--size'}: image",
        },
    )


def _angles(parsed: CtArguments) -> np.ndarray:
    """The angles `[views]` in radians, from the file or spread evenly."""
    if parsed.angles is not None and parsed.views is not None:
        raise InputError("--angles and --views are given; accepted: one of them")
    if parsed.angles is None:
        turn = np.pi if parsed.fan is None else 2 * np.pi
        views = parsed.views or SIMULATED_VIEWS
        return np.arange(views) * (turn / views)
    file = ArrayFile("--angles", parsed.angles)
    angles = read_array(file)
    if angles.ndim != 1 or angles.dtype.kind == "c" or not angles.size:
        raise InputError(
            f"{file}: has type {angles.dtype} and shape {angles.shape}; accepted: real, [views]"
        )
    return np.deg2rad(angles) if parsed.scikit_image else angles


def _square(parsed: CtArguments, detectors: int) -> tuple[int, int]:
    """What the detectors see at the centre of rotation."""
    nearer = 1.0 if parsed.fan is None else parsed.fan[0] / sum(parsed.fan)
    side = round(detectors * parsed.spacing * nearer)
    return side, side


def _beam(
    parsed: CtArguments, angles: np.ndarray, shape: tuple[int, int], detectors: int | None
) -> Beam:
    radians = jnp.asarray(angles, jnp.float32)
    offset, centre = parsed.offset, None
    if detectors is not None and parsed.scikit_image:
        offset -= 0.5 if detectors % 2 == 0 else 0.0
        centre = shape[0] // 2, shape[1] // 2
    with renamed(_NAMES | {"angles": f"{array_file('--angles', parsed.angles)}:"}):
        if parsed.fan is None:
            return Radon(
                radians,
                shape,
                detectors=detectors,
                spacing=parsed.spacing,
                offset=offset,
                centre=centre,
            )
        source, detector = parsed.fan
        return FanBeam(
            radians,
            shape,
            source_distance=source,
            detector_distance=detector,
            detectors=detectors,
            spacing=parsed.spacing,
            offset=parsed.offset,
        )


def simulated(beam: Beam, *, noise: float = SIMULATED_NOISE, seed: int = 0) -> Measurement:
    """The phantom as a beam sees it.

    Args:
      beam: for an image of the phantom's size.
      noise: standard deviation of the noise, as a share of the greatest value.
      seed: of the noise.
    """
    image = phantom()
    exact = np.asarray(beam(jnp.asarray(image)))
    level = noise * float(exact.max())
    drawn = np.random.default_rng(seed).normal(size=exact.shape)
    return Measurement(
        path=pathlib.Path("phantom_ct"),
        slices=[(exact + level * drawn).astype(np.float32)],
        is_stack=False,
        operator=lambda index: beam,
        image_shape=image.shape,
        complex_image=False,
        simple_name="filtered back-projection",
        reference=image[None],
        noise=level,
    )
