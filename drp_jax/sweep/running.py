"""Running a plan: what is not in the table yet, by `restore_many`, a row for each as it ends."""

import dataclasses
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax

from drp_jax.batch import BatchStatistics
from drp_jax.errors import InputError
from drp_jax.sweep.halving import halved_rows, shares_of
from drp_jax.sweep.plan import Plan, Score
from drp_jax.sweep.requests import Identified, restored
from drp_jax.sweep.rows import DROPPED, FAILED, Ended, Row, row_of
from drp_jax.sweep.store import Store


@dataclasses.dataclass(frozen=True)
class Done:
    """A run that has ended.

    Attributes:
      row: what the table says of it.
      statistics: of all runs up to now.
    """

    row: dict[str, Any]
    statistics: BatchStatistics


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
    was cut off is. The image of every run, its history and what `Restoration` says of its
    uncertainty lie beside the table, in `images/ID.npz`, and as a picture in `images/ID.png`;
    those of its problem, once for all methods, in `images/inputs-ID.npz`: `reference`, and `start`,
    what the observation alone gives (the noisy picture, the small one enlarged, a back-projection).

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
        if shares:
            ended = halved_rows(plan, store, shares, slots=slots, is_over=is_over)
        else:
            runs = missing(plan, store)
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


def identified(plan: Plan) -> Iterator[Identified]:
    """The runs of a plan that are this process's, of all of `jax.distributed`."""
    own, count = jax.process_index(), jax.process_count()
    # By the place in the plan, which another process's rows do not change.
    for index, run in enumerate(plan.runs()):
        if index % count == own:
            yield plan.identity(run), run


def missing(plan: Plan, store: Store, *, is_halved: bool = False) -> list[Identified]:
    """Those of them of which the table has no result; for halving, one that was dropped is one."""
    statuses = store.statuses()
    again = (None, FAILED) if is_halved else (None, FAILED, DROPPED)
    return [one for one in identified(plan) if statuses.get(one[0]) in again]


def finished_rows(
    metrics: Mapping[str, Score],
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
    """The same, with the seconds since the row before in every row."""
    last = time.perf_counter()
    for rows, statistics in batches:
        now = time.perf_counter()
        for row in rows:
            row.values["seconds"] = (now - last) / len(rows)
        last = now
        yield rows, statistics


def git_revision() -> str | None:
    """The revision of the current folder's repository, with "+" if it is changed, or None."""
    try:
        words = ["git", "describe", "--always", "--abbrev=40", "--dirty=+"]
        found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
