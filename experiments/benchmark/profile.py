"""Where an iteration spends its time: the operations of the loop, one convolution, a projection."""

import collections
import dataclasses
import functools
import pathlib
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Problem, advance, begin, presets
from drp_jax.commands import options
from drp_jax.operators import Radon, adjoint
from drp_jax.untrained.generators.layers import convolution
from experiments import pages
from experiments.benchmark import measuring
from experiments.benchmark.speed import METHODS, TASKS, Case

ITERATIONS = 10
CHANNELS = (16, 32, 64, 128)
MARGINS = (0, 1, 3)
PROFILE = """Show where an iteration spends its time: `python -m experiments.benchmark profile`.

Runs a case under `jax.profiler` and prints the operations of the compiled loop that take most,
in milliseconds per iteration, with the shape that they give and where they come from. Times of
operations that run side by side add up to more than the iteration."""
OPERATIONS = pages.Table(
    "ms per iteration | gives | operation | from", "{time:.2f} | {result} | {name} | {origin}"
)
CONVOLUTIONS = """Time one convolution in forms: `python -m experiments.benchmark convolutions`.

XLA on CPU gives a 3x3 convolution to one of two libraries, by its padding. This times the forms
between which the layers of the networks choose, inside a compiled loop: without padding, after a
margin of one row and column of zeros, after a margin of three."""
PROJECTION = """Time tomography against a network: `python -m experiments.benchmark projection`.

Parallel beams through a square image and their adjoint, which an iteration of a fit to tomography
computes once, against an iteration of the default projector on an image that it sees directly."""
FORMS = pages.Table(
    "channels | no padding, ms | margin 1, ms | margin 3, ms",
    "{channels} | {milliseconds[0]:.1f} | {milliseconds[1]:.1f} | {milliseconds[3]:.1f}",
)


@dataclasses.dataclass(frozen=True)
class ProfileArguments:
    method: str = options.choice(METHODS, "The method.", "drp-dip")
    task: str = options.choice(TASKS, "Whose settings.", "denoise")
    size: int = measuring.size(256, least=8)
    width: int | None = measuring.width(shown="of the preset")
    rows: int = measuring.whole("Operations to print.", 20)


@options.command("profile", ProfileArguments, help=PROFILE)
def profile(parsed: ProfileArguments) -> int:
    """The operations of a compiled iteration that take longest."""
    case = Case(parsed.method, parsed.task, parsed.size, parsed.width)
    run = begin(case.problem, method=case.settings, key=jax.random.key(0))
    program = jax.jit(advance).lower(run, 1).compile()
    run, _ = jax.block_until_ready(program(run, 1))
    text = program.as_text()
    assert text is not None
    described = _described(text)
    times = _times(lambda: program(run, 1 + ITERATIONS)).most_common()
    known = [(name, time) for name, time in times if name in described]
    rows = [{"time": time} | described[name] for name, time in known]
    print(OPERATIONS.of(rows[: parsed.rows]))
    print(f"all {len(rows)} operations: {sum(time for _, time in known):.1f} ms")
    return 0


