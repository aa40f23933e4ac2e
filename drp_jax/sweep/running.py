"""Running a plan: what is not in the table yet, by `restore_many`, a row for each as it ends."""

import dataclasses
import pathlib
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax

from drp_jax.batch import BatchStatistics
from drp_jax.compile_clock import compile_clock
from drp_jax.errors import InputError
from drp_jax.sweep.halving import halved_rows, shares_of
from drp_jax.sweep.plan import Plan
from drp_jax.sweep.requests import Identified, restored
from drp_jax.sweep.rows import DROPPED, FAILED, Ended, Row, row_of
from drp_jax.sweep.scores import Metric, lacking, scored_again
from drp_jax.sweep.store import Store


@dataclasses.dataclass(frozen=True)
class Done:
    """A run that has ended.

    Attributes:
      row: what the table says of it.
      statistics: of all runs up to now.
      is_scored_again: whether the run was there, and only its scores are new.
    """

    row: dict[str, Any]
    statistics: BatchStatistics
    is_scored_again: bool = False


@dataclasses.dataclass(frozen=True)
class Left:
    """What a table lacks of some runs.

    Attributes:
      runs: those of which it has no result.
      unscored: those of which it has one without all scores, each with its row.
    """

    runs: list[Identified]
    unscored: list[tuple[Identified, dict[str, Any]]]


def run_sweep(
    plan: Plan,
    folder: pathlib.Path,
    *,
    slots: int | None = None,
    environment: Mapping[str, Any] | None = None,
    halving: float | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Done]:
    """Runs what a plan has and the table in a folder has not.

    A run that the table has is not done again, whatever else the plan had then; one that failed or
    was cut off is. A run without a score by one of the metrics is scored by its stored image, and
    done again if that cannot be read; so is one whose stored history halving needs.

    The image of every run, its history and what `Restoration` says of its uncertainty lie beside
    the table, in `images/ID.npz`, and as a picture in `images/ID.png`; those of its problem, once
    for all methods, in `images/inputs-ID.npz`: `reference`, and `start`, what the observation alone
    gives (the noisy picture, the small one enlarged, a back-projection).

    Under `jax.distributed` every process does its share, into one table on a disk of one machine.

    Args:
      plan: what to run.
      folder: where the table is, or is to be.
      slots: as in `restore_many`.
      environment: what the table keeps of where it ran; versions and such.
      halving: the share of the iterations after which the worse half of a method's settings is
        dropped, see `halving`; in one process only. None runs all to the end.
      is_over: asked often; once it says True, the runs at hand are given up and no other begins.

    Yields:
      A `Done` for every run of this process, as soon as its row is on disk.

    Raises:
      InputError: if the table cannot be opened or written, or `halving` is out of its range.
    """
    about = dict(environment or {})
    shares = [] if halving is None else shares_of(halving)
    if shares and jax.process_count() > 1:
        raise InputError("halving with several processes; accepted: one process, or no halving")
    with Store(folder) as store:
        runs = begun(plan, store)
        left = missing(runs, plan.metrics, store, is_halved=bool(shares))
        again = yield from scored(plan.metrics, store, left.unscored, is_over)
        if shares:
            ids = [identity for identity, _ in (*left.runs, *again)]
            ended = halved_rows(plan, store, shares, ids, slots=slots, is_over=is_over)
        else:
            runs = [*left.runs, *again]
            ended = finished_rows(plan.metrics, runs, slots=slots, is_over=is_over)
        for rows, statistics in timed(ended):
            yield from written(store, about, rows, statistics)


def written(
    store: Store, environment: Mapping[str, Any], rows: Sequence[Row], statistics: BatchStatistics
) -> list[Done]:
    """Rows that have come into the table together."""
    with store.together():
        for row in rows:
            store.add(row.values, environment, row.arrays)
    return [Done(row.values, statistics) for row in rows]


def begun(plan: Plan, store: Store) -> list[Identified]:
    """The runs of a plan that are this process's, which the table now knows to be the last plan."""
    every = identified(plan)
    own, count = jax.process_index(), jax.process_count()
    if own == 0:
        better = {name: metric.better for name, metric in plan.metrics.items()}
        store.begin((identity for identity, _ in every), better)
    # By the place in the plan, which another process's rows do not change.
    return every[own::count]


def identified(plan: Plan) -> list[Identified]:
    """The runs of a plan, each with what tells it from all others."""
    return [(plan.identity(run), run) for run in plan.runs()]


def missing(
    runs: Iterable[Identified],
    metrics: Mapping[str, Metric],
    store: Store,
    *,
    is_halved: bool = False,
) -> Left:
    """What the table lacks of some runs; for halving, one that was dropped is a result."""
    rows = {row["id"]: row for row in store.rows()}
    left = Left([], [])
    for one in runs:
        row = rows.get(one[0])
        if row is None or row["status"] == FAILED:
            left.runs.append(one)
        elif row["status"] == DROPPED:
            left.runs.extend([] if is_halved else [one])
        elif lacking(metrics, row):
            left.unscored.append((one, row))
    return left


def scored(
    metrics: Mapping[str, Metric],
    store: Store,
    unscored: Iterable[tuple[Identified, Mapping[str, Any]]],
    is_over: Callable[[], bool] = lambda: False,
) -> Generator[Done, None, list[Identified]]:
    """Scores runs by their stored images, and returns those whose images cannot be read."""
    unreadable = []
    for one, row in unscored:
        if is_over():
            break
        again = scored_again(metrics, row, store.folder)
        if again is None:
            unreadable.append(one)
            continue
        store.change(again)
        yield Done(again, BatchStatistics(), is_scored_again=True)
    return unreadable


def finished_rows(
    metrics: Mapping[str, Metric],
    runs: Iterable[Identified],
    *,
    slots: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Ended]:
    """The row of every run as it ends, with what the batch has used up to then."""
    known_inputs: set[str] = set()
    for one, result, statistics in restored(runs, slots=slots, is_over=is_over):
        inputs = one[1].inputs_identity
        yield [row_of(metrics, *one, result, with_inputs=inputs not in known_inputs)], statistics
        known_inputs.add(inputs)


def timed(batches: Iterable[Ended]) -> Iterator[Ended]:
    """The same, with the seconds since the row before in every row, and those of compilation."""
    last, last_compiled = time.perf_counter(), 0.0
    with compile_clock() as compiling:
        for rows, statistics in batches:
            now, compiled = time.perf_counter(), sum(compiling)
            for row in rows:
                row.values["seconds"] = (now - last) / len(rows)
                row.values["compile_seconds"] = (compiled - last_compiled) / len(rows)
            last, last_compiled = now, compiled
            yield rows, statistics


def git_revision() -> str | None:
    """The revision of the current folder's repository, with "+" if it is changed, or None."""
    try:
        words = ["git", "describe", "--always", "--abbrev=40", "--dirty=+"]
        found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
