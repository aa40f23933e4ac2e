"""What the commands have in common, from the degraded image to the files written."""

import dataclasses
import importlib.resources
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from drp_jax import InputError, Method, Problem, Restoration, Status, read_image
from drp_jax.commands.arguments import RestoreArguments
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.figure import save_figure
from drp_jax.commands.fit import Fit, Limits, deferred_interrupts, fit
from drp_jax.commands.inputs import FIGURE, RESTORED
from drp_jax.commands.kept import Kept
from drp_jax.commands.progress import say, step_word
from drp_jax.commands.report import Scores, metrics, write_json
from drp_jax.commands.rescue import picture_is_there, write_or_rescue
from drp_jax.images import Picture, check_writable
from drp_jax.images.picture import KINDS
from drp_jax.images.writing import suffix_for
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.tiles import Tiled

DEMONSTRATION_IMAGE = pathlib.Path("chelsea.png")


@dataclasses.dataclass(frozen=True)
class Source:
    """The picture that a command starts from.

    Attributes:
      path: its path; of the bundled photograph, its name in the current folder.
      picture: the picture.
      is_bundled: whether it is the bundled photograph, because no other was given.
    """

    path: pathlib.Path
    picture: Picture
    is_bundled: bool


@dataclasses.dataclass(frozen=True)
class Job:
    """One restoration: what is observed, how it is scored, and how it is shown.

    Attributes:
      source: where it comes from.
      task: whose presets it takes.
      problem: what is observed, with the reference if known and the metric that is followed.
      template: a picture of the result's size, with the mode and alpha to write.
      before_name: what the image to compare with is called: "input" or "bicubic".
      before: that image, of the result's size.
      score: scores of a picture against the reference, or None without one.
      panels: images for the figure, shown left of the result.
      shown_part: what the picture shows of an image of the run, or of its uncertainty: all, if the
        image does not go on past its edges.
      finish: gives the image of a restoration as it is scored and written, of what it shows.
      inputs: the files read, which no output may replace.
      note: what is to be said of the picture, or "".
    """

    source: Source
    task: str
    problem: Problem
    template: Picture
    before_name: str
    before: np.ndarray
    score: Callable[[np.ndarray], Scores] | None
    panels: dict[str, np.ndarray]
    shown_part: Callable[[Any], Any] = lambda image: image
    finish: Callable[[Restoration | Tiled], np.ndarray] = lambda done: np.asarray(done.image)
    inputs: tuple[pathlib.Path, ...] = ()
    note: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said before the run, of the file and of the picture."""
        return tuple(one for one in (self.source.picture.note, self.note) if one)

    def shown(self, done: Restoration | Tiled) -> Any:
        """A restoration whose image and uncertainty are what the picture shows of them."""
        uncertainty = None if done.uncertainty is None else self.shown_part(done.uncertainty)
        return dataclasses.replace(done, image=self.shown_part(done.image), uncertainty=uncertainty)


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The files to write; figure and metrics may be None."""

    restored: pathlib.Path
    figure: pathlib.Path | None
    metrics: pathlib.Path | None


def run_job(job: Job, parsed: RestoreArguments, method: Method) -> int:
    """Checks every path, restores, writes, reports; gives the exit status.

    The first Ctrl-C ends the run and keeps its image, and waits while files are written; so do
    `SIGTERM` and `SIGHUP`.

    Raises:
      InputError: if an output cannot be written, or as `restore`.
    """
    outputs = outputs_of(job, parsed)
    kept = kept_of(parsed)
    if kept is not None:
        kept.check(method)
    for remark in job.remarks:
        print(remark)
    if parsed.compilation_cache:
        use_compilation_cache()
    limits = Limits(parsed.memory, kept)
    with deferred_interrupts() as interrupts:
        fitted = fit(
            job.problem,
            seed=parsed.seed,
            method=method,
            interrupts=interrupts,
            limits=limits,
        )
        require_image(fitted.restoration)
        _write(job, outputs, fitted, parsed, method)
        if kept is not None and not fitted.interrupted:
            kept.remove()
        if interrupts:
            return 128 + interrupts[0]
    return 1 if int(fitted.restoration.status) == Status.NON_FINITE else 0


def kept_of(parsed: RestoreArguments) -> Kept | None:
    """Where the run is to be kept, if anywhere."""
    if parsed.ray is not None:
        raise InputError(
            f"--ray is {parsed.ray}, which is for several images; accepted: several, or a folder "
            "with --output-dir"
        )
    if parsed.checkpoint is None:
        return None
    return Kept(parsed.checkpoint, parsed.checkpoint_every, parsed.seed)


