"""The summary of a sweep, and its runs, as CSV, for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from drp_jax.sweep.report.results import Results
from drp_jax.sweep.report.summary import Group, Table, differences, running_seconds


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
    return _written(
        names, (_values(table, group, metrics) for table in tables for group in table.groups)
    )


def runs_to_csv(results: Results) -> str:
    """A line for each run of the plan that has ended; empty where there is no number.

    `settings` is JSON. Lines are in the order of degradations, methods, settings, images and keys.
    """
    about = ["task", "degradation", "method", "preset", "settings", "image", "key"]
    ended = ["status", "error", "iterations"]
    names = [*about, *results.metrics, *ended]
    names += ["seconds_without_compilation", "compile_seconds", "device", "git"]
    none = dict.fromkeys(results.metrics)
    rows = [
        {**row, **none, **row["scores"], "settings": json.dumps(row["settings"])}
        | {"seconds_without_compilation": running_seconds(row)}
        for row in (*results.rows, *results.failed, *results.dropped)
    ]
    rows.sort(key=lambda row: [str(row[name]) for name in about])
    return _written(names, ([row.get(name) for name in names] for row in rows))


def _written(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
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
