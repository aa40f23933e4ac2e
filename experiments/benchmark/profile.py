"""Where an iteration spends its time: `python -m experiments.benchmark profile`.

Runs a case under `jax.profiler` and prints the operations of the compiled loop that take most,
in milliseconds per iteration, with the shape that they give and where they come from. Times of
operations that run side by side add up to more than the iteration.
"""

import collections
import dataclasses
import pathlib
import re
import tempfile
from collections.abc import Sequence
from typing import Annotated

import jax
import numpy as np

from drp_jax import preset, solver
from drp_jax.inputs import SMALLEST_SIDE, checked_inputs
from drp_jax.metrics import psnr
from drp_jax.restore import begin
from experiments import arguments

PROGRAM = "benchmark profile"
ITERATIONS = 10


@dataclasses.dataclass(frozen=True)
class ProfileArguments:
    method: Annotated[
        str, *arguments.option(str, "NAME", "a name", "The method: drp-dip, drp-dd, dip or dd.")
    ] = "drp-dip"
    task: Annotated[
        str,
        *arguments.option(
            str, "NAME", "a name", "Whose settings: denoise, super-resolve, inpaint."
        ),
    ] = "denoise"
    size: Annotated[int, *arguments.whole("Side of the image in pixels, from 8 up.")] = 256
    width: Annotated[int | None, *arguments.whole("Channels per scale.", "of the preset")] = None
    rows: Annotated[int, *arguments.whole("Operations to print, from 1 up.")] = 20


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _profile(argv), program=PROGRAM)


def _profile(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(ProfileArguments, argv, program=PROGRAM, description=__doc__ or "")
    arguments.require_range(parsed, "size", SMALLEST_SIDE)
    arguments.require_range(parsed, "rows", 1)
    settings = preset("paper", method=parsed.method, task=parsed.task).adjusted(width=parsed.width)
    shape = (parsed.size, parsed.size, 3)
    observation = np.random.default_rng(0).random(shape, dtype=np.float32)
    inputs = checked_inputs(settings, observation, operator=None, seed=None, reference=None)
    problem, state = begin(settings, psnr, inputs, jax.random.key(0))
    config = settings.solver
    program = jax.jit(solver.run, static_argnums=0).lower(config, problem, state, until=1).compile()
    state = jax.block_until_ready(program(problem, state, until=1))
    milliseconds = _operations(lambda: program(problem, state, until=1 + ITERATIONS))
    described = _described(program.as_text())
    print("| ms per iteration | gives | operation | from |\n|---|---|---|---|")
    inside = [(name, time) for name, time in milliseconds.most_common() if name in described]
    for name, time in inside[: parsed.rows]:
        result, origin = described[name]
        print(f"| {time:.2f} | {result} | {name} | {origin} |", flush=True)
    print(f"all {len(inside)} operations: {sum(time for _, time in inside):.1f} ms")
    return 0


def _operations(run) -> collections.Counter[str]:
    """Milliseconds per iteration of each event that the profiler sees during `run`."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(run())
        [path] = pathlib.Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(path))
        times: collections.Counter[str] = collections.Counter()
        for plane in profile.planes:
            for line in plane.lines:
                for event in line.events:
                    times[event.name] += event.duration_ns / 1e6 / ITERATIONS
    return times


def _described(program: str) -> dict[str, tuple[str, str]]:
    """Name of each operation of a compiled program: the type it gives, and where it comes from."""
    described: dict[str, tuple[str, str]] = {}
    for line in program.splitlines():
        found = re.match(r"\s*(?:ROOT )?%([\w.\-]+) = (\w+\[[\d,]*\])", line)
        origin = re.search(r'op_name="([^"]*)"', line)
        # What calls others is left out: its time is theirs.
        if found and origin and not re.search(r" (while|conditional|call)\(", line):
            described.setdefault(found[1], (found[2], origin[1].split("body/", 1)[-1]))
    return described
