"""Is there room: the memory that a file may take, checked before it is decoded."""

import ctypes
import os
import pathlib
from collections.abc import Iterable

from drp_jax.errors import InputError, require, require_whole

WORKING_BYTES = 8
"""For each number beside its stored form: the float32 image, and a copy on the way there."""
_GIGA = 1e9


def in_bytes(text: str) -> int:
    """A number of bytes, thousands of thousands if it ends in M, and so on, or ValueError."""
    power = {"K": 3, "M": 6, "G": 9, "T": 12}.get(text[-1:].upper(), 0)
    number = float(text[:-1] if power else text) * 10**power
    if not 1 <= number < 2**63:
        raise ValueError
    return int(number)


def allowed(memory: int | None) -> int:
    """The bytes that a picture may take: those given, or half of what is free now.

    Raises:
      InputError: if it is no whole number from 1 up.
    """
    if memory is None:
        return free_memory() // 2
    require_whole(memory, "memory", 1, 2**63)
    return int(memory)


def require_room(
    path: pathlib.Path, height: int, width: int, samples: int, itemsize: int, memory: int
) -> None:
    """Raises InputError if a picture of the size that a file declares would take too much.

    Args:
      path: the file, for the message.
      height: in pixels.
      width: in pixels.
      samples: numbers a pixel, with alpha.
      itemsize: bytes of each.
      memory: bytes that it may take.
    """
    require(
        min(height, width, samples) > 0,
        f"{path}: declares {width} x {height} pixels; accepted: an image with pixels",
    )
    needed = height * width * samples * (itemsize + WORKING_BYTES)
    if needed > memory:
        raise InputError(
            f"{path}: {width} x {height} pixels take {needed / _GIGA:.2g} GB; accepted: up to "
            f"{memory / _GIGA:.2g} GB of memory"
        )


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def give_back() -> None:
    """Gives memory that is free within this process back to the system, where glibc is there.

    A compilation leaves several hundred megabytes of it.
    """
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (AttributeError, OSError):  # another C library
        return


def free_memory() -> int:
    """Bytes that this process can still take without swapping, as far as the system says."""
    found = [*_of_the_machine(), *_of_the_container()]
    return min(found) if found else 2**63


def _of_the_machine() -> Iterable[int]:
    try:
        for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
                return
    except OSError:
        pass
    try:  # other than Linux
        yield os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return


def _of_the_container(folder: pathlib.Path = pathlib.Path("/sys/fs/cgroup")) -> Iterable[int]:
    for most, used, statistics, name in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        try:
            free = int((folder / most).read_text()) - int((folder / used).read_text())
            lines = (folder / statistics).read_text().splitlines()
            # Copies of files that are dropped when memory is needed.
            spare = (int(line.split()[1]) for line in lines if line.split()[0] == name)
            yield max(free + next(spare, 0), 0)
        except (OSError, ValueError):  # no container, or one without a limit
            continue
