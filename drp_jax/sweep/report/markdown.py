"""The summary of a sweep as Markdown, for a page."""

import re
from collections.abc import Iterable, Mapping, Sequence

from drp_jax.sweep.report.summary import Statistics, Table, statistics
from drp_jax.sweep.report.tables import Lines, best_means, digits_of, seconds_text, title_of
from drp_jax.sweep.scores import LESS, rank

_MOST_COLUMNS = 8


def to_markdown(tables: Sequence[Table], metrics: Mapping[str, str]) -> str:
    """One table of all degradations, the best means in bold, and a line that says what they are.

    Of several degradations and methods the means by the first metric come before it, a column each.

    Args:
      tables: of a sweep.
      metrics: what is better, "more" or "less", by name.
    """
    lines = Lines([group for table in tables for group in table.groups])
    digits = {metric: digits_of(metric, tables) for metric in metrics}
    heads = ["degradation", lines.head, *(title_of(*one) for one in metrics.items()), "seconds"]
    heads += ["runs"] if lines.runs is None else []
    written = [_row(map(escaped, heads)), f"{'|---' * len(heads)}|"]
    for table in tables:
        best = best_means(table, metrics)
        for group in table.groups:
            cells = [escaped(table.degradation), escaped(lines.label(group))]
            for metric in metrics:
                score = group.score(metric)
                is_best = score is not None and score.mean == best[metric]
                cells.append(_number(score, digits[metric], is_bold=is_best))
            cells.append(seconds_text(group) or "")
            cells += [str(len(group.rows))] if lines.runs is None else []
            written.append(_row(cells))
    notes = [*lines.notes, *(["↓: less is better"] if LESS in metrics.values() else [])]
    text = escaped("; ".join(notes))
    whole = [*_overview(tables, lines, metrics), *written, "", f"{text[0].upper()}{text[1:]}."]
    return "\n".join(whole) + "\n"


def _overview(tables: Sequence[Table], lines: Lines, metrics: Mapping[str, str]) -> Sequence[str]:
    """A row for each degradation and a column for each method; nothing of one of either."""
    labels = list(dict.fromkeys(lines.label(group) for group in lines.groups))
    if not metrics or len(tables) < 2 or not 2 <= len(labels) <= _MOST_COLUMNS:
        return []
    metric, better = next(iter(metrics.items()))
    digits = digits_of(metric, tables)
    columns: dict[str, dict[str, float]] = {label: {} for label in labels}
    for group in lines.groups:
        if (score := group.score(metric)) is not None:
            columns[lines.label(group)][group.degradation] = score.mean

    def order(label: str) -> float:
        means = statistics(columns[label].values())
        return rank(None if means is None else means.mean, better)

    labels.sort(key=order)  # the best in the mean first
    written = [
        _row([title_of(metric, better), *map(escaped, labels)]),
        f"{'|---' * (len(labels) + 1)}|",
    ]
    for table in tables:
        best = best_means(table, metrics).get(metric)
        means = [columns[label].get(table.degradation) for label in labels]
        cells = [_cell(mean, digits, is_bold=mean == best) for mean in means]
        written.append(_row([escaped(table.degradation), *cells]))
    return [*written, ""]


def escaped(text: str) -> str:
    """A text as Markdown shows it, in a table too."""
    text = re.sub(r"([\\`*\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
    for special, written in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;")):
        text = text.replace(special, written)
    return text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(found: Statistics | None, digits: int, *, is_bold: bool) -> str:
    if found is None:
        return ""
    error = "" if found.error is None else f" ± {found.error:.{digits}f}"
    return _cell(found.mean, digits, is_bold=is_bold) + error


def _cell(mean: float | None, digits: int, *, is_bold: bool) -> str:
    if mean is None:
        return ""
    return f"**{mean:.{digits}f}**" if is_bold else f"{mean:.{digits}f}"
