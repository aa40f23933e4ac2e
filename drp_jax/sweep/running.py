"""Running a plan: what is not in the table yet, by `restore_many`, a row for each as it ends."""

import dataclasses
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from drp_jax.batch import BatchStatistics, Request, restore_many
from drp_jax.errors import reason
from drp_jax.restore import Restoration
from drp_jax.sweep.plan import Plan, PlannedRun
from drp_jax.sweep.rows import DROPPED, FAILED, Row, row_of
from drp_jax.sweep.store import Store

Identified = tuple[str, PlannedRun]
"""A run with what tells it from all others."""


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
      is_over: asked often; once it says True, the runs at hand are given up and no other begins.

    Yields:
      A `Done` for every run of this process, as soon as its row is on disk.

    Raises:
      InputError: if the table cannot be opened or written.
    """
    about = dict(environment or {})
    with Store(folder) as store:
        missing = store.missing(identified(plan), but=(FAILED, DROPPED))
        for row, statistics in finished_rows(plan, missing, slots=slots, is_over=is_over):
            store.add(row.values, about, row.arrays)
            yield Done(row.values, statistics)


def identified(plan: Plan) -> Iterator[Identified]:
    """The runs of a plan that are this process's, of all of `jax.distributed`."""
    own, count = jax.process_index(), jax.process_count()
    # By the place in the plan, which another process's rows do not change.
    for index, run in enumerate(plan.runs()):
        if index % count == own:
            yield plan.identity(run), run


def finished_rows(
    plan: Plan,
    runs: Iterable[Identified],
    *,
    slots: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Row, BatchStatistics]]:
    """The rows of runs as they end, with what the batch has used up to then."""
    last = time.perf_counter()
    known_inputs: set[str] = set()
    for one, result, statistics in restored(runs, slots=slots, is_over=is_over):
        inputs = plan.inputs_identity(one[1])
        row = row_of(plan, *one, result, with_inputs=inputs not in known_inputs)
        known_inputs.add(inputs)
        now = time.perf_counter()
        row.values["seconds"], last = now - last, now
        yield row, statistics


def restored(
    runs: Iterable[Identified],
    *,
    slots: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Identified, Restoration | str, BatchStatistics]]:
    """Runs with their restorations as they end, or with the reason why there is none."""
    waiting = _Waiting(iter(runs))
    statistics = BatchStatistics()
    # The runs are this process's already.
    results = restore_many(
        waiting, key=jax.random.key(0), slots=slots, is_over=is_over, share=(0, 1)
    )
    for finished in results:
        statistics = finished.statistics
        one = waiting.runs.pop(finished.index)
        yield one, finished.restoration or finished.error or "", statistics
    for one, error in waiting.unusable:
        yield one, error, statistics


class _Waiting:
    """Requests for `restore_many`.

    Attributes:
      runs: what they are of, by their index.
      unusable: runs whose problem or method could not be made, and why.
    """

    def __init__(self, runs: Iterator[Identified]):
        self._runs = runs
        self.runs: dict[int, Identified] = {}
        self.unusable: list[tuple[Identified, str]] = []

    def __iter__(self) -> Iterator[Request]:
        index = 0
        for one in self._runs:
            _, run = one
            try:
                draw = np.random.default_rng(run.key)
                problem = run.degradation.problem(run.image.pixels(), draw)
                method = run.variant.method(run.degradation.task)
            except Exception as error:  # whatever functions of one's own raise
                self.unusable.append((one, reason(error)))
                continue
            self.runs[index] = one
            index += 1
            yield Request(problem, jax.random.key(run.key), method)


def git_revision() -> str | None:
    """The revision of the current folder's repository, with "+" if it is changed, or None."""
    try:
        words = ["git", "describe", "--always", "--abbrev=40", "--dirty=+"]
        found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
