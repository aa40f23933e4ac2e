"""Running a plan on a Ray cluster: batches of its runs are tasks.

The process that is asked writes the table and the images alone: images travel to the tasks, rows
and restored images come back.
"""

import dataclasses
import functools
import pathlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from drp_jax.batch import BatchStatistics
from drp_jax.cluster import Cluster
from drp_jax.errors import reason
from drp_jax.sweep.plan import CleanImage, Plan
from drp_jax.sweep.requests import Identified
from drp_jax.sweep.rows import Row, row_of
from drp_jax.sweep.running import (
    Done,
    begun,
    finished_rows,
    missing,
    scored,
    timed,
    written,
)
from drp_jax.sweep.scores import Metric
from drp_jax.sweep.store import Store

_MOST_RUNS = 16
_TASKS_PER_WORKER = 4


def run_sweep_on_ray(
    plan: Plan,
    folder: pathlib.Path,
    address: str,
    *,
    slots: int | None = None,
    environment: Mapping[str, Any] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Done]:
    """What `run_sweep` does, on a cluster: a task takes a GPU where there are some, else a core.

    Runs that lack only a score are scored by this process, which has the images.

    Args:
      plan, folder, environment: as for `run_sweep`.
      address: of the cluster, as for `Cluster`.
      slots: as in `restore_many`, of each task.
      is_over: asked often; once it says True, tasks under way are given up.

    Yields:
      A `Done` for every run. Its statistics are sums over tasks, so that a program counts in every
      task that uses it.

    Raises:
      InputError: if Ray is not installed, no cluster answers, or the table cannot be written.
    """
    about = dict(environment or {})
    task = functools.partial(_rows_of_task, dict(plan.metrics), slots)
    used = BatchStatistics()
    with Store(folder) as store:
        left = missing(begun(plan, store), plan.metrics, store)
        again = yield from scored(plan.metrics, store, left.unscored, is_over)
        if not left.runs and not again:
            return
        with Cluster(address) as cluster:
            batches = _batches([*left.runs, *again], cluster.workers)
            arguments = ((runs, [_with_pixels(one) for one in runs]) for runs in batches)
            for runs, result in cluster.results(task, arguments, is_over):
                if isinstance(result, Exception):
                    rows = [row_of(plan.metrics, *one, reason(result)) for one in runs]
                    where: dict[str, Any] = {}
                else:
                    rows, statistics, where = result
                    used += statistics
                yield from written(store, about | where, rows, used)


def _rows_of_task(
    metrics: Mapping[str, Metric], slots: int | None, runs: list[Identified]
) -> tuple[list[Row], BatchStatistics, dict[str, Any]]:
    """What a worker does: the rows of some runs, what they used, and where they ran."""
    ended = list(timed(finished_rows(metrics, runs, slots=slots)))
    rows = [row for some, _ in ended for row in some]
    device = jax.devices()[0]
    kind = f"{device.platform}: {device.device_kind}"
    return rows, ended[-1][1], {"host": socket.gethostname(), "device": kind}


def _batches(runs: Sequence[Identified], workers: int) -> Iterator[list[Identified]]:
    """Runs of one degradation and method in tasks of a size that keeps all workers busy."""
    size = min(_MOST_RUNS, max(1, len(runs) // (_TASKS_PER_WORKER * workers)))
    alike: dict[Any, list[Identified]] = {}
    for one in runs:
        run = one[1]
        program = (run.degradation.name, run.variant.name, run.variant.preset)
        alike.setdefault(program, []).append(one)
    for group in alike.values():
        for first in range(0, len(group), size):
            yield group[first : first + size]


def _with_pixels(one: Identified) -> Identified:
    """The run with its image instead of the way to read it."""
    identity, run = one
    pictures = [run.image.pixels()]
    if run.image.read_degraded is not None:
        pictures.append(run.image.degraded())
    image = CleanImage(run.image.name, *(functools.partial(np.asarray, one) for one in pictures))
    return identity, dataclasses.replace(run, image=image)
