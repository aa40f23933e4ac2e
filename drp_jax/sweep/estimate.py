"""How long a plan will take: a short run of each of its programs, on this machine."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from drp_jax.batch import Request, program_of, restore_many
from drp_jax.compile_clock import compile_clock
from drp_jax.sweep.requests import Identified, can_be_cut, cut, request_of

MOST_SECONDS = 8.0
"""After which a timed run is given up, its compilation apart."""

_MOST_ITERATIONS = 12
"""Of the runs that are timed."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """How long runs that share a compiled program will take.

    Attributes:
      compile_seconds: to trace and compile.
      seconds: of all of them after that.
      is_least: whether it takes longer than that, by how much is not known.
    """

    compile_seconds: float
    seconds: float
    is_least: bool = False


def programs_of(runs: Iterable[Identified]) -> list[list[Identified]]:
    """Runs by the compiled program that they share.

    Raises:
      Exception: whatever functions of one's own raise.
    """
    programs: dict[Any, list[Identified]] = {}
    problems: dict[Any, Any] = {}  # one stands for all of its degradation and shape
    for one in runs:
        run = one[1]
        alike = (run.degradation.name, run.image.shape)
        if alike not in problems:
            problems[alike] = request_of(one).problem
        method = run.variant.method(run.degradation.task)
        programs.setdefault(program_of(problems[alike], method), []).append(one)
    return list(programs.values())


def estimated(
    runs: Sequence[Identified],
    *,
    slots: int | None = None,
    most_seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """The time of runs that share a program, from a few iterations of the first of them.

    A method whose iterations differ, as filters' steps do, runs to its end; if that takes too long,
    the estimate is a least one. Slots on a CPU do not save time; on accelerators they do, and the
    estimate is too long where slots are not full of work then.

    Args:
      runs: of one program.
      slots: as in `restore_many`.
      most_seconds: after which a timed run is given up, its compilation apart.
      clock: what tells the time, in seconds.
    """
    request = request_of(runs[0])
    method = request.method
    assert method is not None
    is_cut = can_be_cut(request)
    iterations = int(method.loop.iterations) if is_cut else 1
    short = cut(request, 1) if is_cut else request
    at_once = max(1, min(len(runs), jax.local_device_count() if slots is None else slots))
    first = _timed(short, slots, most_seconds, clock)
    if not first.has_ended:
        return Estimate(first.compile_seconds, first.seconds * len(runs) / at_once, is_least=True)
    small = _timed(short, slots, most_seconds, clock).seconds
    most = min(_MOST_ITERATIONS, iterations, int(most_seconds / 2 / max(small, 1e-6)))
    each = small  # of an iteration, with all that is done once
    if most > 1:
        many = _timed(cut(request, most), slots, most_seconds, clock).seconds
        each = max(0.0, many - small) / (most - 1)
    whole = small + each * (iterations - 1)
    return Estimate(first.compile_seconds, whole * len(runs) / at_once)


@dataclasses.dataclass(frozen=True)
class _Run:
    """How long a run took after its compilation, and whether it came to its end."""

    seconds: float
    compile_seconds: float
    has_ended: bool


def _timed(
    request: Request, slots: int | None, most_seconds: float, clock: Callable[[], float]
) -> _Run:
    begun = clock()
    with compile_clock() as compiling:

        def seconds() -> float:
            return max(0.0, clock() - begun - sum(compiling))

        results = restore_many(
            [request],
            key=jax.random.key(0),
            slots=slots,
            share=(0, 1),
            is_over=lambda: seconds() > most_seconds,
        )
        ended = list(results)
        for finished in ended:
            if finished.restoration is not None:
                jax.block_until_ready(finished.restoration.image)
        return _Run(seconds(), sum(compiling), bool(ended))
