"""The report as a page: `index.html`, which needs nothing else, and `pictures/` beside it."""

import contextlib
import dataclasses
import datetime
import html
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from typing import Any

from drp_jax.errors import InputError
from drp_jax.loop import Status
from drp_jax.sweep.report import pictures
from drp_jax.sweep.report.pictures import Pictures, Scale
from drp_jax.sweep.report.results import Results, Row
from drp_jax.sweep.report.summary import Group, Table, settings_text, summarize
from drp_jax.sweep.report.tables import digits_of, title_of
from drp_jax.sweep.scores import MORE

PAGE = "index.html"
_MARK = '<meta name="generator" content="drp-jax sweep report">'
_SCRIPTS = ("elements.js", "charts.js", "tables.js", "viewer.js", "page.js")


@dataclasses.dataclass(frozen=True)
class Written:
    """What a page shows.

    Attributes:
      runs: how many runs.
      without_pictures: those of them whose image files cannot be read.
    """

    runs: int
    without_pictures: list[Row]


def check_page(folder: pathlib.Path) -> None:
    """Raises InputError unless a page can be written there: nothing, nothing in it, or a report."""
    if not folder.exists() and not folder.is_symlink():
        return
    accepted = "accepted: a folder that is not there yet, or an earlier report"
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; {accepted}")
    page = folder / PAGE
    if not any(folder.iterdir()) or (page.is_file() and _MARK in _beginning(page)):
        return
    raise InputError(f"{folder}: exists and is not a report; {accepted}")


def write_page(
    results: Results,
    tables: Sequence[Table],
    folder: pathlib.Path,
    progress: Callable[[Iterable[Row]], Iterable[Row]] = iter,
) -> Written:
    """Writes the report of a sweep into a folder, in the place of an earlier one there.

    Args:
      results: of the sweep.
      tables: their summary.
      folder: where to; it appears whole or not at all.
      progress: what the runs are led through as they are written.

    Raises:
      InputError: if the folder is something else, or cannot be written.
    """
    check_page(folder)
    with _replace_folder(folder) as temporary:
        data = _data(results, tables, Pictures(results.folder, temporary), progress)
        (temporary / PAGE).write_text(_page(data), encoding="utf-8")
    missing = {one["row"] for one in data["runs"] if one["pictures"] is None}
    rows = [row for row in results.rows if row["id"] in missing]
    return Written(len(data["runs"]), rows)


def _data(
    results: Results,
    tables: Sequence[Table],
    written: Pictures,
    progress: Callable[[Iterable[Row]], Iterable[Row]],
) -> dict[str, Any]:
    """All that the page says, as JSON."""
    groups = [group for table in tables for group in table.groups]
    places = {id(group): index for index, group in enumerate(groups)}
    group_of = {row["id"]: places[id(group)] for group in groups for row in group.rows}
    scenes: dict[tuple[str, str], list[Row]] = {}
    for row in results.rows:
        scenes.setdefault((row["degradation"], row["image"]), []).append(row)
    scales: dict[tuple[str, str], Scale] = {}
    runs, problems = [], {}
    for row in progress([row for rows in scenes.values() for row in rows]):
        scene = row["degradation"], row["image"]
        if scene not in scales:
            scales[scene] = written.scale(scenes[scene])
        problem = written.problem(row)
        shown = None if problem is None else written.run(row, scales[scene])
        problems[row["inputs"]] = problem
        about = {"row": row["id"], "group": group_of[row["id"]], "problem": row["inputs"]}
        about["scale"] = dataclasses.asdict(scales[scene])
        runs.append(about | _run(row) | (shown or {"pictures": None, "kept": None, "curves": []}))
    return {
        "title": results.folder.resolve().name,
        "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "metrics": [
            {
                "name": one,
                "title": title_of(one, better),
                "digits": digits_of(one, tables),
                "isLargerBetter": better == MORE,
            }
            for one, better in results.metrics.items()
        ],
        "tables": [
            {
                "task": table.task,
                "degradation": table.degradation,
                "groups": [places[id(group)] for group in table.groups],
                "baseline": None if table.baseline is None else places[id(table.baseline)],
            }
            for table in tables
        ],
        "groups": [_group(group, results.metrics) for group in groups],
        "runs": runs,
        "problems": problems,
        "colours": {
            "difference": pictures.colours(pictures.DIFFERENCE),
            "uncertainty": pictures.colours(pictures.UNCERTAINTY),
        },
        "failed": [
            _run(row) | {"group": _named(row), "error": row["error"]} for row in _bad(results)
        ],
        "dropped": _dropped(results),
        "left": results.left,
        "others": results.others,
        "notFinite": results.not_finite,
        "environments": [
            {"content": about, "runs": count} for about, count in results.environments
        ],
    }


