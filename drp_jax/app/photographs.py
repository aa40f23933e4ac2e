"""Photographs: what the page asks for, done by the code of the commands.

A task of the page is a command, and what is chosen there are its flags. The commands refuse what
does not fit, and write the file.
"""

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Generator, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from drp_jax import InputError
from drp_jax.app.pictures import painted_over, shown, uncertainty_shown
from drp_jax.app.runs import COMPILING, Report, followed, number, sentence, whole
from drp_jax.commands import deblur, denoise, inpaint, super_resolve
from drp_jax.commands.arguments import RestoreArguments, methods_of
from drp_jax.commands.fit import Limits
from drp_jax.commands.report import known_uncertainty
from drp_jax.commands.restoring import (
    Outputs,
    Source,
    read_source,
    require_image,
    result_path,
    run_in_lines,
    scores_in_lines,
    write_pictures,
)
from drp_jax.presets import completed, names

KERNELS = {"Gaussian": "gaussian", "Motion": "motion", "Disk": "disk", "Unknown": "unknown"}
FROM_FILE = "From a file"


def presets_of(method: str, task: str) -> tuple[str, ...]:
    """The names of a method's presets, the one first that is taken if none is chosen."""
    first = completed(None, method, task)[0]
    return (first, *(one for one in names()[method][task] if one != first))


@dataclasses.dataclass(frozen=True)
class Task:
    """What can be done to a photograph.

    Attributes:
      name: whose presets it takes.
      command: the module of the command: `method_of` and `job`.
      arguments: the flags of the command.
      method: what is taken if no method is chosen.
      about: what it does, in a sentence.
    """

    name: str
    command: ModuleType
    arguments: type[RestoreArguments]
    method: str
    about: str

    @property
    def methods(self) -> tuple[str, ...]:
        return methods_of(self.name)

    def presets(self, method: str) -> tuple[str, ...]:
        """The names of the presets of a method, the one first that is taken if none is chosen."""
        return presets_of(method, self.name)


