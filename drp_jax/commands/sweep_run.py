"""`drp-jax sweep run`: run a plan, here or on a cluster."""

import dataclasses
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax

from drp_jax import InputError
from drp_jax.batch import BatchStatistics
from drp_jax.cluster import LOCAL
from drp_jax.commands import options, sweep_flags
from drp_jax.commands.compilation_cache import use_compilation_cache
from drp_jax.commands.fit import deferred_interrupts
from drp_jax.commands.progress import StackDisplay, TimeLeft, plural, say
from drp_jax.commands.report import environment
from drp_jax.commands.sweep_lines import best_in_lines, run_in_a_line, varied_settings
from drp_jax.errors import in_a_line
from drp_jax.images.memory import give_back
from drp_jax.sweep import Done, Plan, Store, run_sweep
from drp_jax.sweep.halving import shares_of
from drp_jax.sweep.on_ray import run_sweep_on_ray
from drp_jax.sweep.running import Left, begun, git_revision, missing
from drp_jax.sweep.shared import Results, results_in
from drp_jax.sweep.store import TABLE

MOST_PROGRAMS = 16
"""Compiled programs that are kept in memory."""

_UNITS = {"s": 1, "m": 60, "h": 3600}
_SHARE = "a share above 0, at most 0.5"
_LIMIT = "a time above 0, like 90s, 10m or 2h"
_PROCESSES = "HOST:PORT,COUNT,NUMBER, or auto where JAX can tell, as under SLURM"


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None or not float(match[1]) > 0:
        raise ValueError
    return float(match[1]) * _UNITS[match[2] or "s"]


def _share(text: str) -> float:
    share = float(text)
    shares_of(share)  # which raises ValueError for what is no share
    return share


@dataclasses.dataclass(frozen=True)
class Processes:
    """Which process this is of how many, and where the first of them listens."""

    address: str | None = None
    count: int | None = None
    own: int | None = None

    @classmethod
    def of(cls, text: str) -> "Processes":
        if text == "auto":
            return cls()
        address, count, own = text.split(",")
        if not 0 <= int(own) < int(count):
            raise ValueError
        return cls(address, int(count), int(own))

    def join(self) -> None:
        """Joins the others; before JAX does anything else."""
        try:
            jax.distributed.initialize(self.address, self.count, self.own)
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"--distributed: the processes do not meet: {in_a_line(error)}; accepted: "
                f"{_PROCESSES}"
            ) from None


@dataclasses.dataclass(frozen=True)
class RunArguments:
    plan: tuple[pathlib.Path, ...] = sweep_flags.plan()
    out: str = options.option(
        str,
        "PLACE",
        "a folder or an address",
        "Folder of the table, runs.sqlite, and the images; or an address like s3://bucket/results.",
        "results",
    )
    slots: int | None = sweep_flags.slots()
    halving: float | None = options.option(
        _share,
        "SHARE",
        _SHARE,
        "Share of the iterations after which the worse half of a method's settings ends; then at "
        "twice the share, and so on.",
        shown="none ends early",
    )
    limit_time: float | None = options.option(
        _seconds,
        "TIME",
        _LIMIT,
        f"When to stop, {_LIMIT}; the same command goes on. It is no failure: the exit status is 0 "
        "if no run failed.",
        shown="none",
    )
    ray: str | None = options.option(
        str,
        "ADDRESS",
        "an address",
        "Run on this Ray cluster: auto, HOST:PORT, ray://HOST:PORT, or local to start one here.",
        shown="in this process",
    )
    distributed: Processes | None = options.option(
        Processes.of,
        "PROCESSES",
        _PROCESSES,
        f"Be one of several processes of one machine, by jax.distributed: {_PROCESSES}.",
        shown="one process",
    )
    compilation_cache: bool = sweep_flags.compilation_cache()


@options.command(
    "run",
    RunArguments,
    help="Run a plan, or what is left of it.",
    epilog="The exit status is 0 if no run failed, also where some are left; 1 if one failed or an "
    "image cannot be read; 2 if the plan or a flag is not accepted; 130 after Ctrl-C, 143 after "
    "SIGTERM.",
)
def run(parsed: RunArguments) -> int:
    """Run a plan, or what is left of it."""
    for name in ("halving", "distributed"):
        if parsed.ray is not None and getattr(parsed, name) is not None:
            raise InputError(f"--{name} is given beside --ray; accepted: one of the two")
    if parsed.distributed is not None:
        if "://" in parsed.out:
            raise InputError(
                f"--out is {parsed.out} beside --distributed; accepted: a folder of this machine"
            )
        parsed.distributed.join()
    plan = sweep_flags.read(parsed.plan)
    if parsed.compilation_cache:
        use_compilation_cache()
    with results_in(parsed.out, with_images=parsed.halving is not None) as results:
        return _run(plan, results, parsed)