def _group(group: Group, metrics: Iterable[str]) -> dict[str, Any]:
    scores = {one: group.score(one) for one in metrics}
    return {
        "task": group.task,
        "degradation": group.degradation,
        "name": group.name,
        "settings": dict(group.settings),
        "varied": settings_text(group.varied),
        "same": settings_text(
            {name: value for name, value in group.settings.items() if name not in group.varied}
        ),
        "runs": len(group.rows),
        "failed": group.failed,
        "seconds": group.seconds,
        "iterations": group.iterations,
        "scores": {
            name: None if one is None else dataclasses.asdict(one) for name, one in scores.items()
        },
    }


def _run(row: Row) -> dict[str, Any]:
    names = ("degradation", "image", "key", "status", "iterations", "seconds", "scores")
    return {name: row[name] for name in names}


def _dropped(results: Results) -> list[dict[str, Any]]:
    """What successive halving has ended early, with all settings, as far as it got."""
    alone = dataclasses.replace(results, rows=results.dropped, failed=[])
    groups = [group for table in summarize(alone) for group in table.groups]
    return [
        _group(one, results.metrics) | {"varied": settings_text(one.settings)} for one in groups
    ]


def _bad(results: Results) -> list[Row]:
    """The runs without a result or a score, and those whose image is the last finite one."""
    non_finite = [row for row in results.rows if row["status"] == Status.NON_FINITE.name.lower()]
    message = Status.NON_FINITE.message
    return [
        *results.failed,
        *results.unscored,
        *({**row, "error": message} for row in non_finite if row["error"] is None),
    ]


def _named(row: Row) -> str:
    words = [row["method"], row["preset"] or "", settings_text(row["settings"])]
    return " ".join(word for word in words if word)


def _page(data: dict[str, Any]) -> str:
    """The page with its style, its program and its data in it."""
    parts = resources.files("drp_jax.sweep.report") / "parts"

    def read(name: str) -> str:
        return (parts / name).read_text(encoding="utf-8")

    # A "<" in a string could end the element that the data is in.
    content = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    page = read("page.html")
    for name, text in (
        ("mark", _MARK),
        ("title", html.escape(data["title"])),
        ("style", read("page.css")),
        ("program", "\n".join(map(read, _SCRIPTS))),
        ("data", content),  # the last, because it may have such names in it
    ):
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


@contextlib.contextmanager
def _replace_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a new folder beside `folder`, which takes its place if the block ends well.

    Files of the old folder that are no part of a report are kept.
    """
    target = pathlib.Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = pathlib.Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=".partial"))
        try:
            new, old = work / "new", work / "old"
            new.mkdir()
            yield new
            if target.exists():
                target.rename(old)
            try:
                new.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
            for other in old.iterdir() if old.exists() else ():
                if other.name not in (PAGE, pictures.FOLDER):
                    other.rename(target / other.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written: {error.strerror or error}; accepted: a folder that can "
            "be written"
        ) from None


def _beginning(path: pathlib.Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as opened:
        return opened.read(1000)
