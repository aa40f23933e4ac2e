"""The runs of a plan as requests of `restore_many`."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import jax

from drp_jax.batch import BatchStatistics, Request, restore_many
from drp_jax.errors import reason
from drp_jax.restore import Restoration
from drp_jax.sweep.plan import PlannedRun

Identified = tuple[str, PlannedRun]
"""A run with what tells it from all others."""


def request_of(one: Identified) -> Request:
    """The request of a run, from its beginning; raises whatever functions of one's own raise."""
    _, run = one
    method = run.variant.method(run.degradation.task)
    return Request(run.problem(), jax.random.key(run.key), method)


def can_be_cut(request: Request) -> bool:
    """Whether a run can end early and go on: not so where steps differ, as those of filters do."""
    method = request.method
    assert method is not None
    return not method.is_finite_process and len(method.stages(request.problem)) == 1


def cut(request: Request, iterations: int) -> Request:
    """The request with another limit; a rate that decays does so over those of the whole run."""
    method = request.method
    assert method is not None
    limited = dataclasses.replace(method.loop, iterations=iterations)
    return dataclasses.replace(request, method=method.with_loop(limited))


def restored(
    runs: Iterable[Identified],
    *,
    request: Callable[[Identified], Request] = request_of,
    slots: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Identified, Restoration | str, BatchStatistics]]:
    """Runs with their restorations as they end, or with the reason why there is none."""
    waiting = _Waiting(iter(runs), request)
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

    def __init__(self, runs: Iterator[Identified], request: Callable[[Identified], Request]):
        self._runs = runs
        self._request = request
        self.runs: dict[int, Identified] = {}
        self.unusable: list[tuple[Identified, str]] = []

    def __iter__(self) -> Iterator[Request]:
        index = 0
        for one in self._runs:
            try:
                request = self._request(one)
            except Exception as error:  # whatever functions of one's own raise
                self.unusable.append((one, reason(error)))
                continue
            self.runs[index] = one
            index += 1
            yield request
