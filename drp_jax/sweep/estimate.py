"""How long a plan will take: a short run of each of its programs, on this machine."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax

from drp_jax.batch import Request, program_of, restore_many
from drp_jax.compile_clock import compile_clock
from drp_jax.errors import InputError, reason
from drp_jax.sweep.plan import PlannedRun
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
      InputError: if a degradation or method of one's own fails; it names that and the image.
    """
    programs: dict[Any, list[Identified]] = {}
    problems: dict[Any, Any] = {}  # one stands for all of its degradation and shape
    for one in runs:
        run = one[1]
        alike = (run.degradation.name, run.image.shape)
        if alike not in problems:
            with _named(run.degradation.name, run):
                problems[alike] = request_of(one).problem
        with _named(run.variant.name, run):
            method = run.variant.method(run.degradation.task)
            program = program_of(problems[alike], method)
        programs.setdefault(program, []).append(one)
    return list(programs.values())


def estimated(
    runs: Sequence[Identified],
    *,
    slots: int | None = None,
    most_seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate | str:
    """The time of runs that share a program, from a few iterations of the first of them.

    If that run fails, the reason.

    A method whose iterations differ, as filters' steps do, runs to its end; if that takes too long,
    the estimate is a least one. Slots on a CPU do not save time; on accelerators they do, and the
    estimate is too long where slots are not full of work then.

    Args:
      runs: of one program.
      slots: as in `restore_many`.
      most_seconds: after which a timed run is given up, its compilation apart.
      clock: what tells the time, in seconds.
    """
    try:
        request = request_of(runs[0])
        is_cut = can_be_cut(request)
    except Exception as error:  # whatever functions of one's own raise
        return reason(error)
    method = request.method
    assert method is not None
    iterations = int(method.loop.iterations) if is_cut else 1
    short = cut(request, 1) if is_cut else request
    at_once = max(1, min(len(runs), jax.local_device_count() if slots is None else slots))
    first = _timed(short, slots, most_seconds, clock)
    if first.error is not None:
        return first.error
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


@contextlib.contextmanager
def _named(name: str, run: PlannedRun) -> Iterator[None]:
    """Makes an `InputError` with the name, and the image of the run, of all that is raised."""
    try:
        yield
    except Exception as error:  # whatever functions of one's own raise
        is_known = isinstance(error, InputError)  # and says itself what is accepted
        accepted = "" if is_known else "; accepted: one that takes all images of the plan"
        raise InputError(
            f"{name} fails for {run.image.name}, {run.image.size}: {reason(error)}{accepted}"
        ) from error


@dataclasses.dataclass(frozen=True)
class _Run:
    """How long a run took after its compilation, whether it came to its end, and why it failed."""

    seconds: float
    compile_seconds: float
    has_ended: bool
    error: str | None


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
        error = ended[0].error if ended else None
        return _Run(seconds(), sum(compiling), bool(ended), error)
