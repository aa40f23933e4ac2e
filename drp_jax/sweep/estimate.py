"""How long a plan will take: a short run of each of its programs, on this machine."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax

from drp_jax.batch import Request, program_of, restore_many
from drp_jax.sweep.requests import Identified, can_be_cut, cut, request_of

_FEW, _MORE = 2, 12
"""Iterations of the runs that are timed."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Runs that share a compiled program, and how long they will take.

    Attributes:
      runs: which.
      compile_seconds: until the first of them has begun.
      seconds: of all of them after that.
    """

    runs: list[Identified]
    compile_seconds: float
    seconds: float


def programs_of(runs: Iterable[Identified]) -> list[list[Identified]]:
    """Runs by the compiled program that they share.

    Raises:
      Exception: whatever functions of one's own raise.
    """
    programs: dict[Any, list[Identified]] = {}
    problems: dict[Any, Any] = {}  # one stands for all of its degradation and shape
    for one in runs:
        run = one[1]
        alike = (run.degradation.name, run.image.pixels().shape)
        if alike not in problems:
            problems[alike] = request_of(one).problem
        method = run.variant.method(run.degradation.task)
        programs.setdefault(program_of(problems[alike], method), []).append(one)
    return list(programs.values())


def estimated(
    runs: Sequence[Identified],
    *,
    slots: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Estimate]:
    """Estimates for runs, program by program, from a few iterations of one of their runs.

    A method whose iterations differ, as filters' steps do, runs to its end. Slots on a CPU do not
    save time; on accelerators they do, and the estimate is too long where slots are not full of
    work then.
    """
    for program in programs_of(runs):
        request = request_of(program[0])
        method = request.method
        assert method is not None
        first, small = (_seconds(request, _FEW, slots, clock) for _ in range(2))
        if can_be_cut(request):
            many = _seconds(request, _MORE, slots, clock)
            each = max(0.0, many - small) / (_MORE - _FEW)
            whole = small + each * max(0, int(method.loop.iterations) - _FEW)
        else:
            whole = small
        at_once = max(1, min(len(program), jax.local_device_count() if slots is None else slots))
        yield Estimate(program, max(0.0, first - small), whole * len(program) / at_once)


def _seconds(
    request: Request, iterations: int, slots: int | None, clock: Callable[[], float]
) -> float:
    """The time of one run of so many iterations, or of all where it cannot be cut."""
    short = cut(request, iterations) if can_be_cut(request) else request
    begun = clock()
    for finished in restore_many([short], key=jax.random.key(0), slots=slots, share=(0, 1)):
        if finished.restoration is not None:
            jax.block_until_ready(finished.restoration.image)
    return clock() - begun
