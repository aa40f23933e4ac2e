"""Running a plan on a Ray cluster: batches of its runs are tasks, retried where a worker dies.

The process that is asked writes the table and the images alone, so that no task needs its disk:
images travel to the tasks, rows and restored images come back. Modules of the current folder, with
operators and metrics of one's own, travel too; packages have to be installed on the cluster.
"""

import collections
import dataclasses
import functools
import importlib
import pathlib
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from drp_jax.batch import BatchStatistics
from drp_jax.errors import InputError, in_a_line, reason
from drp_jax.sweep.plan import CleanImage, Plan, Score
from drp_jax.sweep.requests import Identified
from drp_jax.sweep.rows import Row, row_of
from drp_jax.sweep.running import Done, finished_rows, missing, timed, written
from drp_jax.sweep.store import Store

LOCAL = "local"
"""The address that starts a cluster on this machine, for this sweep."""

_RETRIES = 3
_MOST_RUNS = 16
_TASKS_PER_WORKER = 4
_WAIT_SECONDS = 0.5


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

    Args:
      plan, folder, environment: as for `run_sweep`.
      address: of the cluster: "auto", "HOST:PORT", "ray://HOST:PORT"; or "local".
      slots: as in `restore_many`, of each task.
      is_over: asked often; once it says True, tasks under way are given up.

    Yields:
      A `Done` for every run. Its statistics are sums over tasks, so that a program counts in every
      task that uses it.

    Raises:
      InputError: if Ray is not installed, no cluster answers, or the table cannot be written.
    """
    about = dict(environment or {})
    ray = _connected(address)
    try:
        with Store(folder) as store:
            tasks = _Tasks(ray, plan.metrics, slots, missing(plan, store))
            yield from _collected(ray, tasks, store, about, is_over)
    finally:
        ray.shutdown()


def _collected(
    ray: Any, tasks: "_Tasks", store: Store, about: dict[str, Any], is_over: Callable[[], bool]
) -> Iterator[Done]:
    used = BatchStatistics()
    while not is_over() and tasks.submit():
        ready, _ = ray.wait(list(tasks.under_way), timeout=_WAIT_SECONDS)
        for reference in ready:
            runs = tasks.under_way.pop(reference)
            try:
                rows, statistics, where = ray.get(reference)
            except ray.exceptions.RayError as error:  # after all retries
                rows = [row_of(tasks.metrics, *one, reason(error)) for one in runs]
                statistics, where = BatchStatistics(), {}
            used += statistics
            yield from written(store, about | where, rows, used)
    for reference in tasks.under_way:
        ray.cancel(reference, force=True)


class _Tasks:
    """The tasks of a sweep: a few more than there are workers are under way at a time."""

    def __init__(
        self,
        ray: Any,
        metrics: Mapping[str, Score],
        slots: int | None,
        runs: Sequence[Identified],
    ):
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        self._workers = max(1, gpus or int(resources.get("CPU", 1)))
        self._waiting = collections.deque(_batches(runs, self._workers))
        self.metrics = metrics
        self.under_way: dict[Any, list[Identified]] = {}
        kind = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        cache = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        by_value = ray.cloudpickle.register_pickle_by_value
        for module in _modules_of_the_current_folder():
            by_value(module)
        remote = ray.remote(max_retries=_RETRIES, **kind)(_rows_of_task)
        self._submit = functools.partial(remote.remote, dict(metrics), slots, cache)

    def submit(self) -> bool:
        """Fills the workers; whether any task is under way then."""
        while self._waiting and len(self.under_way) < 2 * self._workers:
            runs = self._waiting.popleft()
            self.under_way[self._submit([_with_pixels(one) for one in runs])] = runs
        return bool(self.under_way)


def _rows_of_task(
    metrics: Mapping[str, Score], slots: int | None, cache: str | None, runs: list[Identified]
) -> tuple[list[Row], BatchStatistics, dict[str, Any]]:
    """What a worker does: the rows of some runs, what they used, and where they ran."""
    if cache is not None:
        jax.config.update("jax_compilation_cache_dir", cache)
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
    image = CleanImage(run.image.name, functools.partial(np.asarray, run.image.pixels()))
    return identity, dataclasses.replace(run, image=image)


def _modules_of_the_current_folder() -> list[Any]:
    here = pathlib.Path.cwd()
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [
        sys.modules[name]
        for name, file in files.items()
        if file is not None and name != "__main__" and pathlib.Path(file).parent == here
    ]


def _connected(address: str) -> Any:
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise InputError(
            f"--ray is {address}, and Ray is not installed; accepted: pip install 'drp_jax[ray]'"
        ) from None
    own = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--ray: {address}: no cluster answers ({in_a_line(error)}); accepted: auto, "
            f"HOST:PORT, ray://HOST:PORT, or {LOCAL}"
        ) from None
    return ray
