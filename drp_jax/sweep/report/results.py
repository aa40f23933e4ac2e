"""What the table of a sweep holds, as a report takes it."""

import collections
import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from drp_jax.errors import InputError
from drp_jax.sweep.plan import METRICS
from drp_jax.sweep.rows import DROPPED, FAILED
from drp_jax.sweep.store import TABLE, Store

Row = Mapping[str, Any]
_NAMES = ("image", "degradation", "task", "method", "preset", "settings", "key")


@dataclasses.dataclass(frozen=True)
class Results:
    """The rows of a sweep.

    Attributes:
      folder: where they come from.
      rows: runs with a result, by column; `settings` and `scores` are dictionaries.
      failed: runs without one, alike.
      dropped: runs that successive halving has ended early, alike.
      replaced: how many rows are left out because a later one has the same names: that of an image
        or a method that has changed since.
      environments: where the runs were done, each with the number of runs.
    """

    folder: pathlib.Path
    rows: list[Row]
    failed: list[Row]
    dropped: list[Row]
    replaced: int
    environments: list[tuple[Mapping[str, Any], int]]

    @property
    def metrics(self) -> list[str]:
        """The scores that some row has: PSNR and SSIM first, others as they come."""
        names = dict.fromkeys(METRICS) | dict.fromkeys(
            name for row in self.rows for name in row["scores"]
        )
        return [
            one for one in names if any(row["scores"].get(one) is not None for row in self.rows)
        ]


def read_results(folder: pathlib.Path) -> Results:
    """The results in the folder of a sweep.

    Raises:
      InputError: if there is no table, it is of another version, or it is empty.
    """
    path = folder / TABLE
    if not path.is_file():  # a Store would make one
        raise InputError(f"{path}: No such file; accepted: the folder of a sweep, like results")
    with Store(folder) as store:
        every, environments = store.rows(), store.environments()
    if not every:
        raise InputError(f"{path}: has no runs yet; accepted: a table with one or more")
    rows, replaced = _latest(map(_parsed, every))
    where = collections.Counter(row["environment"] for row in rows)
    return Results(
        folder=folder,
        rows=[row for row in rows if row["status"] not in (FAILED, DROPPED)],
        failed=[row for row in rows if row["status"] == FAILED],
        dropped=[row for row in rows if row["status"] == DROPPED],
        replaced=replaced,
        environments=[(environments.get(number, {}), n) for number, n in where.most_common()],
    )


def _parsed(row: Row) -> Row:
    scores = {name: row[name] for name in METRICS} | json.loads(row["scores"] or "{}")
    return {**row, "settings": json.loads(row["settings"]), "scores": scores}


def _latest(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Of the rows with the same names the last that ended, and how many others there were."""
    latest: dict[str, Row] = {}
    count = 0
    for row in sorted(rows, key=lambda row: row["finished"]):
        count += 1
        latest[json.dumps([row[name] for name in _NAMES], sort_keys=True)] = row
    return list(latest.values()), count - len(latest)
