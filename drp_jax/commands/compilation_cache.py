"""Compiled programs kept on disk, so that the second start of a command need not compile."""

import os
import pathlib
import sys

import jax


def cache_folder() -> pathlib.Path:
    """`drp_jax` in the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "drp_jax"


def use_compilation_cache() -> None:
    """Turns JAX's persistent cache on, unless the user has given it a folder already.

    Where the folder cannot be made it stays off, and a line on standard error says so.
    """
    if jax.config.jax_compilation_cache_dir is not None:  # type: ignore[attr-defined]
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
