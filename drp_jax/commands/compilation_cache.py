"""Compiled programs kept on disk, so that the second start of a command need not compile."""

import contextlib
import glob
import os
import pathlib
import re
import sys
import warnings
from typing import Any

import jax

_UNUSABLE = re.compile(
    "Error (?P<what>reading|writing) persistent compilation cache entry for '(?P<program>[^']*)'"
)


def cache_folder() -> pathlib.Path:
    """`drp_jax` in the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "drp_jax"


def use_compilation_cache() -> None:
    """Turns JAX's persistent cache on, unless the user has given it a folder already.

    Where the folder cannot be made it stays off, and a line on standard error says so.
    """
    given = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if given is not None:
        _replace_damaged(pathlib.Path(given))
        return
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"compiled programs are not kept: {folder}: {error.strerror}", file=sys.stderr)
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Every program counts: the many small ones take longer together than the large one.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    _replace_damaged(folder)


def _replace_damaged(folder: pathlib.Path) -> None:
    """Drops an entry that JAX cannot read, as a full disk leaves one, before it compiles anew.

    JAX warns of it, with the program's name, and writes no entry while there is one. The warning is
    not shown. No entry that cannot be written is worth one either.
    """
    show = warnings.showwarning

    def drop(message: Warning | str, *others: Any, **more: Any) -> None:
        found = _UNUSABLE.match(str(message))
        if found is None:
            show(message, *others, **more)
        elif found["what"] == "reading":
            for entry in folder.glob(f"{glob.escape(found['program'])}-*"):
                with contextlib.suppress(OSError):
                    entry.unlink()

    warnings.filterwarnings("always", message=_UNUSABLE.pattern)  # also the second of a program
    warnings.showwarning = drop
