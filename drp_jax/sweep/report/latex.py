"""The summary of a sweep as LaTeX, for a paper."""

import re
from collections.abc import Mapping, Sequence

from drp_jax.sweep.report.summary import Group, Statistics, Table, differences
from drp_jax.sweep.report.tables import (
    TITLES,
    Lines,
    best_means,
    digits_of,
    seconds_text,
    title_of,
)

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "↓": r"$\downarrow$",
    "Δ": r"$\Delta$",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}


def to_latex(tables: Sequence[Table], metrics: Mapping[str, str]) -> str:
    """A `table` of booktabs for each degradation, the best line and the best means in bold.

    Differences are those of the first metric, paired on image and key.

    Args:
      tables: of a sweep.
      metrics: what is better, "more" or "less", by name.
    """
    digits = {metric: digits_of(metric, tables) for metric in metrics}
    parts = [_table(table, metrics, digits) for table in tables]
    return "\n\n".join([r"% Needs \usepackage{booktabs}.", *map("\n".join, parts)]) + "\n"


def escaped(text: str) -> str:
    """A text as LaTeX shows it."""
    return "".join(_SPECIAL.get(one, one) for one in " ".join(text.split()))


def _table(table: Table, metrics: Mapping[str, str], digits: Mapping[str, int]) -> list[str]:
    lines = Lines(table.groups)
    heads = [lines.head.capitalize()]
    for index, (metric, better) in enumerate(metrics.items()):
        heads += [escaped(title_of(metric, better)), *([escaped("Δ")] if index == 0 else [])]
    heads += ["Seconds", *(["Runs"] if lines.runs is None else [])]
    caption = [f"{table.degradation} ({table.task})", *lines.notes]
    if metrics:
        first = next(iter(metrics))
        caption.append(f"Δ: paired differences in {TITLES.get(first, first)} from the line in bold")
    best = best_means(table, metrics)
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped('; '.join(caption))}.}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9.:]+', '-', table.degradation).strip('-')}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        rf"{' & '.join(heads)} \\",
        r"\midrule",
        *(_line(table, group, lines, best, metrics, digits) for group in table.groups),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _line(
    table: Table,
    group: Group,
    lines: Lines,
    best: Mapping[str, float],
    metrics: Mapping[str, str],
    digits: Mapping[str, int],
) -> str:
    other = table.baseline
    label = escaped(lines.label(group))
    cells = [rf"\textbf{{{label}}}" if group is other else label]
    for index, (metric, better) in enumerate(metrics.items()):
        score = group.score(metric)
        is_best = score is not None and score.mean == best[metric]
        cells.append(_number(score, digits[metric], is_bold=is_best))
        if index == 0:
            found = None
            if other is not None and group is not other:
                found = differences(group, other, metric, better)
            cells.append(_number(found, digits[metric], sign="+"))
    cells += [seconds_text(group) or "--", *([str(len(group.rows))] if lines.runs is None else [])]
    return rf"{' & '.join(cells)} \\"


def _number(found: Statistics | None, digits: int, *, sign: str = "", is_bold: bool = False) -> str:
    if found is None:
        return "--"
    mean = f"{found.mean:{sign}.{digits}f}"
    mean = rf"\mathbf{{{mean}}}" if is_bold else mean
    error = "" if found.error is None else rf" \pm {found.error:.{digits}f}"
    return f"${mean}{error}$"
