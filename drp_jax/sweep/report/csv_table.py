"""The summary of a sweep as CSV, for programs."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from drp_jax.sweep.report.summary import Group, Table, differences


def to_csv(tables: Sequence[Table], metrics: Mapping[str, str]) -> str:
    """A line for each degradation, method and settings; empty where there is no number.

    The differences of a metric are those from the line that has `baseline` 1, on the problems
    (image and key) that both have; `wins` is on how many of them the score is better.

    Args:
      tables: of a sweep.
      metrics: what is better, "more" or "less", by name.
    """
    names = ["task", "degradation", "method", "preset", "settings", "baseline", "runs", "failed"]
    names += ["seconds_without_compilation", "compile_seconds", "iterations"]
    for metric in metrics:
        names += [metric, f"{metric}_error", f"{metric}_runs"]
        names += [f"{metric}_{one}" for one in ("difference", "difference_error", "pairs", "wins")]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    for table in tables:
        for group in table.groups:
            writer.writerow(_values(table, group, metrics))
    return written.getvalue()


def _values(table: Table, group: Group, metrics: Mapping[str, str]) -> list[object]:
    values: list[object] = [group.task, group.degradation, group.method, group.preset]
    values += [json.dumps(dict(group.settings)), int(group is table.baseline)]
    values += [len(group.rows), group.failed]
    values += [group.seconds, group.compile_seconds, group.iterations]
    for metric, better in metrics.items():
        score = group.score(metric)
        values += [None, None, 0] if score is None else [score.mean, score.error, score.count]
        other = table.baseline
        found = None if other is None else differences(group, other, metric, better)
        if found is None:
            values += [None] * 4
        else:
            values += [found.mean, found.error, found.count, found.wins]
    return values
