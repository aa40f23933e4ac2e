"""The JSON files that measurements leave, and the tables and pages of Markdown made from them."""

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from drp_jax.commands.report import environment, write_json
from drp_jax.images import replace_whole


class Table(NamedTuple):
    """A table of Markdown whose rows are dictionaries.

    Attributes:
      names: the names of the columns, with " | " between them.
      row: formats of a row's fields, with " | " between them, as "{psnr:.2f} | {seconds:.1f}". A
        field that is missing or None leaves its place empty.
    """

    names: str
    row: str

    def head(self) -> str:
        """The two lines above the rows."""
        return f"| {self.names} |\n{'|---' * (self.names.count('|') + 1)}|"

    def line(self, fields: Mapping[str, Any]) -> str:
        """The line of one row."""
        known = {name: value for name, value in fields.items() if value is not None}
        return f"| {self.row.format_map(_Fields(known))} |"

    def of(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """The whole table."""
        return "\n".join([self.head(), *map(self.line, rows)])


class _Fields(dict):
    def __missing__(self, name: str) -> "_Empty":
        return _Empty()


class _Empty:
    def __format__(self, form: str) -> str:
        return ""


def show(
    table: Table, rows: Iterable[dict], path: pathlib.Path | None, content: dict, *packages: str
) -> list[dict]:
    """Prints rows as they are measured, writes all so far after each of them, and returns all."""
    done: list[dict] = []
    for row in rows:
        done.append(row)
        print(table.line(row) if done[1:] else table.of(done), flush=True)
        write_report(path, content | {"rows": done}, *packages)
    if path is not None:
        print(f"wrote {path}")
    return done


def write_table(path: pathlib.Path | None, table: str) -> None:
    """Writes a table of Markdown beside a JSON file, with its name; nothing without a path."""
    if path is not None:
        write_page(path.with_suffix(".md"), table)


def by_case_and_method(rows: Iterable[dict]) -> dict[tuple[str, str], list[dict]]:
    """The rows of each case and method, cases in their order."""
    rows = list(rows)
    groups: dict[tuple[str, str], list[dict]] = {}
    for case in dict.fromkeys(row["case"] for row in rows):
        for row in (row for row in rows if row["case"] == case):
            groups.setdefault((case, row["method"]), []).append(row)
    return groups


def write_report(path: pathlib.Path | None, content: dict, *packages: str) -> None:
    """Writes what was measured, with the device and the versions; nothing without a path."""
    if path is not None:
        write_json(path, environment(*packages) | content)


def read_reports(paths: Iterable[pathlib.Path]) -> dict[str, dict]:
    """The content of JSON files by their names without the suffix."""
    return {path.stem: json.loads(path.read_text()) for path in paths}


def write_page(path: pathlib.Path, *paragraphs: str) -> None:
    """Writes a page whose paragraphs have an empty line between them; it is replaced whole."""
    with replace_whole(path) as temporary:
        temporary.write_text("\n\n".join(paragraphs) + "\n")
    print(f"wrote {path}")
