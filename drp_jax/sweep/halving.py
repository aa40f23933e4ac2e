"""Successive halving: the worse half of the settings ends after a share of the iterations.

Of each degradation, method and preset, all settings run for a share of their iterations; the half
whose mean score over images and keys is lower is dropped; the others go on to twice the share, and
so on until the last go to the end (Jamieson & Talwalkar, 2016, with the image's own metric in place
of a validation loss, and the settings that are left sharing no larger budget).
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from drp_jax.batch import BatchStatistics, Request
from drp_jax.errors import require_number
from drp_jax.loop import Status
from drp_jax.restore import Restoration
from drp_jax.sweep.plan import Plan
from drp_jax.sweep.requests import Identified, can_be_cut, cut, request_of, restored
from drp_jax.sweep.rows import DROPPED, Ended, row_of
from drp_jax.sweep.scores import Metric
from drp_jax.sweep.store import Store, arrays_in


def shares_of(first: float) -> list[float]:
    """The shares of the iterations after which half of the settings is dropped.

    Args:
      first: the least of them, above 0 and at most 0.5; each is twice the one before.

    Raises:
      InputError: if it is out of its range.
    """
    accepted = "above 0, at most 0.5"
    require_number(first, "halving", 0, 0.5, least_allowed=False, accepted=accepted)
    rounds = math.ceil(-math.log2(first))
    return [first * 2**number for number in range(rounds)]


def halved_rows(
    plan: Plan,
    store: Store,
    shares: Sequence[float],
    missing: Collection[str],
    *,
    slots: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Ended]:
    """The rows of all that a table misses of a plan, round by round where methods allow it.

    Rounds score the runs that the table has by their stored histories. One whose file cannot be
    read is done again from its beginning, so there may be more rows than runs that are missing.

    Args:
      plan: what to run.
      store: the table, which is read, and not written.
      shares: of the iterations, after which settings are dropped.
      missing: the ids of the runs that the table misses.
      slots: as in `restore_many`.
      is_over: as in `run_sweep`.
    """
    used = BatchStatistics()
    for batch in plan.batches():
        runs = [(plan.identity(run), run) for run in batch]
        rounds = shares if _can_be_halved(runs[0]) else []
        halved = _Halved(plan.metrics, store, runs, missing, slots, is_over, used)
        yield from halved.rows(rounds)
        used = halved.total(BatchStatistics())


@dataclasses.dataclass
class _Halved:
    """The runs of one degradation, method and preset, on their way through the rounds.

    Attributes:
      metrics: of the plan.
      store: the table, which is read, and not written.
      runs: all of them.
      missing: the ids of those that the table misses.
      slots: as in `restore_many`.
      is_over: as in `run_sweep`.
      before: what was used before.
    """

    metrics: Mapping[str, Metric]
    store: Store
    runs: Sequence[Identified]
    missing: Collection[str]
    slots: int | None
    is_over: Callable[[], bool]
    before: BatchStatistics

    def __post_init__(self) -> None:
        self._rounds = BatchStatistics()
        statuses = self.store.statuses()
        self._dropped = {one for one, status in statuses.items() if status == DROPPED}
        self._done = set(statuses) - self._dropped - set(self.missing)
        self._failed: set[str] = set()
        self._under_way: dict[str, Restoration] = {}
        self._settings: dict[str, list[Identified]] = {}
        for identity, run in self.runs:
            self._settings.setdefault(run.about["settings"], []).append((identity, run))

    def rows(self, shares: Sequence[float]) -> Iterator[Ended]:
        """The rows of all that is missing: those that are dropped, and those that go to the end.

        What the table says was dropped stays so: a round that was decided is not held again.
        """
        alive = [
            settings
            for settings, runs in self._settings.items()
            if not any(identity in self._dropped for identity, _ in runs)
        ]
        for number, share in enumerate(shares, start=1):
            kept = math.ceil(len(self._settings) / 2**number)
            if len(alive) <= kept:
                continue
            scores: dict[str, list[float]] = {settings: [] for settings in alive}
            yield from self._round(share, scores)
            if self.is_over():
                return
            alive.sort(key=lambda settings: -np.mean(scores[settings]))
            alive, dropped = alive[:kept], alive[kept:]
            yield self._rows_of_dropped(dropped)
        yield from self._last_round(alive)

    def _round(self, share: float, scores: dict[str, list[float]]) -> Iterator[Ended]:
        """Goes on to a share of the iterations, and notes the score of every run there."""
        going = []
        for settings, noted in scores.items():
            for identity, run in self._settings[settings]:
                if identity in self._done:
                    score = self._score_at((identity, run), share)
                elif identity in self._failed:
                    score = -math.inf
                else:
                    score = None
                if score is None:
                    self._done.discard(identity)
                    going.append((identity, run))
                else:
                    noted.append(score)
        for (identity, run), result, statistics in self._restored(going, share):
            noted = scores[run.about["settings"]]
            if isinstance(result, str):
                noted.append(-math.inf)
                self._failed.add(identity)
                yield [row_of(self.metrics, identity, run, result)], statistics
                continue
            noted.append(_last(result.past[result.run.problem.metric_name]))
            if int(result.status) == Status.ITERATION_LIMIT:
                self._under_way[identity] = result
            else:
                self._done.add(identity)
                yield [row_of(self.metrics, identity, run, result)], statistics

    def _rows_of_dropped(self, dropped: Sequence[str]) -> Ended:
        rows = [
            row_of(self.metrics, identity, run, self._under_way.pop(identity), status=DROPPED)
            for settings in dropped
            for identity, run in self._settings[settings]
            if identity in self._under_way
        ]
        return rows, self.total(BatchStatistics())

    def _last_round(self, alive: Sequence[str]) -> Iterator[Ended]:
        going = [
            one
            for settings in alive
            for one in self._settings[settings]
            if one[0] not in self._done | self._failed
        ]
        for (identity, run), result, statistics in self._restored(going, 1.0):
            self._under_way.pop(identity, None)
            yield [row_of(self.metrics, identity, run, result)], statistics

    def _restored(
        self, runs: Sequence[Identified], share: float
    ) -> Iterator[tuple[Identified, Restoration | str, BatchStatistics]]:
        def request(one: Identified) -> Request:
            identity, run = one
            if identity in self._under_way:
                so_far = self._under_way[identity]
                method = run.variant.method(run.degradation.task)
                return Request(so_far, iterations=_limit(int(method.loop.iterations), share))
            whole = request_of(one)
            assert whole.method is not None
            limit = int(whole.method.loop.iterations)
            return whole if share == 1 else cut(whole, _limit(limit, share))

        now = BatchStatistics()
        for one, result, now in restored(
            runs, request=request, slots=self.slots, is_over=self.is_over
        ):
            yield one, result, self.total(now)
        self._rounds = self._with_round(now)

    def total(self, now: BatchStatistics) -> BatchStatistics:
        """What was used, with the round at hand; the rounds share their programs."""
        return self.before + self._with_round(now)

    def _with_round(self, now: BatchStatistics) -> BatchStatistics:
        programs = max(self._rounds.programs, now.programs)
        return dataclasses.replace(self._rounds + now, programs=programs)

    def _score_at(self, one: Identified, share: float) -> float | None:
        """The score that a run of the table had at a share of its iterations.

        None if its file cannot be read.
        """
        request = request_of(one)
        assert request.method is not None
        limit = _limit(int(request.method.loop.iterations), share)
        arrays = arrays_in(self.store.folder, f"images/{one[0]}") or {}
        history = arrays.get(f"history_{request.problem.metric_name}")
        return None if history is None else _last(history[:limit])


def _can_be_halved(one: Identified) -> bool:
    try:
        return can_be_cut(request_of(one))
    except Exception:  # of functions of one's own; each run says it when its turn comes
        return False


def _limit(iterations: int, share: float) -> int:
    return max(1, math.ceil(share * iterations))


def _last(history: np.ndarray) -> float:
    return float(history[-1]) if len(history) and math.isfinite(history[-1]) else -math.inf
