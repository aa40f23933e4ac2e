"""What a person sees while a run goes on: a live bar, or plain lines in a log."""

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar

from drp_jax import Method
from drp_jax.tiles import TileProgress

LINES_PER_RUN = 10
SECONDS_A_LINE = 30
"""After which a log has another line."""


class Display(Protocol):
    """What shows the progress of a run: a context manager that is told of it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...

    def update(self, report: TileProgress) -> None: ...


class ProgressText:
    """Says how far a run is, what it measures and the time left.

    Args:
      iterations: their limit.
    """

    def __init__(self, iterations: int):
        self._iterations = iterations
        self._first: tuple[int, float] | None = None

    def counts(self, report: TileProgress) -> tuple[int, int]:
        """The number of iterations done, and of all, over all tiles."""
        done = report.tile * self._iterations
        if report.progress is not None:
            done += report.progress.iteration - self._iterations
        return done, report.tiles * self._iterations

    def described(self, report: TileProgress) -> str:
        """The step, what was measured and the time left, which the first report does not know."""
        parts = _described(report)
        left = self._seconds_left(*self.counts(report))
        if left is not None:
            parts.append(f"{clock_time(left)} left")
        return "  ".join(parts)

    def _seconds_left(self, done: int, total: int) -> int | None:
        """Time left from the pace since the first report, which followed the compilation."""
        now = time.monotonic()
        if self._first is None:
            self._first = (done, now)
            return None
        first_done, first_time = self._first
        pace = (now - first_time) / max(done - first_done, 1)
        return round(pace * (total - done))


class ProgressDisplay:
    """Shows how far a run is, what it measures and the time left on standard error.

    A context manager whose `update` takes what `restore` tells its callback. On a terminal
    it draws a bar, elsewhere it prints a line for every tenth of the run, and after half a minute.
    """

    def __init__(self, method: Method):
        iterations = int(method.loop.iterations)
        self._text = ProgressText(iterations)
        self._lines_printed = 0
        self._last_line = time.monotonic()
        self._begin = f"{method.name}, up to {iterations} {step_word(method)}s: compiling ..."
        self._bar = _bar()
        self._task = self._bar.add_task(self._begin, total=iterations)

    def __enter__(self) -> "ProgressDisplay":
        self._bar.start()
        if self._bar.disable:
            print(self._begin, file=sys.stderr, flush=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def update(self, report: TileProgress) -> None:
        done, total = self._text.counts(report)
        text = self._text.described(report)
        self._bar.update(self._task, completed=done, total=total, description=text)
        tenth = done * LINES_PER_RUN // total
        now = time.monotonic()
        is_due = tenth > self._lines_printed or now - self._last_line > SECONDS_A_LINE
        if self._bar.disable and (done == 1 or is_due):
            self._lines_printed, self._last_line = tenth, now
            gap = " " if report.progress is None or report.progress.step else "  "
            print(f"{counted(report)}{gap}{text}".rstrip(), file=sys.stderr, flush=True)


class StackDisplay:
    """Shows how many of many are done, on a terminal; a context manager.

    Args:
      count: how many there are.
      noun: what they are called.
      first: what is shown before one has ended.
    """

    def __init__(self, count: int, noun: str, first: str = "compiling ..."):
        self._bar = _bar()
        self._noun, self._first = noun, first
        self._task = self._bar.add_task(first, total=count)

    def __enter__(self) -> "StackDisplay":
        self._bar.start()
        if self._bar.disable:
            print(self._first, file=sys.stderr, flush=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, line: str, left: str = "", *, count: int | None = None) -> None:
        """One more has ended; the line, which says how, goes to the standard output.

        Args:
          line: how.
          left: words for the time that is left, shown beside the bar.
          count: how many there are, if that may have changed.
        """
        description = f"{self._noun}  {left}" if left else self._noun
        self._bar.update(self._task, advance=1, total=count, description=description)
        say(line)

    def during(self, name: str) -> "StepDisplay":
        """What shows the progress of one of them beside the bar."""
        return StepDisplay(self._bar, self._task, name)


class StepDisplay:
    """Shows which of many is at work, and its step; a context manager."""

    def __init__(self, bar: Bar, task: TaskID, name: str):
        self._bar, self._task, self._name = bar, task, escape(_printable(name))

    def __enter__(self) -> "StepDisplay":
        self._bar.update(self._task, description=f"{self._name}  compiling ...")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.update(self._task, description=self._name)

    def update(self, report: TileProgress) -> None:
        self._bar.update(self._task, description=f"{self._name}  {counted(report)}")


class TimeLeft:
    """About how long it takes until many are done, as the others take as long as those before.

    Args:
      clock: what tells the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._begun = clock()

    def after(self, done: int, left: int) -> str:
        """Words for the time that those left take; none after the first, which was compiled too."""
        if done < 2:
            return ""
        pace = (self._clock() - self._begun) / done
        return f"{clock_time(round(pace * left))} left"


def clock_time(seconds: int) -> str:
    """A time as 0:05, 12:00 or 2:00:00."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def plural(count: int, noun: str) -> str:
    """How many of something, like "1 run" and "2 runs"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def counted(report: TileProgress) -> str:
    """How far a run is: its tiles, or the iterations of the one that there is."""
    progress = report.progress
    if report.tiles > 1 or progress is None:
        return f"tile {report.tile}/{report.tiles}"
    return f"{step_word(progress.run.method)} {progress.iteration}/{progress.iterations}"


def _described(report: TileProgress) -> list[str]:
    """The step and what was measured."""
    progress = report.progress
    if progress is None:
        return []
    parts = [progress.step] if progress.step else []
    name = progress.run.method.measures[0]
    parts.append(f"{name} {progress.measures[name]:.4f}")
    if progress.metric is not None:
        parts.append(f"PSNR {progress.measures[progress.metric]:.2f} dB")
    return parts


def _bar() -> Bar:
    """A bar on standard error, or nothing if that is no terminal.

    Its clock runs by itself, so that a compilation is seen to go on.
    """
    console = Console(stderr=True)
    # Lines for the standard output are led around the bar only where both are on the terminal.
    return Bar(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
    )


def say(line: str) -> None:
    """Prints one line of what goes on, whatever file names are in it, and if nobody can read it."""
    try:
        print(_printable(line), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            words = "no more lines can be written, and the work goes on"
            print(f"{words}: {error.strerror}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    """On one line, and without what the standard output has no characters for."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.replace("\n", "\\n").encode(encoding, "backslashreplace").decode(encoding)


def step_word(method: Method) -> str:
    """What a method's iterations are called: a filter takes a few steps."""
    return "step" if method.is_finite_process else "iteration"