def _times(run: Callable[[], object]) -> collections.Counter[str]:
    """Milliseconds per iteration of each event that the profiler sees during `run`."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(run())
        [path] = pathlib.Path(folder).rglob("*.xplane.pb")
        profiled = jax.profiler.ProfileData.from_file(str(path))
        times: collections.Counter[str] = collections.Counter()
        for line in (line for plane in profiled.planes for line in plane.lines):
            for event in line.events:
                times[event.name] += event.duration_ns / 1e6 / ITERATIONS
    return times


def _described(program: str) -> dict[str, dict[str, str]]:
    """By name the operations of a compiled program: what they give, and where they come from."""
    described: dict[str, dict[str, str]] = {}
    for line in program.splitlines():
        found = re.match(r"\s*(?:ROOT )?%([\w.\-]+) = (\w+\[[\d,]*\])", line)
        origin = re.search(r'op_name="([^"]*)"', line)
        # What calls others is left out: its time is theirs.
        if found and origin and not re.search(r" (while|conditional|call)\(", line):
            name, result = found.groups()
            place = {"result": result, "origin": origin[1].split("body/", 1)[-1]}
            described.setdefault(name, {"name": name} | place)
    return described


@dataclasses.dataclass(frozen=True)
class ConvolutionsArguments:
    size: int = measuring.size(256, least=8)
    repeats: int = measuring.repeats(3)
    output: pathlib.Path | None = measuring.output()


@options.command("convolutions", ConvolutionsArguments, help=CONVOLUTIONS)
def convolutions(parsed: ConvolutionsArguments) -> int:
    """Forms of one convolution inside a compiled loop."""
    pages.show(FORMS, _forms(parsed), parsed.output, {"size": parsed.size})
    return 0


def _forms(parsed: ConvolutionsArguments) -> Iterator[dict]:
    for channels in CHANNELS:
        loops = {margin: _loop(parsed.size, channels, margin) for margin in MARGINS}
        times = measuring.by_turns(loops, parsed.repeats)
        best = {margin: 1e3 * min(seconds) / ITERATIONS for margin, seconds in times.items()}
        yield {"channels": channels, "milliseconds": best}


@dataclasses.dataclass(frozen=True)
class ProjectionArguments:
    size: int = measuring.size(256, least=8)
    views: int = measuring.whole("Number of views.", 24)
    repeats: int = measuring.repeats(5)
    output: pathlib.Path | None = measuring.output()


@options.command("projection", ProjectionArguments, help=PROJECTION)
def projection(parsed: ProjectionArguments) -> int:
    """A projection and its adjoint against a network's iteration."""
    shape = (parsed.size, parsed.size)
    image = jnp.asarray(np.random.default_rng(0).random((*shape, 1)), jnp.float32)
    radon = Radon(jnp.arange(parsed.views) * jnp.pi / parsed.views, shape=shape)
    method, problem = presets.PROJECTOR.method, Problem(image)
    state = jax.jit(method.init)(problem, jax.random.key(0))
    step = jax.jit(method.step)
    projected = jax.jit(lambda radon, image: adjoint(radon, radon(image), problem.image))
    works = {"network": lambda: step(problem, state), "projection": lambda: projected(radon, image)}
    for work in works.values():
        jax.block_until_ready(work())  # which compiles
    times = measuring.by_turns(works, parsed.repeats)
    seconds = {name: statistics.median(values) for name, values in times.items()}
    ratio = seconds["projection"] / seconds["network"]
    print(
        f"{parsed.views} views of {parsed.size} x {parsed.size} and back "
        f"{1e3 * seconds['projection']:.1f} ms, a network's iteration "
        f"{1e3 * seconds['network']:.1f} ms, ratio {ratio:.2f}"
    )
    report = {"size": parsed.size, "views": parsed.views, "seconds": times, "ratio": ratio}
    pages.write_report(parsed.output, report)
    return 0


def _loop(size: int, channels: int, margin: int) -> Callable[[], jax.Array]:
    """A compiled loop over a convolution whose output feeds back, so that none is left out."""
    draw = np.random.default_rng(0)
    image = jnp.asarray(draw.normal(size=(size + 2, size + 2, channels)), jnp.float32)
    kernel = jnp.asarray(draw.normal(size=(3, 3, channels, channels)), jnp.float32)

    @jax.jit
    def loop(image: jax.Array, kernel: jax.Array) -> jax.Array:
        def body(_: int, image: jax.Array) -> jax.Array:
            result = convolution(image, kernel, stride=1, margin=margin)[margin:, margin:]
            result = jax.lax.optimization_barrier(result)
            return image + 1e-9 * jnp.pad(result, ((1, 1), (1, 1), (0, 0)))

        return jax.lax.fori_loop(0, ITERATIONS, body, image)

    run = functools.partial(loop, image, kernel)
    jax.block_until_ready(run())
    return run
