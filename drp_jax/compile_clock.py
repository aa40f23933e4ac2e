"""The time that JAX takes to trace and compile."""

import contextlib
import time
from collections.abc import Iterator

import jax.monitoring


@contextlib.contextmanager
def compile_clock(beginning: str = "/jax/core/compile/") -> Iterator[list[float]]:
    """A list that collects the seconds of JAX's events whose name has that beginning.

    By default these are all of tracing and compilation. An event within another counts with that:
    a function that is traced, say, because another one calls it.
    """
    durations: list[float] = []
    starts: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if not event.startswith(beginning):
            return
        start = time.perf_counter() - duration_secs  # an event is told when it ends
        while starts and starts[-1] >= start:
            starts.pop()
            durations.pop()
        starts.append(start)
        durations.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield durations
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
