"""What is known of results written before: `drp-jax.jsonl` in their folder, a line for each."""

import json
import os
import pathlib
from typing import Any

from drp_jax import InputError
from drp_jax.commands.inputs import RECORD

Line = dict[str, Any]


class Record:
    """The lines of a folder's record by the names of the results; the last of a name counts.

    Lines that are damaged, as the last one may be after a crash, count as not there.
    """

    def __init__(self, folder: pathlib.Path):
        self._path = folder / RECORD
        self._lines: dict[str, Line] = {}
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be read: {error.strerror}; accepted: the record of an "
                "earlier run, or none"
            ) from None
        for one in text.splitlines():
            try:
                line = json.loads(one)
                self._lines[line["name"]] = line
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, name: str) -> Line | None:
        """The line of a result, or None."""
        return self._lines.get(name)

    def add(self, line: Line) -> None:
        """Writes one more line, which is on disk before this returns.

        Raises:
          InputError: if it cannot be written.
        """
        self._lines[line["name"]] = line
        try:
            with open(self._path, "ab+") as opened:
                if opened.tell() and not _ends_a_line(opened):
                    opened.write(b"\n")  # after a line that was cut off
                opened.write(json.dumps(line, allow_nan=False).encode() + b"\n")
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written: {error.strerror}; accepted: a folder that can "
                "be written"
            ) from None


def identity(path: pathlib.Path) -> Line:
    """What tells one content of a file from another: its size and when it was changed."""
    status = path.stat()
    return {"bytes": status.st_size, "modified": status.st_mtime_ns}


def _ends_a_line(opened: Any) -> bool:
    opened.seek(-1, os.SEEK_END)
    return opened.read(1) == b"\n"
