"""`drp-jax sweep plan`: what a plan would run, and about how long that takes."""

import dataclasses
import pathlib
from collections.abc import Sequence

from drp_jax import InputError
from drp_jax.commands import options, sweep_flags
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.progress import say
from drp_jax.errors import reason
from drp_jax.sweep import Store
from drp_jax.sweep.estimate import estimated, programs_of
from drp_jax.sweep.requests import Identified
from drp_jax.sweep.running import identified, missing
from drp_jax.sweep.shared import results_in

_NAMED = 4
"""Degradations of a program that are named."""


@dataclasses.dataclass(frozen=True)
class PlanArguments:
    plan: tuple[pathlib.Path, ...] = sweep_flags.plan()
    out: str | None = options.option(
        str, "PLACE", "a folder or an address", "Leave out what is done there.", shown="none"
    )
    estimate: bool = options.flag("Run a few iterations of each program for the time.", True)
    slots: int | None = sweep_flags.slots()
    compilation_cache: bool = sweep_flags.compilation_cache()


@options.command("plan", PlanArguments, help="Say what a plan would run, and whether it is sound.")
def show(parsed: PlanArguments) -> int:
    """Say what a plan would run."""
    plan = sweep_flags.read(parsed.plan)
    if parsed.compilation_cache:
        use_compilation_cache()
    runs = identified(plan)
    if parsed.out is not None:
        with results_in(parsed.out) as results, Store(results.folder) as store:
            left = missing(runs, plan.metrics, store)
        say(sweep_flags.how_many(len(runs), left, f" in {parsed.out}"))
        runs = left.runs
    try:
        programs = programs_of(runs)
    except Exception as error:  # whatever functions of one's own raise
        raise InputError(
            f"{parsed.plan[0]}: {reason(error)}; accepted: a plan whose functions can be called"
        ) from None
    for program in programs:
        say(_about(program))
    several = "" if len(programs) == 1 else "s"
    say(f"{len(runs)} runs in {len(programs)} compiled program{several}")
    if parsed.estimate and runs:
        say("a few iterations of each program, to estimate the time (--no-estimate: none) ...")
        compiling = running = 0.0
        for one in estimated(runs, slots=parsed.slots):
            say(f"{_about(one.runs)}: about {_duration(one.seconds)}")
            compiling, running = compiling + one.compile_seconds, running + one.seconds
        say(
            f"about {_duration(compiling + running)} in all on this machine, "
            f"{_duration(compiling)} of it to compile unless that is kept"
        )
    return 0


def _about(program: Sequence[Identified]) -> str:
    """What the runs of a program have in common."""
    run = program[0][1]
    height, width, channels = run.image.pixels().shape
    chosen = "" if run.variant.preset is None else f" ({run.variant.preset})"
    size = f"{height} x {width} x {channels}"
    count = f"{len(program)} run{'s' if len(program) > 1 else ''}"
    names = list(dict.fromkeys(one.degradation.name for _, one in program))
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    degradations = "; ".join([*names[:_NAMED], *more])
    return f"{run.degradation.task} ({degradations}), {size}: {run.variant.name}{chosen}, {count}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
