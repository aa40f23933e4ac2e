"""The summary of a sweep as Markdown, for a page."""

import re
from collections.abc import Iterable, Mapping, Sequence

from drp_jax.sweep.report.summary import Statistics, Table
from drp_jax.sweep.report.tables import Lines, best_means, digits_of, seconds_text, title_of
from drp_jax.sweep.scores import LESS


def to_markdown(tables: Sequence[Table], metrics: Mapping[str, str]) -> str:
    """One table of all degradations, the best means in bold, and a line that says what they are.

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
    return "\n".join([*written, "", f"{text[0].upper()}{text[1:]}."]) + "\n"


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
    mean = f"{found.mean:.{digits}f}"
    error = "" if found.error is None else f" ± {found.error:.{digits}f}"
    return f"**{mean}**{error}" if is_bold else f"{mean}{error}"
