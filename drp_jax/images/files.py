"""Files replaced whole, and whether one can be written at all, whatever is in it."""

import contextlib
import errno
import os
import pathlib
import tempfile
from collections.abc import Iterator

from drp_jax.errors import InputError, as_path, require

A_FILE = "the path of a file"
PARTIAL = ".partial"
"""The end of the name of a file that is being written; no pattern for pictures matches it."""


@contextlib.contextmanager
def replace_whole(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, renamed to it if the block ends well.

    Whatever happens, `path` holds its old content or the whole new one. The temporary name begins
    with a dot and ends in `.partial`.

    Raises:
      InputError: if the operating system refuses to write there.
    """
    path = as_path(path, A_FILE)
    require_writable(path)
    target = pathlib.Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=PARTIAL)
        os.close(handle)
        temporary = pathlib.Path(name)
        try:
            yield temporary
            temporary.chmod(target.stat().st_mode if target.exists() else 0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; accepted: a folder that can be "
            "written"
        ) from None


def require_writable(path: pathlib.Path, size: int = 0) -> None:
    """Raises what writing so many bytes to `path` would raise, and leaves nothing there.

    Raises:
      InputError: if so.
    """
    target = pathlib.Path(os.path.realpath(path))  # a link is written through
    try:
        folder = target.parent if path.is_symlink() else path.parent
        require(not target.is_dir(), f"{path}: is a folder; accepted: the path of a file")
        require(
            not target.exists() or target.is_file(),
            f"{path}: is not a regular file; accepted: the path of a file",
        )
        require(
            folder.is_dir(),
            f"{path}: the folder {folder} does not exist; accepted: an existing folder",
        )
        require(
            not target.exists() or os.access(target, os.W_OK),
            f"{path}: is write-protected; accepted: a file that may be replaced",
        )
        with tempfile.TemporaryFile(dir=folder) as trial:
            if size and hasattr(os, "posix_fallocate"):
                _allocate(trial.fileno(), size)
    except OSError as error:
        raise InputError(
            f"{path}: cannot write there: {error.strerror}; accepted: a folder that can be written"
        ) from None


def _allocate(handle: int, size: int) -> None:
    """Takes the room on the disk, if it is a file system that can say whether there is any."""
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
