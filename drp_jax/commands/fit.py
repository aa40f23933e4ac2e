"""One run of `restore` from a command: progress, Ctrl-C, and the clock."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Iterator, Sequence

import jax

from drp_jax import Method, Problem, Restoration, Status
from drp_jax.commands.kept import Kept
from drp_jax.commands.progress import Display, ProgressDisplay
from drp_jax.compile_clock import compile_clock
from drp_jax.tiles import Tiled, TileProgress, restore_large, restore_whole

_IMPORTED = time.monotonic()
_ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals that end a run; the last is not known everywhere."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a run of a photograph is held to.

    Attributes:
      memory: most bytes to take, as in `restore_large`.
      kept: where it is kept as it goes, or None.
    """

    memory: int | None = None
    kept: Kept | None = None


@dataclasses.dataclass(frozen=True)
class Fit:
    """A restoration and what it took.

    Attributes:
      restoration: the result.
      seconds: wall time of the run without compilation.
      compile_seconds: time to trace and compile its programs, or to read them from the cache.
      first_iteration_seconds: time from the start of the command to the end of the first
        iteration, or None if there was none.
    """

    restoration: Restoration | Tiled
    seconds: float
    compile_seconds: float
    first_iteration_seconds: float | None

    @property
    def interrupted(self) -> bool:
        return int(self.restoration.status) == Status.INTERRUPTED


def fit(
    problem: Problem,
    *,
    seed: int,
    method: Method,
    interrupts: Sequence[int] = (),
    display: Display | None = None,
    limits: Limits | None = None,
) -> Fit:
    """Restores an image and shows progress, in a bar of its own if there is no `display`.

    It ends after the next report once `interrupts`, from `deferred_interrupts`, has an entry.
    Without `limits` it takes what memory it needs.

    Raises:
      InputError: as `restore`, or as `restore_large`.
    """
    start = time.perf_counter()
    first_report: list[float] = []
    showing: Display = display or ProgressDisplay(method)
    with compile_clock() as compile_times, showing as shown:

        def report(progress: TileProgress) -> bool:
            first_report.append(seconds_since_start())
            shown.update(progress)
            return bool(interrupts)

        key = jax.random.key(seed)
        restoration: Restoration | Tiled
        if limits is None:
            restoration = restore_whole(problem, key, method, report)
        elif limits.kept is None:
            restoration = restore_large(
                problem, key=key, method=method, memory=limits.memory, callback=report
            )
        else:
            restoration = limits.kept.restored(
                problem, key=key, method=method, memory=limits.memory, callback=report
            )
    elapsed = time.perf_counter() - start
    compile_seconds = sum(compile_times)
    first = first_report[0] if first_report else None
    return Fit(restoration, elapsed - compile_seconds, compile_seconds, first)


def seconds_since_start() -> float:
    """Wall time since this process began, with all that it imported.

    Where the operating system does not say when that was, since this module was imported.
    """
    try:
        # The 22nd field, counted from the end of the second, which may itself have blanks.
        fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - began
    except (OSError, AttributeError):
        return time.monotonic() - _IMPORTED


@contextlib.contextmanager
def deferred_interrupts() -> Iterator[list[int]]:
    """A list that is empty until Ctrl-C, `SIGTERM` or `SIGHUP`; a second raises KeyboardInterrupt.

    The list gets the number of the signal. A `SIGHUP` that is ignored, as under nohup, stays so.
    """
    signals: list[int] = []
    known = [signal.Signals[name] for name in _ENDINGS if hasattr(signal, name)]
    previous = {number: signal.getsignal(number) for number in known}
    if known[-1].name == "SIGHUP" and previous[known[-1]] is signal.SIG_IGN:
        del previous[known[-1]]

    def note(number: int, _: object) -> None:
        signals.append(number)
        for one in previous:
            signal.signal(one, signal.default_int_handler)

    for number in previous:
        signal.signal(number, note)
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