TASKS = {
    "Denoise": Task(
        "denoise",
        denoise,
        denoise.DenoiseArguments,
        completed(None, None, "denoise")[1],
        "Removes the noise of the camera, and the blocks of JPEG. Nothing has to be known of them.",
    ),
    "Fill gaps": Task(
        "inpaint",
        inpaint,
        inpaint.InpaintArguments,
        completed(None, None, "inpaint")[1],
        "Fills what is missing, or should not be there: paint over it, or give a mask.",
    ),
    "Enlarge": Task(
        "super-resolve",
        super_resolve,
        super_resolve.SuperResolveArguments,
        completed(None, None, "super-resolve")[1],
        "Makes a small picture larger, with sharper edges than interpolation gives.",
    ),
    "Sharpen": Task(
        deblur.TASK,
        deblur,
        deblur.DeblurArguments,
        deblur.DEFAULT_METHOD,
        "Undoes a blur: how one point of the scene was spread, told or found in the picture.",
    ),
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the page asks for.

    Attributes:
      task: one of `TASKS`.
      file: the photograph; None for the bundled one, which is degraded first.
      method, preset: by their names; None for the first.
      iterations: limit on the iterations, or a filter's steps, as text; empty for the preset's.
      sigma: standard deviation of the noise on the 0-255 scale, as text; empty if it is not known.
      strength: what the noise counts as, of denoising, as text; empty for 1.
      seed: of all random draws.
      layers: what was painted over gaps, RGBA pictures of the size that was shown.
      mask: a file with the gaps in black, which counts instead of what was painted.
      factor: to enlarge by.
      kernel: one of `KERNELS`, or `FROM_FILE`.
      size: the standard deviation, length or radius of the kernel, in pixels; the most pixels that
        an unknown one is wide and high.
      angle: of motion, in degrees.
      kernel_file: a kernel as picture or array.
    """

    task: str
    file: str | None
    method: str | None = None
    preset: str | None = None
    iterations: str | None = None
    sigma: str | None = None
    strength: str | None = None
    seed: int = 0
    layers: tuple[np.ndarray, ...] = ()
    mask: str | None = None
    factor: int = 4
    kernel: str = "Gaussian"
    size: float = 1.6
    angle: float = 0.0
    kernel_file: str | None = None


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the page is to show; of what is None it shows what it did.

    Attributes:
      text: how it stands, in lines.
      pair: the picture before and after, uint8 `[h, w, 3]`.
      uncertainty: as a picture with its scale, uint8 `[h, w, 3]`.
      file: the result, to be fetched before the next one is asked for.
      has_ended: whether this is the last.
    """

    text: str
    pair: tuple[np.ndarray, np.ndarray] | None = None
    uncertainty: np.ndarray | None = None
    file: pathlib.Path | None = None
    has_ended: bool = False


def opened(file: str, most_megapixels: float) -> Shown:
    """A photograph that was just chosen, or why it cannot be taken."""
    try:
        source = _source(RestoreArguments(image=pathlib.Path(file)), most_megapixels)
    except Exception as error:  # which the page has to say, whatever it is
        return Shown(sentence(error), has_ended=True)
    picture = shown(source.picture.image)
    lines = [f"{source.path.name}: {source.picture.described()}", source.picture.note or ""]
    return Shown(_joined(lines), (picture, picture), has_ended=True)


def restored(asked: Asked, interrupts: list[int], most_megapixels: float) -> Iterator[Shown]:
    """Restores a photograph and yields what is to be shown of it, until it has ended.

    Args:
      asked: what is to be done.
      interrupts: as in `fit`; the run ends once it has an entry, and its image is the result.
      most_megapixels: the largest picture that is taken, before and after.
    """
    try:
        yield from _restored(asked, interrupts, most_megapixels)
    except Exception as error:  # which the page has to say, whatever it is
        yield Shown(sentence(error), has_ended=True)


def _restored(
    asked: Asked, interrupts: list[int], most_megapixels: float
) -> Generator[Shown, None, None]:
    yield Shown("Reading ...")
    task = TASKS[asked.task]
    with tempfile.TemporaryDirectory(prefix="drp_jax-") as folder:
        factor = asked.factor if asked.task == "Enlarge" and asked.file is not None else 1
        common = _common(asked, task)
        source = _source(RestoreArguments(**common), most_megapixels, factor)
        own = _OWN[asked.task](asked, source, pathlib.Path(folder))
        parsed = task.arguments(**common, **own)
        method = task.command.method_of(parsed)
        job = task.command.job(parsed)
        before = shown(job.before)
        said = _joined(job.remarks)
        yield Shown(_joined([said, COMPILING]), (before, before))

        def show(report: Report) -> Shown:
            image = report.image
            pair = None if image is None else (before, shown(job.shown_part(image)))
            return Shown(_joined([said, report.text]), pair)

        fitted = yield from followed(
            job.problem,
            show,
            seed=asked.seed,
            method=method,
            interrupts=interrupts,
            limits=Limits(),
        )
        require_image(fitted.restoration)
        stem = pathlib.Path(folder, job.source.path.stem)
        outputs = Outputs(result_path(stem, job.template), None, None)
        scores = write_pictures(job, outputs, fitted, None)
        done = job.shown(fitted.restoration)
        uncertainty = known_uncertainty(done)
        lines = [said, *run_in_lines(fitted), *scores_in_lines(job.before_name, *scores)]
        yield Shown(
            _joined(lines),
            (before, shown(job.finish(done))),
            None if uncertainty is None else uncertainty_shown(uncertainty),
            outputs.restored,
            has_ended=True,
        )


def _source(parsed: RestoreArguments, most_megapixels: float, factor: int = 1) -> Source:
    """The photograph of the page, or the bundled one.

    Raises:
      InputError: if it cannot be read, or it or what it becomes by the factor is too large.
    """
    source = read_source(parsed)
    height, width = source.picture.image.shape[:2]
    megapixels = height * width * factor**2 / 1e6
    if megapixels > most_megapixels:
        enlarged = "" if factor == 1 else f" enlarged {factor} times"
        raise InputError(
            f"{source.path.name}: {width} x {height} pixels{enlarged} are {megapixels:.2g} "
            f"megapixels; accepted here: up to {most_megapixels:g}"
        )
    return source


def _common(asked: Asked, task: Task) -> dict[str, Any]:
    """The flags that all commands have."""
    return {
        "image": None if asked.file is None else pathlib.Path(asked.file),
        "images": () if asked.file is None else (pathlib.Path(asked.file),),
        "method": asked.method or task.method,
        "preset": asked.preset,
        "iterations": whole(asked.iterations, "iterations"),
        "seed": asked.seed,
    }


def _denoise(asked: Asked, source: Source, folder: pathlib.Path) -> dict[str, Any]:
    return {"sigma": _sigma(asked), "strength": number(asked.strength, "strength")}


def _inpaint(asked: Asked, source: Source, folder: pathlib.Path) -> dict[str, Any]:
    """The mask: a file, or what was painted over; of the bundled photograph that of the command."""
    mask = None if asked.mask is None else pathlib.Path(asked.mask)
    if mask is None and not source.is_bundled:
        missing = painted_over(list(asked.layers), *source.picture.image.shape[:2])
        if not missing.any():
            raise InputError("nothing is painted over, so nothing is missing; accepted: a mark")
        mask = folder / "mask.png"
        Image.fromarray(np.where(missing, 0, 255).astype(np.uint8)).save(mask)
    return {"sigma": _sigma(asked), "mask": mask}


def _enlarge(asked: Asked, source: Source, folder: pathlib.Path) -> dict[str, Any]:
    return {"sigma": _sigma(asked), "factor": asked.factor}


def _sharpen(asked: Asked, source: Source, folder: pathlib.Path) -> dict[str, Any]:
    if asked.kernel == FROM_FILE:
        if asked.kernel_file is None:
            raise InputError("no file with the kernel is given; accepted: a gray image, or .npy")
        return {"sigma": _sigma(asked), "kernel": asked.kernel_file}
    numbers = f"{asked.size:g},{asked.angle:g}" if asked.kernel == "Motion" else f"{asked.size:g}"
    return {"sigma": _sigma(asked), "kernel": f"{KERNELS[asked.kernel]}:{numbers}"}


_OWN: dict[str, Callable[[Asked, Source, pathlib.Path], dict[str, Any]]] = {
    "Denoise": _denoise,
    "Fill gaps": _inpaint,
    "Enlarge": _enlarge,
    "Sharpen": _sharpen,
}
"""The flags of each task's own command."""


def _sigma(asked: Asked) -> float | None:
    return number(asked.sigma, "noise")


def _joined(lines: list[str] | tuple[str, ...]) -> str:
    """Lines one below the other, without those that are empty."""
    return "\n".join(line for line in lines if line)
