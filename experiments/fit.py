"""One run of `restore` from a command: progress, Ctrl-C, and the clock."""

import contextlib
import dataclasses
import signal
import time
from collections.abc import Iterator, Sequence

import jax
import jax.monitoring
import numpy as np

from drp_jax import Operator, Progress, Restoration, Settings, Status, psnr, restore
from drp_jax.metrics import Metric
from experiments import STARTED
from experiments.progress import ProgressDisplay


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

    restoration: Restoration
    seconds: float
    compile_seconds: float
    first_iteration_seconds: float | None

    @property
    def interrupted(self) -> bool:
        return int(self.restoration.status) == Status.INTERRUPTED


def fit(
    observation: np.ndarray,
    *,
    seed: int,
    settings: Settings,
    interrupts: Sequence[int] = (),
    operator: Operator | None = None,
    seed_image: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    metric: Metric = psnr,
) -> Fit:
    """Restores an image and shows progress.

    It ends after the next report once `interrupts`, from `deferred_interrupts`, has an entry.

    Raises:
      InputError: as `restore`.
    """
    start = time.perf_counter()
    first_report: list[float] = []
    with (
        compile_clock() as compile_times,
        ProgressDisplay(settings.solver.iterations) as display,
    ):

        def report(progress: Progress) -> bool:
            first_report.append(time.perf_counter() - STARTED)
            display.update(progress)
            return bool(interrupts)

        restoration = restore(
            observation,
            key=jax.random.key(seed),
            settings=settings,
            operator=operator,
            seed=seed_image,
            reference=reference,
            metric=metric,
            callback=report,
        )
    elapsed = time.perf_counter() - start
    compile_seconds = sum(compile_times)
    first = first_report[0] if first_report else None
    return Fit(restoration, elapsed - compile_seconds, compile_seconds, first)


@contextlib.contextmanager
def compile_clock(event: str = "/jax/core/compile/") -> Iterator[list[float]]:
    """A list that collects the seconds of JAX's events whose name begins with `event`.

    By default these are all of tracing and compilation.
    """
    durations: list[float] = []

    def listen(name: str, duration: float, **_: object) -> None:
        if name.startswith(event):
            durations.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield durations
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@contextlib.contextmanager
def deferred_interrupts() -> Iterator[list[int]]:
    """A list that is empty until Ctrl-C; a second Ctrl-C raises KeyboardInterrupt."""
    signals: list[int] = []
    previous = signal.getsignal(signal.SIGINT)

    def note(number: int, _: object) -> None:
        signals.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGINT, previous)
