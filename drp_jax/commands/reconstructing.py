"""What the commands under `reconstruct` have in common, from the measurement to the files."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from drp_jax import Gaussian, InputError, Method, NoiseFree, Problem
from drp_jax.commands import options, values, volumes
from drp_jax.commands.arguments import (
    MethodArguments,
    methods_of,
    preset_option,
    projectors_option,
)
from drp_jax.commands.arrays import array_file, read_optional
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.fit import deferred_interrupts
from drp_jax.commands.inputs import RESTORED
from drp_jax.commands.report import psnr_in_range
from drp_jax.commands.restoring import bundled_photograph, check_outputs, figure_path, given
from drp_jax.commands.results import Files, write_result
from drp_jax.commands.slices import run_one, run_stack
from drp_jax.commands.super_resolve import resize
from drp_jax.errors import renamed
from drp_jax.operators import Operator

TASK = "reconstruct"
PHANTOM = "phantom.png"
PHANTOM_SIDE = 128


@dataclasses.dataclass(frozen=True)
class ResultFiles:
    """Where an image goes that was measured, and what it is compared with."""

    output: pathlib.Path | None = options.file(
        f"Where to write the image; the suffix names the format: {volumes.ACCEPTED}.",
        shown="<name>_restored.npy beside the input, and a .png to look at",
    )
    bits: str = options.choice(
        ("32", "16"),
        "Of the numbers in a .tif: 32 are floats in the unit of the image, 16 are whole numbers "
        "into which its range is scaled.",
        "32",
    )
    reference: pathlib.Path | None = options.file(
        "The true image, if known, as .npy [H, W], of a stack [slices, H, W]: reports PSNR, with "
        "its range as the peak, and SSIM.",
        shown="none",
    )


@dataclasses.dataclass(frozen=True)
class ReconstructArguments(MethodArguments, ResultFiles):
    """The flags of all commands under `reconstruct`; each adds its own."""

    method: str | None = options.choice(
        methods_of(TASK),
        "The method: an untrained network, a denoiser in turn with the measurement, both one after "
        "the other, or total variation alone.",
        shown="drp-pnp",
    )
    preset: str | None = preset_option("default, or fast where there is none")
    projectors: int | None = projectors_option()
    noise: float | None = options.number(
        "Standard deviation of the noise in the measurement, in its unit; 0 if there is none. Of "
        "complex numbers the root mean square of its magnitude.",
        shown="not known",
        least=0,
    )
    range: tuple[float, float] | None = options.option(
        values.pair,
        "LOW,HIGH",
        "two numbers, the lower first, like 0,1",
        "Least and greatest value of the image.",
        shown="not known",
    )


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What was measured, slice by slice.

    Attributes:
      path: the file, after which the outputs are named; of a simulation, its name in the current
        folder.
      slices: what was measured of each.
      is_stack: whether they came as a stack, which a result of one slice is then too.
      operator: gives the operator of slice i, or raises InputError if it is unusable.
      image_shape: (H, W, C).
      complex_image: whether the image is complex.
      simple_name: what the direct reconstruction of its operator is called.
      reference: the true images `[slices, H, W, C]` of a simulation, or None.
      noise: the noise of a simulation, in the unit of the measurement; None if it was measured.
      inputs: the files read, which no output may replace.
      names: what errors call what comes from a flag, as in `renamed`.
    """

    path: pathlib.Path
    slices: Sequence[np.ndarray]
    is_stack: bool
    operator: Callable[[int], Operator]
    image_shape: tuple[int, int, int]
    complex_image: bool
    simple_name: str
    reference: np.ndarray | None = None
    noise: float | None = None
    inputs: tuple[pathlib.Path, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        return self.reference is not None


def run_measurement(measurement: Measurement, parsed: ReconstructArguments, method: Method) -> int:
    """Checks every path, reconstructs, writes, reports; gives the exit status.

    One bad slice of a stack does not end the others: it is NaN in what is written, and the status
    is 1. The first Ctrl-C ends the run and keeps what is done.

    Raises:
      InputError: if no slice can be used, or an output cannot be written.
    """
    problems = problems_of(measurement, parsed)
    files = _files(measurement, parsed)
    if parsed.compilation_cache:
        use_compilation_cache()
    with deferred_interrupts() as interrupts:
        if measurement.is_stack:
            result = run_stack(problems, seed=parsed.seed, method=method, interrupts=interrupts)
        else:
            (problem,) = problems
            assert isinstance(problem, Problem)  # otherwise none was usable
            result = run_one(problem, seed=parsed.seed, method=method, interrupts=interrupts)
        write_result(
            result,
            files,
            simple_name=measurement.simple_name,
            bits=parsed.bits,
            method=method,
            preset=parsed.preset_name(TASK),
        )
        if interrupts:
            return 128 + interrupts[0]
    return int(any(one.has_failed for one in result.slices))


def phantom() -> np.ndarray:
    """The head of Shepp and Logan that scikit-image carries, `[128, 128, 1]`, values in [0, 1]."""
    picture = bundled_photograph(PHANTOM).image.mean(axis=-1, keepdims=True)
    return resize(picture, PHANTOM_SIDE, PHANTOM_SIDE, Image.Resampling.BOX)


def refuse_without(needed: str, parsed: ReconstructArguments, flags: Iterable[str]) -> None:
    """Raises InputError if a flag is given that goes with a file, which is not."""
    for flag in flags:
        if getattr(parsed, flag) not in (None, False):
            name = flag.replace("_", "-")
            raise InputError(f"--{name} needs {needed}; what is simulated has its own")


def _files(measurement: Measurement, parsed: ReconstructArguments) -> Files:
    """Where to write.

    Raises:
      InputError: if something cannot be written there, or would replace a file in use.
    """
    path = measurement.path
    images = (
        (parsed.output,)
        if parsed.output is not None
        else tuple(path.with_name(f"{path.stem}{RESTORED}{suffix}") for suffix in (".npy", ".png"))
    )
    count = len(measurement.slices) if measurement.is_stack else None
    for one in images:
        volumes.check_format(one, parsed.bits, measurement.image_shape[2])
    every = [file for one in images for file in volumes.paths_of(one, count)]
    inputs = given(*measurement.inputs, parsed.reference)
    figure = figure_path(parsed.figure, path, is_demonstration=measurement.is_simulated)
    check_outputs(inputs, [*every, *given(figure, parsed.metrics)], figure=figure)
    return Files(images, figure, parsed.metrics)


def problems_of(
    measurement: Measurement, parsed: ReconstructArguments
) -> list[Problem | InputError]:
    """The problem of each slice, or why it is unusable.

    Raises:
      InputError: if none is usable, or a reference does not fit.
    """
    reference = _reference(measurement, parsed)
    level = measurement.noise if parsed.noise is None else parsed.noise
    noise = None if level is None else Gaussian(level) if level > 0 else NoiseFree()

    names = {"reference": f"{array_file('--reference', parsed.reference)}:", **measurement.names}

    def made(index: int) -> Problem | InputError:
        try:
            with renamed(names):
                return Problem(
                    measurement.slices[index],
                    measurement.operator(index),
                    noise=noise,
                    image_shape=measurement.image_shape,
                    value_range=parsed.range,
                    complex_image=measurement.complex_image,
                    reference=None if reference is None else reference[index],
                    metric=psnr_in_range,
                )
        except InputError as error:
            return error

    problems = [made(index) for index in range(len(measurement.slices))]
    errors = [one for one in problems if isinstance(one, InputError)]
    if len(errors) == len(problems):
        raise errors[0]
    return problems


def _reference(measurement: Measurement, parsed: ReconstructArguments) -> np.ndarray | None:
    """The true images `[slices, H, W, C]`, from the simulation or a file."""
    if measurement.is_simulated and parsed.reference is not None:
        raise InputError("--reference needs a measurement; what is simulated has its own")
    file = array_file("--reference", parsed.reference)
    reference = read_optional(file)
    if reference is None:
        return measurement.reference
    count, (height, width, channels) = len(measurement.slices), measurement.image_shape
    one = (height, width) if channels == 1 else (height, width, channels)
    wanted = (count, *one) if measurement.is_stack else one
    if reference.shape != wanted:
        raise InputError(f"{file}: has shape {reference.shape}; accepted: {wanted}, the image's")
    if reference.dtype.kind == "c" and not measurement.complex_image:
        raise InputError(f"{file}: is complex, and the image real; accepted: real")
    return reference.reshape(count, height, width, channels)