def require_image(restoration: Restoration | Tiled) -> None:
    """Raises InputError if a run failed before it had an image."""
    if not int(restoration.image_iteration):
        raise InputError(
            "the loss is not finite at the first iteration, so there is no image; accepted: "
            "settings closer to the preset's"
        )


def _write(
    job: Job, outputs: Outputs, fitted: Fit, parsed: RestoreArguments, method: Method
) -> None:
    """Writes all files, then says what came out."""
    before, after = write_pictures(job, outputs, fitted, parsed.quality)
    if outputs.metrics is not None:
        content = metrics_of(job, fitted, before, after, method, parsed.preset_name(job.task))
        with picture_is_there(outputs.restored):
            write_json(outputs.metrics, content)
    print_run(fitted)
    print_scores(job.before_name, before, after)
    print_written(given(*dataclasses.astuple(outputs)))


def write_pictures(
    job: Job, outputs: Outputs, fitted: Fit, quality: int | None
) -> tuple[Scores, Scores]:
    """Writes the result and the figure; gives the scores before and after, {} without any.

    Raises:
      InputError: if one cannot be written.
    """
    shown = job.shown(fitted.restoration)
    restored = job.finish(shown)
    write_or_rescue(outputs.restored, job.template.with_image(restored), quality=quality)
    before, after = ({}, {}) if job.score is None else (job.score(job.before), job.score(restored))
    if outputs.figure is not None:
        panels = job.panels | {caption("restored", after): restored}
        if job.problem.reference is not None:
            panels["reference"] = np.asarray(job.shown_part(job.problem.reference))
        with picture_is_there(outputs.restored):
            save_figure(outputs.figure, panels, shown)
    return before, after


def metrics_of(
    job: Job, fitted: Fit, before: Scores, after: Scores, method: Method, preset: str
) -> dict[str, Any]:
    """The content of a metrics file."""
    scores = after | {f"{name}_{job.before_name}": value for name, value in before.items()}
    return metrics(fitted, method, preset=preset, scores=scores)


def read_source(parsed: RestoreArguments) -> Source:
    """The image of the command line, or the bundled photograph.

    Raises:
      InputError: if the file is unusable or smaller than 8 x 8.
    """
    if parsed.image is None:
        if parsed.reference is not None:
            raise InputError("--reference needs --image; the bundled photograph has its own")
        return Source(DEMONSTRATION_IMAGE, bundled_photograph(), is_bundled=True)
    picture = read_image(
        parsed.image, pages=parsed.pages, value_range=parsed.range, memory=parsed.memory
    )
    shape = picture.image.shape
    if min(shape[:2]) < SMALLEST_SIDE:
        raise InputError(
            f"{parsed.image}: {describe_size(shape)}; accepted: a picture from {SMALLEST_SIDE} x "
            f"{SMALLEST_SIDE} up"
        )
    return Source(parsed.image, picture, is_bundled=False)


def bundled_photograph(name: str = str(DEMONSTRATION_IMAGE)) -> Picture:
    """A photograph that scikit-image carries in its package."""
    folder = importlib.resources.files("skimage.data")
    with importlib.resources.as_file(folder / name) as path:
        return read_image(path)


def read_reference(parsed: RestoreArguments, like: Picture) -> np.ndarray | None:
    """The reference of the command line, if given.

    Raises:
      InputError: if it is unusable or not like the given picture.
    """
    if parsed.reference is None:
        return None
    return read_same_size(parsed.reference, like, parsed.pages)


def read_same_size(path: pathlib.Path, like: Picture, pages: tuple[int, ...] | None) -> np.ndarray:
    """An image file that must have the shape of a picture; its range too, if that is its own.

    Args:
      path: the file.
      like: the picture.
      pages: which of its pages, if it has several.

    Raises:
      InputError: if it is unusable or has another shape.
    """
    own = like.value_range if like.has_own_range else None
    picture = read_image(path, pages=pages, value_range=own)
    image, shape = picture.image, like.image.shape
    if image.shape != shape:
        raise InputError(
            f"{path}: {describe_size(image.shape)}; accepted: {describe_size(shape)}, "
            "the size of the image"
        )
    return image


def describe_size(shape: tuple[int, ...]) -> str:
    """The size of an image in words."""
    height, width, channels = shape
    return f"{width} x {height} {KINDS.get(channels, f'{channels}-channel')} pixels"


