"""Is there room: the memory that a file may take, checked before it is decoded."""

import os
import pathlib
from collections.abc import Iterable

from drp_jax.errors import InputError, require, require_whole

WORKING_BYTES = 8
"""For each number beside its stored form: the float32 image, and a copy on the way there."""
_GIGA = 1e9


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


def _of_the_container() -> Iterable[int]:
    folder = pathlib.Path("/sys/fs/cgroup")
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            yield max(int((folder / most).read_text()) - int((folder / used).read_text()), 0)
        except (OSError, ValueError):  # no container, or one without a limit
            continue
