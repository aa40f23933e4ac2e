"""Restoring many pictures, one after the other: none of them ends the others.

What is written is noted in the record of its folder, and what is noted there with the same settings
is not done again. Pictures of one size share their compiled programs.
"""

import functools
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from drp_jax import InputError, Method
from drp_jax.commands.arguments import RestoreArguments
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.fit import deferred_interrupts
from drp_jax.commands.inputs import RECORD, RESTORED, Input, found, named
from drp_jax.commands.naming import Place, places
from drp_jax.commands.progress import StackDisplay, plural, say
from drp_jax.commands.record import Record
from drp_jax.commands.report import write_json_lines
from drp_jax.commands.restoring import Job, check_outputs, given
from drp_jax.commands.together import outcomes
from drp_jax.commands.turns import Kind, Outcome, Turns, make_folder


def restore_many_pictures(
    make_job: Callable[[Any], Job], parsed: RestoreArguments, method: Method
) -> int:
    """Restores pictures and says what came of each; gives the exit status.

    It is 1 if any failed. The first Ctrl-C ends the run at hand and keeps its image, and no other
    is begun.

    Args:
      make_job: the restoration of the picture `image` of the flags.
      parsed: the flags, with the pictures and where to.
      method: how to restore.

    Raises:
      InputError: if the pictures or the places for the results are unusable as a whole.
    """
    inputs, notes = found(parsed.images)
    inputs, left_out = _without_results(inputs)
    notes += left_out
    chosen = places(inputs, parsed.output_dir)
    _check(parsed, chosen)
    for note in notes:
        say(note)
    if parsed.compilation_cache:
        use_compilation_cache()
    done: list[Outcome] = []
    start = time.perf_counter()
    count = plural(len(chosen), "image")
    with deferred_interrupts() as interrupts:
        with StackDisplay(len(chosen), "images", count) as display:
            run = Turns(make_job, parsed, method, interrupts, display)
            for outcome in outcomes(run, chosen):
                done.append(outcome)
                display.update(outcome.line)
                if interrupts:
                    break
        order = {place: number for number, place in enumerate(chosen)}
        done.sort(key=lambda outcome: order[outcome.place])
        say(_summary(done, len(chosen), parsed.output_dir, time.perf_counter() - start))
        if parsed.metrics is not None:
            _write_metrics(parsed.metrics, done)
        if interrupts:
            return 128 + interrupts[0]
    return int(any(one.kind is Kind.FAILED for one in done))


def _check(parsed: RestoreArguments, chosen: Sequence[Place]) -> None:
    """Raises InputError for what is meant for one picture alone, and places of no use."""
    figure, reference = parsed.figure, parsed.reference
    alone = "which is for one image, without --output-dir"
    if parsed.output is not None:
        raise InputError(f"--output is {parsed.output}, {alone}; accepted: --output-dir")
    if parsed.checkpoint is not None:
        raise InputError(
            f"--checkpoint is {parsed.checkpoint}, {alone}; accepted: none, since the same command "
            "goes on with the images that are not there"
        )
    if figure is not None and (figure.suffix or figure.is_file()) and not figure.is_dir():
        raise InputError(f"--figure is {figure}, {alone}; accepted: a folder")
    if reference is not None and len(chosen) > 1 and not reference.is_dir():
        raise InputError(
            f"--reference is {reference}, {alone}; accepted: a folder with the names of the images"
        )
    for folder in given(parsed.output_dir, figure):
        make_folder(folder)
    read = [one.path for one in chosen] + [one.top / RECORD for one in chosen]
    check_outputs(read, given(parsed.metrics), figure=None)


def _write_metrics(path: pathlib.Path, outcomes: Sequence[Outcome]) -> None:
    try:
        write_json_lines(path, [one.metrics for one in outcomes])
    except InputError as error:
        raise InputError(f"{error}; the images are there, and their scores in {RECORD}") from None
    say(f"wrote {path}")


def _without_results(inputs: Sequence[Input]) -> tuple[list[Input], list[str]]:
    """The inputs but for those that records know as results, the records, and a note.

    Raises:
      InputError: if there are no others.
    """
    record = functools.cache(Record)

    def is_result(one: Input) -> bool:
        origin = one.path.stem.removesuffix(RESTORED)
        if origin == one.path.stem:
            return one.path.name == RECORD
        return record(one.path.parent).get(origin) is not None

    kept: list[Input] = []
    left_out: list[Input] = []
    for one in inputs:
        (left_out if is_result(one) else kept).append(one)
    if not left_out:
        return kept, []
    note = f"results of an earlier run, and left out: {named([one.path for one in left_out])}"
    if not kept:
        raise InputError(f"{note}; accepted: images beside them")
    return kept, [note]


def _summary(
    outcomes: Sequence[Outcome], count: int, output_dir: pathlib.Path | None, seconds: float
) -> str:
    """How many are written, which failed, and how many were not begun."""
    of_kind = {kind: [one.place.path for one in outcomes if one.kind is kind] for kind in Kind}
    where = "beside the inputs" if output_dir is None else f"to {output_dir}"
    parts = [f"{len(of_kind[Kind.WRITTEN])} of {count} written {where} in {seconds:.0f} s"]
    if of_kind[Kind.PRESENT]:
        parts.append(f"{len(of_kind[Kind.PRESENT])} there already")
    if failed := of_kind[Kind.FAILED]:
        parts.append(f"{len(failed)} failed: {named(failed)}")
    if interrupted := of_kind[Kind.INTERRUPTED]:
        parts.append(f"interrupted during {interrupted[0]}")
    if left := count - len(outcomes):
        parts.append(f"{left} not begun")
    return "; ".join(parts)
