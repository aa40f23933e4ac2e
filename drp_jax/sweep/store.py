"""The table of a sweep: a row for every run, in an SQLite file that a kill does not damage.

SQLite in its write-ahead mode: a row is there whole or not at all, whenever the process ends;
several processes of one machine may write at once; and pandas, polars and DuckDB open it as it is.
Images are files beside it, each written before the row that names it.
"""

import contextlib
import datetime
import json
import pathlib
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from drp_jax.errors import InputError
from drp_jax.images import Picture, replace_whole, write_image

TABLE = "runs.sqlite"
VERSION = 3
_WAIT_SECONDS = 60.0
_UNREADABLE = (
    *(OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile),
    *(RuntimeError, TypeError),  # a damaged entry that seems encrypted; a .npy, which is no archive
)
"""What is raised for a file that is missing, damaged or no .npz."""
COLUMNS = {
    "id": "TEXT PRIMARY KEY",
    "image": "TEXT NOT NULL",
    "degradation": "TEXT NOT NULL",
    "task": "TEXT NOT NULL",
    "method": "TEXT NOT NULL",
    "preset": "TEXT",
    "settings": "TEXT NOT NULL",
    "key": "INTEGER NOT NULL",
    "status": "TEXT NOT NULL",
    "error": "TEXT",
    "iterations": "INTEGER",
    "psnr": "REAL",
    "ssim": "REAL",
    "scores": "TEXT",
    "scored_by": "TEXT",
    "seconds": "REAL",
    "compile_seconds": "REAL",
    "files": "TEXT",
    "inputs": "TEXT",
    "finished": "TEXT NOT NULL",
    "environment": "INTEGER NOT NULL REFERENCES environments(id)",
}
"""Of the table `runs` and its view `latest`. `settings`, `scores` and `scored_by`, the versions of
the metrics, are JSON; `seconds` are those since the run before it ended, so that their sum is the
time of the sweep, and `compile_seconds` those of them that went into compiling; `files` is where
its images are, without the suffix, and `inputs` where those of the problem are; `finished` is in
universal time."""

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS environments (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS runs ({", ".join(map(" ".join, COLUMNS.items()))});
CREATE TABLE IF NOT EXISTS planned (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS metrics (name TEXT PRIMARY KEY, better TEXT NOT NULL);
CREATE VIEW IF NOT EXISTS latest AS SELECT * FROM runs WHERE id IN (SELECT id FROM planned);
PRAGMA user_version = {VERSION};
"""


class Store:
    """The table in a folder; a context manager.

    Raises:
      InputError: if it cannot be opened, or is of another version.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        path = folder / TABLE
        try:
            (folder / "images").mkdir(parents=True, exist_ok=True)
            self._table = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            self._prepare(path)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"{path}: cannot be opened: {error}; accepted: a folder that can be written"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()

    def statuses(self) -> dict[str, str]:
        """The status of every row, by its id."""
        return dict(self._table.execute("SELECT id, status FROM runs").fetchall())

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Rows that are added within are all there after a kill, or none of them.

        Raises:
          InputError: if they cannot be written.
        """
        try:
            self._table.execute("BEGIN IMMEDIATE")
            yield
            self._table.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):  # a full disk has ended it already
                self._table.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._full(error) from None
            raise

    def rows(self) -> list[dict[str, Any]]:
        """All rows, by column, in the order of their ids."""
        return self._rows("runs")

    def latest(self) -> list[dict[str, Any]]:
        """The rows of the plan that was begun last, alike."""
        return self._rows("latest")

    def begin(self, runs: Iterable[str], better: Mapping[str, str]) -> None:
        """Notes the plan that begins: the ids of its runs, and what is better of its metrics.

        Raises:
          InputError: if it cannot be written.
        """
        with self.together():
            self._table.execute("DELETE FROM planned")
            self._table.executemany("INSERT INTO planned VALUES (?)", ((one,) for one in runs))
            self._table.execute("DELETE FROM metrics")
            self._table.executemany("INSERT INTO metrics VALUES (?, ?)", better.items())

    def count(self, table: str) -> int:
        """How many rows a table has: `runs`, or `planned`, the ids of that plan."""
        (count,) = self._table.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)

    def metrics(self) -> dict[str, str]:
        """Its metrics, in order, each with what is better of it: "more" or "less"."""
        return dict(self._table.execute("SELECT name, better FROM metrics ORDER BY rowid"))

    def environments(self) -> dict[int, dict[str, Any]]:
        """What is known of where the runs were done, by the number that rows have."""
        found = self._table.execute("SELECT id, content FROM environments")
        return {number: json.loads(content) for number, content in found}

    def add(
        self,
        row: Mapping[str, Any],
        environment: Mapping[str, Any],
        arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    ) -> None:
        """Adds a row, or puts it in the place of the one with its id; on disk when this returns.

        Args:
          row: by column.
          environment: where it ran.
          arrays: arrays by name, by the file that they belong to, without its suffix; written
            before the row that names it. Those of a problem, which other runs have too, are
            written once.

        Raises:
          InputError: if it cannot be written.
        """
        try:
            for file, content in (arrays or {}).items():
                path = self.folder / file
                if file == row.get("files") or not path.with_suffix(".npz").exists():
                    _write_arrays(path, content)
        except OSError as error:
            raise self._full(error) from None
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        try:
            number = self._environment(json.dumps(environment, sort_keys=True))
            values = {**dict.fromkeys(COLUMNS), **row, "finished": now, "environment": number}
            places = ", ".join(f":{name}" for name in COLUMNS)
            self._table.execute(f"INSERT OR REPLACE INTO runs VALUES ({places})", values)
        except sqlite3.Error as error:
            raise self._full(error) from None

    def change(self, row: Mapping[str, Any]) -> None:
        """Writes all columns of a row that is there; on disk when this returns.

        Raises:
          InputError: if it cannot be written.
        """
        changes = ", ".join(f"{name} = :{name}" for name in COLUMNS)
        try:
            self._table.execute(f"UPDATE runs SET {changes} WHERE id = :id", row)
        except sqlite3.Error as error:
            raise self._full(error) from None

    def _rows(self, table: str) -> list[dict[str, Any]]:
        cursor = self._table.execute(f"SELECT {', '.join(COLUMNS)} FROM {table} ORDER BY id")
        return [dict(zip(COLUMNS, row, strict=True)) for row in cursor]

    def _full(self, error: Exception) -> InputError:
        return InputError(
            f"{self.folder / TABLE}: cannot be written: {error}; the runs before it are kept; "
            "accepted: a folder with room"
        )

    def _prepare(self, path: pathlib.Path) -> None:
        # In this order: tables that another process makes come with their version.
        (tables,) = self._table.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = self._table.execute("PRAGMA user_version").fetchone()
        if version != VERSION and tables:
            raise InputError(
                f"{path}: is a table of version {version}; accepted: one of version {VERSION}, "
                "or another folder"
            )
        self._table.execute("PRAGMA journal_mode = WAL")
        self._table.execute("PRAGMA synchronous = FULL")
        # One transaction, so that a kill in between leaves no table without a version.
        self._table.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def _environment(self, content: str) -> int:
        self._table.execute("INSERT OR IGNORE INTO environments (content) VALUES (?)", (content,))
        found = self._table.execute("SELECT id FROM environments WHERE content = ?", (content,))
        (number,) = found.fetchone()
        return int(number)


def arrays_in(folder: pathlib.Path, file: str | None) -> dict[str, np.ndarray] | None:
    """The arrays of a file of a sweep, named as in the table; None if it cannot be read."""
    if not file:
        return None
    try:
        with open(folder / f"{file}.npz", "rb") as opened, np.load(opened) as arrays:
            return dict(arrays)
    except _UNREADABLE:
        return None


def _write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Arrays as .npz, and what is called "image" as a picture too, where it is one."""
    image = arrays.get("image")
    if image is not None and image.shape[2] in (1, 3) and not np.iscomplexobj(image):
        write_image(path.with_suffix(".png"), Picture(np.clip(image, 0, 1)))
    with replace_whole(path.with_suffix(".npz")) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, **arrays)  # type: ignore[arg-type]