def outputs_of(job: Job, parsed: RestoreArguments) -> Outputs:
    """Where to write.

    Raises:
      InputError: if something cannot be written there, or would replace a file in use.
    """
    path = job.source.path
    figure = figure_path(parsed.figure, path, is_demonstration=job.source.is_bundled)
    outputs = Outputs(
        restored=parsed.output or result_path(path.with_suffix(""), job.template),
        figure=figure,
        metrics=parsed.metrics,
    )
    check_outputs(job.inputs, given(*dataclasses.astuple(outputs)), figure=figure)
    check_writable(outputs.restored, job.template, quality=parsed.quality)
    return outputs


def result_path(stem: pathlib.Path, template: Picture) -> pathlib.Path:
    """Where the result goes, of a picture's path without its suffix."""
    return stem.with_name(f"{stem.name}{RESTORED}{suffix_for(template)}")


def figure_path(
    asked: pathlib.Path | None, path: pathlib.Path, *, is_demonstration: bool
) -> pathlib.Path | None:
    """Where the figure goes, if there is one: a demonstration has one that nobody asked for.

    Args:
      asked: where the command line wants it, or None.
      path: the file that is restored, or what a demonstration calls it.
      is_demonstration: whether it comes with the program, because no other was given.
    """
    if asked is None and is_demonstration:
        return path.with_name(f"{path.stem}{FIGURE}.png")
    return asked


def check_outputs(
    inputs: Sequence[pathlib.Path], outputs: Sequence[pathlib.Path], *, figure: pathlib.Path | None
) -> None:
    """Raises InputError unless all outputs can be written and none replaces another file in use."""
    taken = {os.path.realpath(path): "an input" for path in inputs}
    for path in outputs:
        real = os.path.realpath(path)
        if real in taken:
            raise InputError(f"{path}: is {taken[real]} too; accepted: a path of its own")
        taken[real] = "another output"
        check_writable(path)
    if figure is not None and figure.suffix.lower() != ".png":
        raise InputError(f"--figure is {figure}; accepted: a path that ends in .png")


def given(*paths: pathlib.Path | None) -> tuple[pathlib.Path, ...]:
    """Those of the paths that are not None."""
    return tuple(path for path in paths if path is not None)


def captioned(name: str, image: np.ndarray, score: Callable | None) -> dict[str, np.ndarray]:
    """A panel under its name and, if it can be scored, its PSNR."""
    return {caption(name, {} if score is None else score(image)): image}


def caption(name: str, scores: Scores) -> str:
    """A name with its PSNR, if there is one."""
    value = scores.get("psnr")
    return name if value is None else f"{name}, {value:.2f} dB"


def print_run(fitted: Fit) -> None:
    """Says how a run ended and how long it took."""
    *lines, took = run_in_lines(fitted)
    for line in lines:
        print(line)
    print(f"{took}; the first ended {fitted.first_iteration_seconds:.1f} s after the start")


def run_in_lines(fitted: Fit) -> list[str]:
    """How a run ended, what it found out and how long it took."""
    count = int(fitted.restoration.iterations)
    word = step_word(fitted.restoration.method)
    if isinstance(fitted.restoration, Tiled) and fitted.interrupted:
        of = fitted.restoration.tiling.described()
        ended = f"Interrupted in tile {fitted.restoration.tiles} of {of}; the others are as before."
    elif fitted.interrupted:
        ended = f"Interrupted after {word} {count}; its image is kept."
    else:
        ended = fitted.restoration.message
    took = (
        f"{count} {word}{'s' if count > 1 else ''} in {fitted.seconds:.1f} s, "
        f"after {fitted.compile_seconds:.1f} s of compilation"
    )
    return [line for line in (ended, fitted.restoration.remark, took) if line]


def print_scores(before_name: str, before: Scores, after: Scores) -> None:
    """Prints each score that both images have."""
    for line in scores_in_lines(before_name, before, after):
        print(line)


def scores_in_lines(before_name: str, before: Scores, after: Scores) -> list[str]:
    """Each score that both images have."""
    lines = []
    for name, value in after.items():
        was = before[name]
        if value is not None and was is not None:
            label, digits = ("SSIM", 3) if name == "ssim" else ("PSNR in dB", 2)
            where = " of the missing pixels" if name == "psnr_missing" else ""
            lines.append(
                f"{label}{where}: {before_name} {was:.{digits}f} -> restored {value:.{digits}f}"
            )
    return lines


def print_written(paths: Sequence[pathlib.Path]) -> None:
    for path in paths:
        say(f"wrote {path}")
