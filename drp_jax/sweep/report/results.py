"""What the table of a sweep holds, as a report takes it."""

import collections
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from drp_jax.errors import InputError
from drp_jax.sweep.rows import DROPPED, FAILED
from drp_jax.sweep.scores import MORE, rank
from drp_jax.sweep.store import TABLE, Store

Row = Mapping[str, Any]
BEST = "the best for each image by its reference"
"""What settings are called by `with_best_settings`."""


@dataclasses.dataclass(frozen=True)
class Results:
    """The rows of the plan that was run last.

    Attributes:
      folder: where they come from.
      rows: runs with a result, by column, and the `device` and `git` revision of the environment;
        `settings` and `scores` are dictionaries.
      failed: runs without one, alike.
      dropped: runs that successive halving has ended early, alike.
      better: "more" or "less", what is better, by the names of the plan's metrics.
      left: how many runs of the plan have no row yet.
      others: how many rows of the table are of no run of the plan: of earlier plans, and of images
        or methods that have changed since.
      environments: where the runs were done, each with the number of runs.
    """

    folder: pathlib.Path
    rows: list[Row]
    failed: list[Row]
    dropped: list[Row]
    better: Mapping[str, str]
    left: int
    others: int
    environments: list[tuple[Mapping[str, Any], int]]

    @property
    def metrics(self) -> dict[str, str]:
        """What is better of the metrics by which some row has a score, in the plan's order."""
        every = [row["scores"] for row in self.rows]
        return {
            name: better
            for name, better in self.better.items()
            if any(scores.get(name) is not None for scores in every)
        }

    @property
    def ranked_by(self) -> tuple[str, str]:
        """The metric that lines are ranked by, the first that has a score, and what is better."""
        return next(iter(self.metrics.items()), ("psnr", MORE))

    @property
    def not_finite(self) -> dict[str, int]:
        """In how many rows the score is not finite, of the metrics for which there are some."""
        every = [row["scores"] for row in self.rows]
        counts = {
            name: sum(name in scores and scores[name] is None for scores in every)
            for name in self.better
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def unscored(self) -> list[Row]:
        """The runs with a result that a metric has failed on; `error` says which."""
        return [row for row in self.rows if row["error"] is not None]


def read_results(folder: pathlib.Path) -> Results:
    """The results in the folder of a sweep.

    Raises:
      InputError: if there is no table, it is of another version, or has no runs of the last plan.
    """
    path = folder / TABLE
    if not path.is_file():  # a Store would make one
        raise InputError(f"{path}: No such file; accepted: the folder of a sweep, like results")
    with Store(folder) as store:
        environments = store.environments()
        rows = [_parsed(row, environments) for row in store.latest()]
        every, planned = store.count("runs"), store.count("planned")
        better = store.metrics()
    if not rows:
        of_them = f", {every} of other plans" if every else ""
        raise InputError(
            f"{path}: has no runs of the last plan yet{of_them}; accepted: a table with some"
        )
    where = collections.Counter(row["environment"] for row in rows)
    return Results(
        folder=folder,
        rows=[row for row in rows if row["status"] not in (FAILED, DROPPED)],
        failed=[row for row in rows if row["status"] == FAILED],
        dropped=[row for row in rows if row["status"] == DROPPED],
        better=better,
        left=planned - len(rows),
        others=every - len(rows),
        environments=[(environments.get(number, {}), n) for number, n in where.most_common()],
    )


def with_best_settings(results: Results) -> Results:
    """The results with one run for each problem and method: that of the best settings.

    Problems are images with their degradations and keys. The best is told by the reference, by the
    first metric of the plan, which nobody can do without the clean image: what a method that is
    tuned by hand could reach at best. Methods with one setting stay as they are, and so do runs
    without a score where no other has one.
    """
    metric, better = results.ranked_by
    together: dict[tuple, list[Row]] = {}
    for row in results.rows:
        about = tuple(row[name] for name in ("degradation", "method", "preset", "image", "key"))
        together.setdefault((*about, *sorted(row["settings"])), []).append(row)
    rows = []
    for every in together.values():
        best = min(every, key=lambda row: rank(row["scores"].get(metric), better))
        if len(every) > 1:
            best = {**best, "settings": dict.fromkeys(best["settings"], BEST)}
        rows.append(best)
    return dataclasses.replace(results, rows=rows)


def _parsed(row: Row, environments: Mapping[int, Mapping[str, Any]]) -> Row:
    where = environments.get(row["environment"], {})
    return {
        **row,
        "settings": json.loads(row["settings"]),
        "scores": json.loads(row["scores"] or "{}"),
        "device": where.get("device"),
        "git": where.get("git"),
    }