def _run(plan: Plan, results: Results, parsed: RunArguments) -> int:
    total, left = _left(plan, results, is_halved=parsed.halving is not None)
    for line in (*sweep_flags.left_out(plan), sweep_flags.how_many(total, left)):
        say(line)
    work = {identity for identity, _ in (*left.runs, *(one for one, _ in left.unscored))}
    if not work:
        if total:
            _say_best(results.folder)
        return int(bool(plan.unreadable))
    about = environment() | {"git": git_revision()}
    start = time.monotonic()
    ended = _Ended(work)
    with deferred_interrupts() as interrupts:

        def is_over() -> bool:
            late = parsed.limit_time is not None and time.monotonic() - start > parsed.limit_time
            return bool(interrupts) or late

        time_left, varied, memory = TimeLeft(), varied_settings(plan), _ProgramMemory()
        with StackDisplay(len(work), "runs", _beginning(len(work), parsed.ray)) as display:
            for one in _done(plan, results.folder, parsed, about, is_over):
                ended.count(one)
                memory.bound(one.statistics.programs)
                count = ended.all + len(ended.left)
                remaining = time_left.after(ended.all, len(ended.left))
                counted = f"{ended.all:{len(str(count))}}/{count}"
                words = (counted, remaining, run_in_a_line(one, varied))
                display.update("  ".join(filter(None, words)), remaining, count=count)
                results.copy()
        say(ended.summary(time.monotonic() - start, parsed))
        if ended.all or total > len(left.runs):
            _say_best(results.folder)
        if interrupts:
            return 128 + interrupts[0]
    return int(ended.failed > 0 or bool(plan.unreadable))


def _beginning(work: int, ray: str | None) -> str:
    """What is said before a run has ended."""
    if ray is None:
        return f"{plural(work, 'run')} ..."
    begun = "starting Ray here" if ray == LOCAL else f"joining Ray at {ray}"
    return f"{begun}; its workers compile before the first run ends ..."


def _say_best(folder: pathlib.Path) -> None:
    for line in best_in_lines(folder):
        say(line)


def _done(
    plan: Plan,
    folder: pathlib.Path,
    parsed: RunArguments,
    about: dict[str, Any],
    is_over: Callable[[], bool],
) -> Iterator[Done]:
    alike: dict[str, Any] = {"slots": parsed.slots, "environment": about, "is_over": is_over}
    if parsed.ray is None:
        return run_sweep(plan, folder, halving=parsed.halving, **alike)
    return run_sweep_on_ray(plan, folder, parsed.ray, **alike)


def _left(plan: Plan, results: Results, *, is_halved: bool) -> tuple[int, Left]:
    """How many runs of a plan are this process's, and what the table lacks of them."""
    with Store(results.folder) as store:
        runs = begun(plan, store)
        left = missing(runs, plan.metrics, store, is_halved=is_halved)
    results.bring(row[name] for _, row in left.unscored for name in ("files", "inputs"))
    return len(runs), left


@dataclasses.dataclass
class _ProgramMemory:
    """Bounds the memory that compiled programs take, and what compiling them has left.

    Attributes:
      programs: how many there have been.
      dropped: how many of them were dropped.
    """

    programs: int = 0
    dropped: int = 0

    def bound(self, programs: int) -> None:
        """To be told how many there have been, after every run."""
        if programs == self.programs:
            return
        if programs - self.dropped > MOST_PROGRAMS:
            jax.clear_caches()
            self.dropped = programs
        give_back()
        self.programs = programs


@dataclasses.dataclass
class _Ended:
    """How many runs have ended how: done, without a result or a score, or scored again.

    Those that are left are known by their ids: halving may do others again, see `halved_rows`.
    """

    left: set[str]
    done: int = 0
    failed: int = 0
    scored: int = 0
    statistics: BatchStatistics = dataclasses.field(default_factory=BatchStatistics)

    def count(self, one: Done) -> None:
        self.left.discard(one.row["id"])
        has_failed = one.row["error"] is not None
        self.failed += has_failed
        self.scored += one.is_scored_again and not has_failed
        self.done += not one.is_scored_again and not has_failed
        self.statistics = one.statistics

    @property
    def all(self) -> int:
        return self.done + self.failed + self.scored

    def summary(self, seconds: float, parsed: RunArguments) -> str:
        parts = [f"{plural(self.done, 'run')} in {seconds:.0f} s"]
        if self.statistics.programs:
            used = self.statistics
            if parsed.ray is None:  # there every worker compiles its own
                parts.append(plural(used.programs, "program"))
            parts.append(f"slots busy {used.busy_share:.0%}")
        if self.scored:
            parts.append(f"{self.scored} scored again, not run")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.left:
            parts.append(f"{len(self.left)} left, which the same command runs")
        return f"{', '.join(parts)}; {parsed.out.rstrip('/')}/{TABLE}"
