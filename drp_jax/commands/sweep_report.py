"""`drp-jax sweep report`: what a sweep has found, as a page and as tables."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import track

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.progress import plural, say
from drp_jax.images import replace_whole
from drp_jax.sweep.report import (
    Written,
    check_page,
    read_results,
    runs_to_csv,
    summarize,
    to_csv,
    to_latex,
    to_markdown,
    with_best_settings,
    write_page,
)


@dataclasses.dataclass(frozen=True)
class ReportArguments:
    results: tuple[pathlib.Path, ...] = options.files(
        "The folder of a sweep.", flag="results", shown="none"
    )
    html: pathlib.Path | None = options.file(
        "Folder of a page to open in a browser; an earlier report there is replaced.", shown="none"
    )
    csv: pathlib.Path | None = options.file("File of the means, as CSV.", shown="none")
    latex: pathlib.Path | None = options.file(
        "File of the means, as tables of LaTeX with booktabs.", shown="none"
    )
    markdown: pathlib.Path | None = options.file("File of the means, as Markdown.", shown="none")
    runs: pathlib.Path | None = options.file("File of all runs, a line each, as CSV.", shown="none")
    best_settings: bool = options.flag(
        "Of the settings that the plan varies take the best for each image and key, by its "
        "reference; in all but the file of --runs."
    )


@options.command("report", ReportArguments, help=__doc__)
def report(parsed: ReportArguments) -> int:
    """Write what a sweep has found, as a page or tables."""
    if len(parsed.results) != 1:
        raise InputError(f"{len(parsed.results)} folders are given; accepted: one, like results")
    files = (
        (parsed.csv, to_csv),
        (parsed.latex, to_latex),
        (parsed.markdown, to_markdown),
    )
    if all(path is None for path in (parsed.html, parsed.runs, *(path for path, _ in files))):
        accepted = "one or more of --html, --csv, --latex, --markdown, --runs"
        raise InputError(f"no output is named; accepted: {accepted}")
    results = read_results(parsed.results[0])
    if parsed.html is not None:
        check_page(parsed.html)
    every = results
    if parsed.best_settings:
        results = with_best_settings(results)
    tables = summarize(results)
    if parsed.html is not None:
        written = write_page(results, tables, parsed.html, _shown_on_a_terminal)
        say(f"{parsed.html / 'index.html'}: {plural(written.runs, 'run')}")
        if written.without_pictures:
            say(_without_pictures(written))
    for path, made in files:
        if path is not None:
            _write(path, made(tables, results.metrics))
    if parsed.runs is not None:
        _write(parsed.runs, runs_to_csv(every))
    for rows, what in ((results.failed, "failed"), (results.dropped, "been dropped early")):
        if rows:
            say(f"{_runs(len(rows), 'has', 'have')} {what}; no mean counts them in")
    for name, count in results.not_finite.items():
        say(f"{_runs(count, 'has', 'have')} no finite {name}; no mean of it counts them in")
    if results.unscored:
        lack = _runs(len(results.unscored), "lacks", "lack")
        say(f"{lack} a score: {results.unscored[0]['error']}")
    if results.left:
        say(f"{_runs(results.left, 'of the plan is', 'of the plan are')} not done yet")
    if results.others:
        others = f"{plural(results.others, 'row')} of the table"
        say(f"{others} left out: of no run of the plan that ran last")
    return 0


def _write(path: pathlib.Path, text: str) -> None:
    with replace_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    say(str(path))


def _without_pictures(written: Written) -> str:
    rows = written.without_pictures
    first = f"{rows[0]['files']}.npz or {rows[0]['inputs']}.npz"
    return f"{_runs(len(rows), 'is', 'are')} without pictures: {first} cannot be read"


def _runs(count: int, one: str, several: str) -> str:
    return f"{plural(count, 'run')} {one if count == 1 else several}"


def _shown_on_a_terminal(rows: Iterable) -> Iterator:
    console = Console(stderr=True)
    yield from track(rows, "pictures", console=console, disable=not console.is_terminal)
