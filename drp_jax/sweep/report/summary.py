"""What a sweep says of methods and settings: means over images and keys, and paired differences."""

import dataclasses
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from drp_jax.sweep.report.results import Results, Row
from drp_jax.sweep.scores import LESS, MORE, rank

Settings = Mapping[str, Any]
Draw = tuple[str, int]
"""An image and a key: with a degradation, a problem that all methods have in common."""


@dataclasses.dataclass(frozen=True)
class Statistics:
    """The mean of some numbers.

    Attributes:
      mean: their mean.
      error: its standard error, the deviation over the root of the count; None for one number.
      count: how many they are, from 1 up.
    """

    mean: float
    error: float | None
    count: int


@dataclasses.dataclass(frozen=True)
class Differences(Statistics):
    """The mean of the differences between two methods on the same problems.

    Attributes:
      wins: on how many of them the first has the better score.
    """

    wins: int


@dataclasses.dataclass(frozen=True)
class Group:
    """The runs of one method with its settings and one degradation: a line of a table.

    Attributes:
      task, degradation, method, preset: as in the table of the sweep.
      settings: by name.
      varied: those of them that are not the same in all groups of the method and preset.
      rows: the runs with a result.
      failed: how many have none.
      seconds: mean time of a run without compilation, or None if no time is known. Runs whose
        settings differ only in numbers that are not whole are done side by side in one program,
        which a table cannot tell apart: the mean is over all of them.
      compile_seconds: the mean time of compilation that comes to it, alike.
    """

    task: str
    degradation: str
    method: str
    preset: str | None
    settings: Settings
    varied: Settings
    rows: list[Row]
    failed: int = 0
    seconds: float | None = None
    compile_seconds: float | None = None

    @property
    def name(self) -> str:
        """The method and its preset."""
        return f"{self.method} {self.preset}" if self.preset else self.method

    def scores(self, metric: str) -> dict[Draw, float]:
        """The scores that there are, by image and key."""
        scores = {(row["image"], row["key"]): row["scores"].get(metric) for row in self.rows}
        return {draw: score for draw, score in scores.items() if score is not None}

    def score(self, metric: str) -> Statistics | None:
        """The mean score, or None if no run has one."""
        return statistics(self.scores(metric).values())

    @property
    def iterations(self) -> float | None:
        """The mean number of iterations."""
        return _mean_of(operator.itemgetter("iterations"), self.rows)


@dataclasses.dataclass(frozen=True)
class Table:
    """The groups of one degradation, the best first.

    Attributes:
      task, degradation: what they have in common.
      groups: of the best mean score first, by the first metric of the plan that has any.
      baseline: the one with which the others are compared, or None if no run has a result. The
        best of those with the most runs: a mean over the easy images alone says little.
    """

    task: str
    degradation: str
    groups: list[Group]
    baseline: Group | None


def statistics(numbers: Iterable[float]) -> Statistics | None:
    """The mean of numbers with its standard error, or None of none."""
    values = np.asarray(list(numbers), float)
    count = len(values)
    if count == 0:
        return None
    error = float(values.std(ddof=1) / count**0.5) if count > 1 else None
    return Statistics(float(values.mean()), error, count)


def differences(
    group: Group, baseline: Group, metric: str, better: str = MORE
) -> Differences | None:
    """The scores of a group less those of another, on the problems that both have; None of none.

    Args:
      group: whose scores.
      baseline: the other.
      metric: which scores.
      better: "more" or "less", which decides who wins.
    """
    own, other = group.scores(metric), baseline.scores(metric)
    paired = [own[draw] - other[draw] for draw in own if draw in other]
    found = statistics(paired)
    if found is None:
        return None
    wins = sum((one < 0) if better == LESS else (one > 0) for one in paired)
    return Differences(found.mean, found.error, found.count, wins)


def summarize(results: Results) -> list[Table]:
    """The tables of a sweep, one for each task and degradation."""
    metric, better = results.ranked_by
    groups = _groups(results)
    tables = []
    for about, of_one in itertools.groupby(groups, key=lambda one: (one.task, one.degradation)):
        ranked = sorted(of_one, key=lambda one: _rank(one, metric, better))
        most = max(len(one.rows) for one in ranked)
        whole = [one for one in ranked if len(one.rows) == most > 0]
        tables.append(Table(*about, ranked, whole[0] if whole else None))
    return tables


def settings_text(settings: Settings) -> str:
    """Settings in words, like `width 8, iterations 60`."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in settings.items())


def value_text(value: Any) -> str:
    """A setting's value as a plan has it."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def running_seconds(row: Row) -> float | None:
    """The time of a run without compilation."""
    return None if row["seconds"] is None else row["seconds"] - row["compile_seconds"]


def _groups(results: Results) -> list[Group]:
    """All groups, those of one task and degradation next to each other."""
    rows: dict[tuple, list[Row]] = {}
    for row in (*results.rows, *results.failed):
        about = (row["task"], row["degradation"], row["method"], row["preset"])
        rows.setdefault((*about, json.dumps(row["settings"], sort_keys=True)), []).append(row)
    varied = _varied([every[0] for every in rows.values()])
    together: dict[tuple, list[Row]] = {}
    for row in results.rows:
        together.setdefault(_program(row), []).append(row)
    failed = {row["id"] for row in results.failed}
    made = []
    for (task, degradation, method, preset, _), every in rows.items():
        settings = every[0]["settings"]
        names = varied[method, preset]
        alike = together.get(_program(every[0]), [])
        made.append(
            Group(
                *(task, degradation, method, preset, settings),
                {name: value for name, value in settings.items() if name in names},
                [row for row in every if row["id"] not in failed],
                sum(row["id"] in failed for row in every),
                _mean_of(running_seconds, alike),
                _mean_of(operator.itemgetter("compile_seconds"), alike),
            )
        )
    return sorted(made, key=lambda one: (one.task, in_order(one.degradation), one.name))


def _varied(rows: Iterable[Row]) -> dict[tuple[str, str | None], set[str]]:
    """By method and preset, the names of the settings that are not the same in all rows."""
    every: dict[tuple[str, str | None], list[Settings]] = {}
    for row in rows:
        every.setdefault((row["method"], row["preset"]), []).append(row["settings"])
    return {
        about: {
            name
            for name in set().union(*several)
            if len({json.dumps(one.get(name), sort_keys=True) for one in several}) > 1
        }
        for about, several in every.items()
    }


def _program(row: Row) -> tuple:
    """What the runs have in common that may have been done side by side, of one degradation."""
    fixed = {name: one for name, one in row["settings"].items() if not isinstance(one, float)}
    about = (row["task"], row["degradation"], row["method"], row["preset"])
    return *about, json.dumps([fixed, sorted(row["settings"])], sort_keys=True)


def _mean_of(number: Callable[[Row], float | None], rows: Iterable[Row]) -> float | None:
    """The mean of what there is of a number of rows."""
    found = statistics(one for one in map(number, rows) if one is not None)
    return None if found is None else found.mean


def _rank(group: Group, metric: str, better: str) -> float:
    """What is smaller for better groups."""
    score = group.score(metric)
    return rank(None if score is None else score.mean, better)


def in_order(text: str) -> list[tuple[int, float, str]]:
    """What texts are sorted by, so that gaussian:5 comes before gaussian:25."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [
        (1, float(part), "") if index % 2 else (0, 0.0, part) for index, part in enumerate(parts)
    ]
