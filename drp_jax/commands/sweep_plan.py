"""`drp-jax sweep plan`: what a plan would run, and about how long that takes."""

import dataclasses
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from drp_jax import InputError
from drp_jax.commands import options, sweep_flags
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.progress import StackDisplay, plural, say, step_word
from drp_jax.presets import completed
from drp_jax.sweep import Plan, Store, Variant
from drp_jax.sweep.estimate import estimated, programs_of
from drp_jax.sweep.plan import values_of
from drp_jax.sweep.report.summary import value_text
from drp_jax.sweep.requests import Identified
from drp_jax.sweep.running import identified, missing
from drp_jax.sweep.shared import results_in

_NAMED = 8
"""Names or values that are listed; of more, the first and the last."""

_MOST_SECONDS = 75.0
"""After which no further program is timed."""


@dataclasses.dataclass(frozen=True)
class PlanArguments:
    plan: tuple[pathlib.Path, ...] = sweep_flags.plan()
    out: str | None = options.option(
        str, "PLACE", "a folder or an address", "Leave out what is done there.", shown="none"
    )
    estimate: bool = options.flag(
        "Run a few iterations of each program for the time, about two minutes long.", True
    )
    slots: int | None = sweep_flags.slots()
    compilation_cache: bool = sweep_flags.compilation_cache()


@options.command(
    "plan",
    PlanArguments,
    help="Say what a plan would run, and whether it is sound.",
    epilog="The exit status is 1 if an image cannot be read or a run that is timed fails, and 2 if "
    "the plan is not sound.",
)
def show(parsed: PlanArguments) -> int:
    """Say what a plan would run."""
    plan = sweep_flags.read(parsed.plan)
    if parsed.compilation_cache:
        use_compilation_cache()
    for line in (*_contents(plan), *sweep_flags.left_out(plan)):
        say(line)
    runs = identified(plan)
    if parsed.out is not None:
        with results_in(parsed.out) as results, Store(results.folder) as store:
            left = missing(runs, plan.metrics, store)
        say(sweep_flags.how_many(len(runs), left, f" in {parsed.out}"))
        runs = left.runs
    try:
        programs = programs_of(runs)
    except InputError as error:
        raise InputError(f"{parsed.plan[0]}: {error}") from None
    say(f"{plural(len(runs), 'run')} in {plural(len(programs), 'compiled program')}")
    has_failed = False
    if parsed.estimate and runs:
        has_failed = _say_times(programs, parsed.slots)
    else:
        for program in programs:
            say(_about(program))
    return int(has_failed or bool(plan.unreadable))


def _contents(plan: Plan) -> Iterator[str]:
    """What a plan expands to."""
    sizes: dict[str, list[str]] = {}
    for image in plan.images:
        sizes.setdefault(image.size, []).append(image.name)
    for size, names in sizes.items():
        yield f"{plural(len(names), 'image')} of {size}: {_listed(names)}"
    degradations = [f"{one.name} ({one.task})" for one in plan.degradations]
    yield f"{plural(len(degradations), 'degradation')}: {_listed(degradations)}"
    tasks = list(dict.fromkeys(one.task for one in plan.degradations))
    for group in plan.groups():
        yield from _about_method(group, tasks)
    yield f"{plural(len(plan.keys), 'key')}: {_listed([str(key) for key in plan.keys])}"
    yield f"{plural(len(plan.metrics), 'metric')}: {_listed(list(plan.metrics))}"


def _about_method(group: Sequence[Variant], tasks: Sequence[str]) -> Iterator[str]:
    """A method with its preset, its iterations and its settings; a line, or one for some tasks."""
    settings = "".join(
        f"; {name} {_listed([_value(one) for one in values])}"
        for name, values in values_of(group).items()
        if name != "iterations"
    )
    lines: dict[str, list[str]] = {}
    for task in tasks:
        methods = [one.method(task) for one in group]
        name, preset = group[0].name, group[0].preset
        chosen = "" if group[0].base is not None else f" {completed(preset, name, task)[0]}"
        counts = dict.fromkeys(int(one.loop.iterations) for one in methods)
        steps = f"{_listed(list(map(str, counts)))} {step_word(methods[0])}s"
        lines.setdefault(f"{name}{chosen}: {steps}", []).append(task)
    for line, some in lines.items():
        where = f" ({', '.join(some)})" if len(lines) > 1 else ""
        yield f"method {line}{where}{settings}"


def _value(value: Any) -> str:
    return "the preset's" if value is None else value_text(value)


def _listed(words: Sequence[str]) -> str:
    if len(words) <= _NAMED:
        return ", ".join(words)
    return ", ".join((*words[: _NAMED - 2], "...", words[-1]))


def _say_times(programs: Sequence[Sequence[Identified]], slots: int | None) -> bool:
    """Says how long each program takes, as soon as it is timed, and all of them.

    Returns:
      Whether a run failed.
    """
    say("timing a few iterations of each for about two minutes (--no-estimate: none) ...")
    begun = time.monotonic()
    compiling = running = 0.0
    is_least = has_failed = False
    with StackDisplay(len(programs), "programs") as display:
        for program in programs:
            if time.monotonic() - begun > _MOST_SECONDS:
                is_least = True
                display.update(f"{_about(program)}: not timed, as time is up")
                continue
            with display.during(_about(program)):
                one = estimated(program, slots=slots)
            if isinstance(one, str):
                has_failed = True
                display.update(f"{_about(program)}: {program[0][1].image.name} fails: {one}")
                continue
            is_least |= one.is_least
            compiling, running = compiling + one.compile_seconds, running + one.seconds
            words = _words(one.seconds, is_least=one.is_least)
            display.update(
                f"{_about(program)}: {words}, and {_duration(one.compile_seconds)} to compile"
            )
    say(
        f"{_words(compiling + running, is_least=is_least)} in all on this machine, "
        f"{_duration(compiling)} of it to compile unless that is kept"
    )
    return has_failed


def _about(program: Sequence[Identified]) -> str:
    """What the runs of a program have in common."""
    run = program[0][1]
    chosen = "" if run.variant.preset is None else f" {run.variant.preset}"
    degradations = _listed(list(dict.fromkeys(one.degradation.name for _, one in program)))
    return (
        f"{run.variant.name}{chosen} on {degradations}, {run.image.size}, "
        f"{plural(len(program), 'run')}"
    )


def _words(seconds: float, *, is_least: bool) -> str:
    return f"{'more than' if is_least else 'about'} {_duration(seconds)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
