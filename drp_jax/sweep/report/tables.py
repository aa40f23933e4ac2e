"""The summary of a sweep as CSV, for programs, and as LaTeX, for a paper."""

import csv
import io
import json
from collections.abc import Sequence

from drp_jax.sweep.report.summary import (
    Group,
    Statistics,
    Table,
    differences,
    settings_text,
)

TITLES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
"""What tables call the metrics; others have their own names."""

_DIGITS = {"psnr": 2, "ssim": 3}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}


def to_csv(tables: Sequence[Table], metrics: Sequence[str]) -> str:
    """A line for each degradation, method and settings; empty where there is no number.

    The differences of a metric are those from the line that has `baseline` 1, on the problems
    (image and key) that both have; `wins` is on how many of them the score is larger.
    """
    names = ["task", "degradation", "method", "preset", "settings"]
    names += ["baseline", "runs", "failed", "seconds", "iterations"]
    for metric in metrics:
        names += [metric, f"{metric}_error", f"{metric}_difference", f"{metric}_difference_error"]
        names += [f"{metric}_pairs", f"{metric}_wins"]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    for table in tables:
        for group in table.groups:
            writer.writerow(_values(table, group, metrics))
    return written.getvalue()


def to_latex(tables: Sequence[Table], metrics: Sequence[str]) -> str:
    """A `tabular` of booktabs for each degradation, the best means in bold."""
    lines = [
        r"% Needs \usepackage{booktabs}.",
        "% Means over images and keys, with their standard errors. Differences are paired on image",
        "% and key, against the method whose difference is a dash.",
    ]
    for table in tables:
        lines += ["", *_tabular(table, metrics)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A text as LaTeX shows it."""
    return "".join(_SPECIAL.get(one, one) for one in " ".join(text.split()))


def rounded(number: float, metric: str) -> str:
    """A score with the digits that tables show."""
    digits = _DIGITS.get(metric)
    return f"{number:#.4g}" if digits is None else f"{number:.{digits}f}"


def _values(table: Table, group: Group, metrics: Sequence[str]) -> list[object]:
    values: list[object] = [group.task, group.degradation, group.method, group.preset]
    values += [json.dumps(dict(group.settings)), int(group is table.baseline)]
    values += [len(group.rows), group.failed, group.seconds, group.iterations]
    for metric in metrics:
        score = group.score(metric)
        values += [None, None] if score is None else [score.mean, score.error]
        other = table.baseline
        found = None if other is None else differences(group, other, metric)
        if found is None:
            values += [None] * 4
        else:
            values += [found.mean, found.error, found.count, found.wins]
    return values


def _tabular(table: Table, metrics: Sequence[str]) -> list[str]:
    shared = {
        f"{one.name}: {settings_text(same)} in all lines"
        for one in table.groups
        if (same := {k: v for k, v in one.settings.items() if k not in one.varied})
    }
    columns = [c for one in metrics for c in (escaped(TITLES.get(one, one)), "difference")]
    header = ["Method", "Settings", *columns, "Runs", "Time (s)"]
    best = {one: _best(table, one) for one in metrics}
    return [
        f"% {' '.join(table.degradation.split())} ({table.task})",
        *(f"% {line}" for line in sorted(shared)),
        rf"\begin{{tabular}}{{ll{'rr' * len(metrics)}rr}}",
        r"\toprule",
        rf"\multicolumn{{{len(header)}}}{{l}}{{{escaped(table.degradation)}}} \\",
        r"\midrule",
        rf"{' & '.join(header)} \\",
        r"\midrule",
        *(_line(table, group, metrics, best) for group in table.groups),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _line(table: Table, group: Group, metrics: Sequence[str], best: dict[str, float | None]) -> str:
    cells = [escaped(group.name), escaped(settings_text(group.varied))]
    for metric in metrics:
        score = group.score(metric)
        is_best = score is not None and score.mean == best[metric]
        cells.append(_number(score, metric, is_bold=is_best))
        is_baseline = group is table.baseline or table.baseline is None
        found = None if is_baseline else differences(group, table.baseline, metric)  # type: ignore[arg-type]
        cells.append(_number(found, metric, sign="+"))
    seconds = "--" if group.seconds is None else f"{group.seconds:#.3g}".removesuffix(".")
    cells += [str(len(group.rows)), seconds]
    return rf"{' & '.join(cells)} \\"


def _best(table: Table, metric: str) -> float | None:
    """The largest mean of a metric of which the largest is known to be the best."""
    means = [score.mean for one in table.groups if (score := one.score(metric)) is not None]
    return max(means) if means and metric in _DIGITS else None


def _number(found: Statistics | None, metric: str, *, sign: str = "", is_bold: bool = False) -> str:
    if found is None:
        return "--"
    mean = rounded(found.mean, metric)
    mean = sign + mean if sign and not mean.startswith("-") else mean
    mean = rf"\mathbf{{{mean}}}" if is_bold else mean
    error = "" if found.error is None else rf" \pm {rounded(found.error, metric)}"
    return f"${mean}{error}$"
