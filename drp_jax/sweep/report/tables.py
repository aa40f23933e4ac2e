"""The summary of a sweep as CSV, for programs, as LaTeX, for a paper, and as Markdown."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence

from drp_jax.sweep.report.summary import Group, Statistics, Table, differences, settings_text

TITLES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
"""What tables call the metrics; others have their own names."""

LARGER_IS_BETTER = ("psnr", "ssim")
"""Of others it is not known which is better."""

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
    digits = {metric: digits_of(metric, tables) for metric in metrics}
    for table in tables:
        lines += ["", *_tabular(table, digits)]
    return "\n".join(lines) + "\n"


def to_markdown(tables: Sequence[Table], metrics: Sequence[str]) -> str:
    """One table of all degradations: means with standard errors, the best in bold, and times."""
    digits = {metric: digits_of(metric, tables) for metric in metrics}
    heads = ["degradation", "method", *(TITLES.get(one, one) for one in digits), "runs", "seconds"]
    lines = [f"| {' | '.join(heads)} |", f"{'|---' * len(heads)}|"]
    for table in tables:
        for group in table.groups:
            settings = settings_text(group.varied)
            cells = [table.degradation, f"{group.name}{', ' if settings else ''}{settings}"]
            for metric, count in digits.items():
                score = group.score(metric)
                is_best = score is not None and score.mean == _best(table, metric)
                cells.append(_plain_number(score, count, is_bold=is_best))
            seconds = "" if group.seconds is None else f"{group.seconds:.1f}"
            cells += [str(len(group.rows)), seconds]
            lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A text as LaTeX shows it."""
    return "".join(_SPECIAL.get(one, one) for one in " ".join(text.split()))


def digits_of(metric: str, tables: Sequence[Table]) -> int:
    """How many digits after the point a metric is shown with: 4 in all, where none are fixed."""
    every = [one.score(metric) for table in tables for one in table.groups]
    largest = max((abs(one.mean) for one in every if one is not None), default=0.0)
    if metric in _DIGITS or largest == 0:
        return _DIGITS.get(metric, 3)
    return min(max(0, 3 - math.floor(math.log10(largest))), 9)


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


def _tabular(table: Table, digits: Mapping[str, int]) -> list[str]:
    shared = {
        f"{one.name}: {settings_text(same)} in all lines"
        for one in table.groups
        if (same := {name: one.settings[name] for name in one.settings if name not in one.varied})
    }
    scores = [c for one in digits for c in (escaped(TITLES.get(one, one)), "difference")]
    columns = ["Method", "Settings", *scores, "Runs", "Time (s)"]
    return [
        f"% {' '.join(table.degradation.split())} ({table.task})",
        *(f"% {' '.join(line.split())}" for line in sorted(shared)),
        rf"\begin{{tabular}}{{ll{'r' * (len(columns) - 2)}}}",
        r"\toprule",
        rf"\multicolumn{{{len(columns)}}}{{l}}{{{escaped(table.degradation)}}} \\",
        r"\midrule",
        rf"{' & '.join(columns)} \\",
        r"\midrule",
        *(_line(table, group, digits) for group in table.groups),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _line(table: Table, group: Group, digits: Mapping[str, int]) -> str:
    cells = [escaped(group.name), escaped(settings_text(group.varied))]
    for metric, count in digits.items():
        score, found = group.score(metric), None
        if table.baseline is not None and group is not table.baseline:
            found = differences(group, table.baseline, metric)
        is_best = score is not None and score.mean == _best(table, metric)
        cells += [_number(score, count, is_bold=is_best), _number(found, count, sign="+")]
    seconds = "--" if group.seconds is None else f"{group.seconds:#.3g}".removesuffix(".")
    cells += [str(len(group.rows)), seconds]
    return rf"{' & '.join(cells)} \\"


def _best(table: Table, metric: str) -> float | None:
    """The best mean of a metric, if it is known what that is."""
    means = [score.mean for one in table.groups if (score := one.score(metric)) is not None]
    return max(means) if means and metric in LARGER_IS_BETTER else None


def _number(found: Statistics | None, digits: int, *, sign: str = "", is_bold: bool = False) -> str:
    if found is None:
        return "--"
    mean = f"{found.mean:{sign}.{digits}f}"
    mean = rf"\mathbf{{{mean}}}" if is_bold else mean
    error = "" if found.error is None else rf" \pm {found.error:.{digits}f}"
    return f"${mean}{error}$"


def _plain_number(found: Statistics | None, digits: int, *, is_bold: bool) -> str:
    if found is None:
        return ""
    mean = f"{found.mean:.{digits}f}"
    error = "" if found.error is None else f" ± {found.error:.{digits}f}"
    return f"**{mean}**{error}" if is_bold else f"{mean}{error}"
