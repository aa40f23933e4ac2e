"""A restoration in a thread of its own, followed by whoever shows it."""

import dataclasses
import queue
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import numpy as np

from drp_jax import InputError, Method, Problem
from drp_jax.commands.fit import Fit, Limits, fit
from drp_jax.commands.progress import ProgressText, counted
from drp_jax.errors import in_a_line
from drp_jax.tiles import TileProgress

Shown = TypeVar("Shown")

COMPILING = "Compiling, which takes longest the first time"
TICK = 1.0
"""Seconds between two signs of life before the first report."""


@dataclasses.dataclass(frozen=True)
class Report:
    """How far a run is.

    Attributes:
      text: in a line.
      image: the image so far `[H, W, C]`; None if it is that of one tile alone.
    """

    text: str
    image: np.ndarray | None


class Session:
    """What one open page keeps: the way to end its run."""

    def __init__(self) -> None:
        self._interrupts: list[int] = []

    def begin(self) -> list[int]:
        """A new run's list, which ends it as soon as it has an entry; see `fit`."""
        self._interrupts = []
        return self._interrupts

    def stop(self) -> None:
        """Ends the run that was begun last; its image is kept."""
        self._interrupts.append(signal.SIGINT)


def followed(
    problem: Problem,
    show: Callable[[Report], Shown],
    *,
    seed: int,
    method: Method,
    interrupts: list[int],
    limits: Limits | None = None,
) -> Generator[Shown, None, Fit]:
    """Restores an image as `fit` does, yields what shows how far it is, and gives what came of it.

    Reports that nobody asked for in time are left out. If nobody asks any more, because the
    generator is closed, the run ends.

    Args:
      problem, seed, method, interrupts, limits: as in `fit`.
      show: makes what is yielded of a report.

    Raises:
      InputError: as `fit`.
    """
    news: queue.SimpleQueue[Report | Fit | Exception] = queue.SimpleQueue()
    reports = _Reports(news, int(method.loop.iterations))

    def work() -> None:
        try:
            news.put(
                fit(
                    problem,
                    seed=seed,
                    method=method,
                    interrupts=interrupts,
                    display=reports,
                    limits=limits,
                )
            )
        except Exception as error:  # to be raised where it is waited for
            news.put(error)

    start, has_begun = time.monotonic(), False
    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            latest = _latest(news, None if has_begun else TICK)
            if isinstance(latest, Exception):
                raise latest
            if isinstance(latest, Fit):
                return latest
            has_begun = latest is not None
            seconds = time.monotonic() - start
            yield show(latest or Report(f"{COMPILING}, {seconds:.0f} s so far ...", None))
    finally:
        interrupts.append(signal.SIGINT)


def _latest(news: queue.SimpleQueue, timeout: float | None) -> Any:
    """The last report there is, or what ended the run; None if nothing comes in time."""
    try:
        latest = news.get(timeout=timeout)
    except queue.Empty:
        return None
    while isinstance(latest, Report) and not news.empty():
        latest = news.get()
    return latest


class _Reports:
    """A display that puts reports into a queue."""

    def __init__(self, news: queue.SimpleQueue, iterations: int):
        self._news = news
        self._text = ProgressText(iterations)

    def __enter__(self) -> "_Reports":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def update(self, report: TileProgress) -> None:
        text = f"{counted(report)}  {self._text.described(report)}".rstrip()
        is_whole = report.progress is not None and report.tiles == 1
        # A copy, because the run goes on in the memory of its arrays.
        image = np.array(report.progress.image) if is_whole and report.progress else None
        self._news.put(Report(text[0].upper() + text[1:], image))


def number(text: str | None, name: str, accepted: str = "a number") -> float | None:
    """The number in a field that may be left empty, which is None until it has been shown.

    Raises:
      InputError: if there is something else.
    """
    try:
        return float(text) if text and text.strip() else None
    except ValueError:
        raise InputError(f"{name} is {text!r}; accepted: {accepted}, or nothing") from None


def whole(text: str | None, name: str) -> int | None:
    """The same of whole numbers."""
    accepted = "a whole number"
    value = number(text, name, accepted)
    if value is None or value.is_integer():
        return None if value is None else int(value)
    raise InputError(f"{name} is {text!r}; accepted: {accepted}, or nothing")


def sentence(error: Exception) -> str:
    """What went wrong, for a person who sees neither flags nor the folders of this machine.

    What is not the fault of an input is written to standard error too.
    """
    if not isinstance(error, InputError):
        traceback.print_exception(error, file=sys.stderr)
        return f"This failed: {in_a_line(error)}"
    words = re.sub(r"/\S*/", "", str(error))
    return re.sub(r"--([a-z][a-z-]*)", lambda flag: flag[1].replace("-", " "), words)
