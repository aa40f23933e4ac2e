"""Time the filters: `python -m experiments.benchmark filters --against ../other-checkout`.

Restores a photograph with the default presets of the tasks and says how many seconds of processor
time that takes, without compilation; and, with another checkout, how many there, one run of each by
turns, and the ratio.
"""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator

from drp_jax import InputError
from drp_jax.commands import options
from experiments import pages
from experiments.benchmark import filter_worker, measuring

TASKS = ("denoise", "inpaint", "super-resolve")
HERE = pathlib.Path(__file__).parents[2]
TABLE = pages.Table(
    "task | size | s here | s there | ratio",
    "{task} | {size} | {here:.2f} | {there:.2f} | {ratio:.2f}",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    task: str | None = measuring.only(TASKS)
    size: int = measuring.size(256, least=32, most=512)
    repeats: int = measuring.repeats(3)
    against: pathlib.Path | None = options.file("Another checkout.", shown="none")
    output: pathlib.Path | None = measuring.output()


@options.command("filters", Arguments, help=__doc__)
def filters(parsed: Arguments) -> int:
    """Processor time of the filters, against another checkout too."""
    if parsed.against is not None and not (parsed.against / "drp_jax").is_dir():
        raise InputError(f"--against is {parsed.against}; accepted: a checkout, with drp_jax in it")
    content = {"size": parsed.size, "repeats": parsed.repeats}
    pages.show(TABLE, _rows(parsed), parsed.output, content)
    return 0


def _rows(parsed: Arguments) -> Iterator[dict]:
    for task in TASKS if parsed.task is None else (parsed.task,):
        checkouts = {"here": HERE, "there": parsed.against}
        workers = {
            name: _worker(checkout, task, parsed.size)
            for name, checkout in checkouts.items()
            if checkout is not None
        }
        for worker in workers.values():
            _seconds(worker)  # which compiles
        turns = [
            {name: _seconds(it) for name, it in workers.items()} for _ in range(parsed.repeats)
        ]
        for worker in workers.values():
            worker.communicate()
        seconds = {name: [turn[name] for turn in turns] for name in workers}
        row = {name: statistics.median(values) for name, values in seconds.items()}
        if "there" in row:
            row["ratio"] = statistics.median(turn["here"] / turn["there"] for turn in turns)
        yield {"task": task, "size": parsed.size, **row, "all_seconds": seconds}


def _worker(checkout: pathlib.Path, task: str, size: int) -> subprocess.Popen:
    """A process with the library of a checkout; it shares nothing with this one."""
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
    command = [sys.executable, "-P", filter_worker.__file__, task, str(size)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)


def _seconds(worker: subprocess.Popen) -> float:
    """The seconds of one more run of a worker."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise InputError(f"a run ended early; it was {worker.args!r}")
    return float(line.split()[0])
