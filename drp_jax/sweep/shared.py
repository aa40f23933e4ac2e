"""Results on shared storage: kept here while a sweep runs, and copied there by fsspec.

SQLite needs a disk of its own machine. So a sweep into `s3://bucket/results`, or any other address
that fsspec knows, writes into a folder of this machine, from which the images and then the table
are copied now and then: what is there is a whole table at any time, at most some seconds old.
"""

import contextlib
import dataclasses
import pathlib
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any

from drp_jax.errors import InputError, in_a_line
from drp_jax.sweep.store import TABLE

_SECONDS = 30.0


@dataclasses.dataclass
class Results:
    """Where the results of a sweep are while it runs.

    Attributes:
      folder: of this machine.
    """

    folder: pathlib.Path

    def copy(self, *, now: bool = False) -> None:
        """Copies what is new, unless the last time was a moment ago; nothing for a folder here."""

    def bring(self, files: Iterable[str]) -> None:
        """Brings images here that a table names; nothing for a folder here, which has them."""


@contextlib.contextmanager
def results_in(place: str | pathlib.Path, *, with_images: bool = False) -> Iterator[Results]:
    """The results at a place: a folder of this machine, or an address like `s3://bucket/results`.

    Args:
      place: the folder, or the address.
      with_images: whether the images that are there are needed here; the table always is.

    Raises:
      InputError: if there is no such storage, or it cannot be read or written.
    """
    if "://" not in str(place):
        yield Results(pathlib.Path(place))
        return
    with tempfile.TemporaryDirectory() as folder:
        results = _Copied(pathlib.Path(folder), str(place))
        results.fetch(with_images=with_images)
        try:
            yield results
        finally:
            results.copy(now=True)


class _Copied(Results):
    """Results that are copied to an address."""

    def __init__(self, folder: pathlib.Path, place: str):
        super().__init__(folder)
        self._place = place
        self._there: set[str] = set()
        self._copied: dict[str, int] = {}  # by name, the time of what both places have
        self._last = time.monotonic()
        with self._understood():
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(place)

    def fetch(self, *, with_images: bool) -> None:
        """Brings here what is there."""
        with self._understood():
            self._files.makedirs(f"{self._root}/images", exist_ok=True)
            if self._files.exists(f"{self._root}/{TABLE}"):
                self._files.get_file(f"{self._root}/{TABLE}", str(self.folder / TABLE))
            (self.folder / "images").mkdir()
            there = self._files.ls(f"{self._root}/images", detail=False)
        self._there = {path.rsplit("/", 1)[-1] for path in there}
        if with_images:
            self._bring(self._there)

    def bring(self, files: Iterable[str]) -> None:
        self._bring({f"{pathlib.PurePath(file).name}.npz" for file in files} & self._there)

    def copy(self, *, now: bool = False) -> None:
        is_early = not now and time.monotonic() - self._last < _SECONDS
        if is_early or not (self.folder / TABLE).exists():
            return
        with self._understood():
            # The table as it is, before the images are looked for: all that it names are here.
            whole = self.folder / "copy.sqlite"
            whole.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(self.folder / TABLE)) as table:
                table.execute("VACUUM INTO ?", (str(whole),))
            for path in (self.folder / "images").iterdir():
                time_of_it = path.stat().st_mtime_ns
                if self._copied.get(path.name) != time_of_it:
                    self._put(path, f"images/{path.name}")
                    self._copied[path.name] = time_of_it
            self._put(whole, TABLE)
        self._last = time.monotonic()

    def _bring(self, names: Iterable[str]) -> None:
        with self._understood():
            for name in names:
                path = self.folder / "images" / name
                self._files.get_file(f"{self._root}/images/{name}", str(path))
                self._copied[name] = path.stat().st_mtime_ns

    def _put(self, path: pathlib.Path, name: str) -> None:
        """Copies a file so that what is there is the old one or the new one, whole."""
        part = f"{self._root}/{name}.part"
        self._files.put_file(str(path), part)
        self._files.mv(part, f"{self._root}/{name}")

    @contextlib.contextmanager
    def _understood(self) -> Iterator[Any]:
        try:
            yield
        except ImportError as error:
            raise InputError(
                f"{self._place}: {in_a_line(error)}; accepted: pip install 'drp_jax[ray]', and "
                "what fsspec asks for, as s3fs for s3://"
            ) from None
        except sqlite3.Error:
            raise
        except Exception as error:  # each storage has errors of its own
            raise InputError(
                f"{self._place}: cannot be used: {in_a_line(error)}; accepted: a folder, or an "
                "address that fsspec can write to"
            ) from None
