"""One picture of many: restored and noted in the record, or there already, or failed."""

import contextlib
import dataclasses
import enum
import functools
import glob
import json
import os
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax

import drp_jax
from drp_jax import InputError, Method, Status
from drp_jax.commands.arguments import MethodArguments, RestoreArguments
from drp_jax.commands.fit import Fit, Limits, fit
from drp_jax.commands.inputs import FIGURE, RESTORED
from drp_jax.commands.naming import Place
from drp_jax.commands.progress import StackDisplay
from drp_jax.commands.record import Line, Record, identity
from drp_jax.commands.report import describe, scores_in_line
from drp_jax.commands.restoring import (
    Job,
    Outputs,
    given,
    metrics_of,
    outputs_of,
    require_image,
    result_path,
    write_pictures,
)
from drp_jax.errors import reason

MOST_SIZES = 16
"""Sizes of pictures whose programs are kept in memory."""

_NOT_COMPARED = {
    *(field.name for field in dataclasses.fields(MethodArguments) if field.name != "seed"),
    *("images", "image", "output", "output_dir", "overwrite", "memory", "ray"),
    *("checkpoint", "checkpoint_every"),
}
"""The flags that do not change a result, or do so by the method, which is compared itself.

Memory changes it hardly: where tiles meet.
"""


_NOT_DONE = (Status.NON_FINITE.name.lower(), Status.INTERRUPTED.name.lower())


class Kind(enum.Enum):
    """What came of a picture."""

    WRITTEN = enum.auto()
    PRESENT = enum.auto()
    FAILED = enum.auto()
    INTERRUPTED = enum.auto()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a picture, with a line for a person and one of the metrics file."""

    place: Place
    kind: Kind
    line: str
    metrics: Line


@dataclasses.dataclass(frozen=True)
class Begun:
    """A picture that is to be restored, with its flags, its outputs and when it was read."""

    place: Place
    parsed: RestoreArguments
    asked: Line
    job: Job
    outputs: Outputs
    source: Line
    start: float


@dataclasses.dataclass(frozen=True)
class Turns:
    """How all the pictures are restored.

    Attributes:
      make_job: the restoration of the picture `image` of the flags.
      parsed: the flags that were given.
      method: how to restore.
      interrupts: of `deferred_interrupts`; with an entry the run at hand ends.
      display: the bar over all.
      sizes: those whose programs are in memory.
      records: those that were read, by their folder.
    """

    make_job: Callable[[Any], Job]
    parsed: RestoreArguments
    method: Method
    interrupts: Sequence[int]
    display: StackDisplay
    sizes: set[tuple[int, ...]] = dataclasses.field(default_factory=set)
    records: dict[pathlib.Path, Record] = dataclasses.field(default_factory=dict)

    def outcome(self, place: Place) -> Outcome:
        """Restores one, unless it is there already."""
        begun = self.begun_or_ended(place)
        if isinstance(begun, Outcome):
            return begun
        try:
            fitted = fit(
                begun.job.problem,
                seed=begun.parsed.seed,
                method=self.method,
                interrupts=self.interrupts,
                display=self.display.during(str(place.name)),
                limits=Limits(begun.parsed.memory),
            )
        except Exception as error:
            return failed(place, error)
        return self.ended(begun, fitted)

    def begun_or_ended(self, place: Place) -> "Begun | Outcome":
        """What is to be restored, or what came of it if it is there already or cannot be."""
        try:
            parsed = self.parsed.of_one(place.path, place.name)
            asked = self.asked(parsed)
            return self.present(place, asked) or self.begun(place, parsed, asked)
        except Exception as error:  # whatever it is, the other pictures are to be restored
            return failed(place, error)

    def ended(self, begun: "Begun", fitted: Fit) -> Outcome:
        """Writes what came out, and says what it was."""
        try:
            return self.written(begun, fitted)
        except Exception as error:
            return failed(begun.place, error)

    def asked(self, parsed: RestoreArguments) -> Line:
        """All that a result depends on beside picture and method, as it is read from JSON."""
        flags = {
            field.name: _with_identity(getattr(parsed, field.name))
            for field in dataclasses.fields(parsed)
            if field.name not in _NOT_COMPARED
        }
        return {"command": type(parsed).__name__, **_as_json(flags)}

    @functools.cached_property
    def described(self) -> Any:
        return _as_json(self.method)

    def present(self, place: Place, asked: Line) -> Outcome | None:
        """What is known of a result that is there and need not be made, or None.

        Raises:
          InputError: if it is that of another picture.
        """
        if self.parsed.overwrite or not os.path.exists(place.path):
            return None
        line = self.record(place).get(place.key)
        if line is None:
            pattern = f"{glob.escape(str(place.stem))}{RESTORED}.*"
            for path in sorted(glob.glob(pattern)):
                words = f"is there already: {path}, of unknown settings; --overwrite replaces it"
                return _present(place, words, {**_about(place), "output": path})
            return None
        output = place.top / str(line.get("output"))
        if not output.is_file():
            return None
        other = pathlib.Path(str(line.get("image")))
        if other.exists() and not other.samefile(place.path):
            raise InputError(
                f"{output} is the result of {other}; accepted: another --output-dir, or --overwrite"
            )
        metrics = line.get("metrics", {})
        is_same = (
            line.get("input") == identity(place.path)
            and line.get("asked") == asked
            and metrics.get("settings") == self.described
            and metrics.get("status") not in _NOT_DONE
        )
        figure = self.figure(place)
        has_figure = figure is None or figure.is_file()
        if not (is_same and has_figure):
            return None
        known = {**_about(place), "output": str(output), **metrics}
        words = f"is there already: {output}"
        made_by = metrics.get("versions", {}).get("drp_jax")
        if made_by != drp_jax.__version__:
            words += f", by drp_jax {made_by}; --overwrite makes it by {drp_jax.__version__}"
        return _present(place, words, known)

    def begun(self, place: Place, parsed: RestoreArguments, asked: Line) -> "Begun":
        """A picture with its flags, read and ready.

        Raises:
          InputError: if it is unusable, or what comes out could not be written.
        """
        start = time.perf_counter()
        source = identity(place.path) if os.path.exists(place.path) else {}
        job = self.make_job(parsed)
        self.make_room(job)
        output, figure = result_path(place.stem, job.template), self.figure(place)
        for folder in (place.top, *(one.parent for one in given(output, figure))):
            make_folder(folder)
        parsed = dataclasses.replace(parsed, output=output, figure=figure, metrics=None)
        outputs = outputs_of(job, parsed)
        return Begun(place, parsed, asked, job, outputs, source, start)

    def written(self, begun: "Begun", fitted: Fit) -> Outcome:
        """Writes what came out of a picture, and notes it.

        Raises:
          InputError: if there is no image, or something cannot be written.
        """
        require_image(fitted.restoration)
        place, parsed, job, outputs = begun.place, begun.parsed, begun.job, begun.outputs
        output = outputs.restored
        line = {
            "name": place.key,
            "image": os.path.abspath(place.path),
            "output": os.path.relpath(output, place.top),
        }
        record = self.record(place)
        record.add(line)  # from now on a file there is known to be ours
        before, after = write_pictures(job, outputs, fitted, parsed.quality)
        preset = parsed.preset_name(job.task)
        metrics = _as_json(metrics_of(job, fitted, before, after, self.method, preset))
        del metrics["first_iteration_seconds"]  # since the start, of all pictures
        status = Status(int(fitted.restoration.status))
        about = {"input": begun.source, "asked": begun.asked, "metrics": metrics}
        record.add(line | about)
        parts = [f"{time.perf_counter() - begun.start:.1f} s", *scores_in_line(before, after)]
        kind, words = Kind.WRITTEN, ""
        if status == Status.NON_FINITE:
            kind, words = Kind.FAILED, fitted.restoration.message
        elif status == Status.INTERRUPTED:
            kind, words = Kind.INTERRUPTED, "interrupted, so the next run does it again"
        parts += [one for one in (*job.remarks, fitted.restoration.remark, words) if one]
        text = f"{place.path}: {', '.join(parts)}, wrote {output}"
        return Outcome(place, kind, text, {**_about(place), "output": str(output), **metrics})

    def figure(self, place: Place) -> pathlib.Path | None:
        if self.parsed.figure is None:
            return None
        return self.parsed.figure / place.name.parent / f"{place.stem.name}{FIGURE}.png"

    def record(self, place: Place) -> Record:
        if place.top not in self.records:
            self.records[place.top] = Record(place.top)
        return self.records[place.top]

    def make_room(self, job: Job) -> None:
        """Drops the compiled programs of other sizes once there are many."""
        shape = job.template.image.shape
        if shape not in self.sizes and len(self.sizes) == MOST_SIZES:
            jax.clear_caches()
            self.sizes.clear()
        self.sizes.add(shape)


def make_folder(folder: pathlib.Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made: {error.strerror}; accepted: a folder that can be written"
        ) from None


def failed(place: Place, error: Exception) -> Outcome:
    """What is said of a picture that could not be restored."""
    message = reason(error)
    line = f"{place.path}: failed: {message.removeprefix(f'{place.path}: ')}"
    return Outcome(place, Kind.FAILED, line, {**_about(place), "error": message})


def _present(place: Place, words: str, known: Line) -> Outcome:
    return Outcome(place, Kind.PRESENT, f"{place.path}: {words}", known)


def _about(place: Place) -> Line:
    return {"image": str(place.path), "output": None, "error": None}


def _with_identity(value: Any) -> Any:
    """A flag, and where it names a file, which content that has."""
    if isinstance(value, (str, pathlib.Path)):
        with contextlib.suppress(OSError):
            if os.path.isfile(value):
                return {"file": os.path.basename(value), **identity(pathlib.Path(value))}
    return value


def _as_json(value: Any) -> Any:
    """A value as it is after being written as JSON and read."""
    return json.loads(json.dumps(describe(value)))
