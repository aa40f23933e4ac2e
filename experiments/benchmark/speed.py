"""Measure how fast networks are fitted here: `python -m experiments.benchmark speed`.

Every case is one method on random images: compile seconds, the median of the seconds per
iteration over repeated chunks after a warm-up, images per second, the share of this device's
measured matrix-product peak, and the memory of the compiled program. `--against-torch` runs
the same network, loss and optimisers in PyTorch, chunk by chunk in turn with ours.
"""

import dataclasses
import functools
import itertools
import pathlib
import statistics
import time
from collections.abc import Callable
from importlib import util

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from drp_jax import InputError, Problem, begin, preset
from drp_jax.commands import options
from drp_jax.loop import ROOM, Run
from drp_jax.method import MOST_ITERATIONS
from drp_jax.operators import Downsample, Mask
from drp_jax.problem import SMALLEST_SIDE
from drp_jax.slots import advance_slots, spread
from drp_jax.untrained import DeepDecoderConfig, Generator, HourglassConfig, Precision, Untrained
from experiments import pages
from experiments.benchmark import measuring

FACTOR = 4
METHODS = ("drp-dip", "drp-dd", "dip", "dd")
TASKS = ("denoise", "inpaint", "super-resolve")
TABLE = pages.Table(
    "method | task | size | width | batch | precision | compile s | s/iteration | images/s at 1000 "
    "iterations | GFLOP/s (share of peak) | MB | PyTorch s/iteration | ratio",
    "{method} | {task} | {size} | {width} | {batch} | {precision} | {compile_seconds:.1f} | "
    "{seconds_per_iteration:.4f} | {images_per_second:.4f} | {gflops:.0f} ({share_of_peak:.0%}) | "
    "{megabytes:.0f} | {torch_seconds_per_iteration:.4f} | {ratio_to_torch:.2f}",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """What is timed: a method's `paper` preset for a task, on square random images.

    Without a width it is the preset's; `batch` is the number of images at once.
    """

    method: str = "drp-dip"
    task: str = "denoise"
    size: int = 512
    width: int | None = None
    batch: int = 1
    precision: Precision = Precision.FLOAT32

    @property
    def settings(self) -> Untrained:
        """The method, without an end."""
        changes = {"width": self.width, "precision": self.precision, "iterations": MOST_ITERATIONS}
        return preset("paper", method=self.method, task=self.task).adjusted(**changes)

    @property
    def problem(self) -> Problem:
        """A random image with the task's operator."""
        rows = self.size // FACTOR if self.task == "super-resolve" else self.size
        draw = np.random.default_rng(0)
        observation = draw.random((rows, rows, 3), dtype=np.float32)
        known = (draw.random((rows, rows, 1)) < 0.5).astype(np.float32)
        operators = {"super-resolve": Downsample(FACTOR), "inpaint": Mask(jnp.asarray(known))}
        return Problem(observation, operator=operators.get(self.task))


SUITES = {
    "official": (
        *(Case(width=width) for width in (None, 32, 16)),
        *(Case(task=task) for task in ("super-resolve", "inpaint")),
    ),
    "methods": tuple(
        Case(method, task, size=256, width=32) for method in METHODS for task in TASKS
    ),
    "sizes": tuple(Case(size=size, width=16) for size in (128, 256, 512, 1024, 2048)),
    "batches": tuple(Case(size=128, width=16, batch=batch) for batch in (1, 8)),
    "accelerator-batches": tuple(Case(size=256, batch=batch) for batch in (1, 4, 16, 64)),
    "precisions": tuple(Case(precision=precision) for precision in Precision),
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    suite: str = options.choice((*SUITES, "all"), "The cases to time.", "official")
    size: int | None = measuring.size(shown="of the suite")
    repeats: int = measuring.repeats(5)
    seconds: float = options.number("Least seconds of a chunk.", 2.0, least=0.001)
    against_torch: bool = options.flag("Time the same in PyTorch; needs the extra bench.")
    output: pathlib.Path | None = measuring.output("benchmarks/results/speed-....json")


@options.command("speed", Arguments, help=__doc__)
def speed(parsed: Arguments) -> int:
    """Seconds per iteration of the networks, against PyTorch too."""
    if parsed.against_torch and util.find_spec("torch") is None:
        raise InputError('--against-torch needs PyTorch; accepted: after pip install -e ".[bench]"')
    device = "-".join(jax.devices()[0].device_kind.lower().split())
    name = f"benchmarks/results/speed-{parsed.suite}-{device}.json"
    rows = (_timed(case, parsed) for case in _cases(parsed))
    packages = ("torch",) if parsed.against_torch else ()
    pages.show(TABLE, rows, parsed.output or pathlib.Path(name), {}, *packages)
    return 0


def _cases(parsed: Arguments) -> list[Case]:
    suites = SUITES.values() if parsed.suite == "all" else [SUITES[parsed.suite]]
    cases = dict.fromkeys(itertools.chain(*suites))
    if parsed.size is None:
        return list(cases)
    least = FACTOR * SMALLEST_SIDE
    if parsed.size < least or parsed.size % FACTOR:
        accepted = f"multiples of {FACTOR} from {least} up"
        raise InputError(f"--size is {parsed.size}; accepted: {accepted}")
    return list(dict.fromkeys(dataclasses.replace(case, size=parsed.size) for case in cases))


@functools.cache
def product_peak(precision: Precision, side: int = 2048, repeats: int = 5) -> float:
    """GFLOP/s of a square matrix product on this device, the best of a few."""
    kind = jnp.bfloat16 if precision is Precision.BFLOAT16 else jnp.float32
    matrix = jnp.ones((side, side), kind)
    products = {Precision.FLOAT32: "float32", Precision.TF32: "tensorfloat32"}
    with jax.default_matmul_precision(products.get(precision, "default")):
        multiply = jax.jit(jnp.matmul).lower(matrix, matrix).compile()
    best = min(measuring.seconds(lambda: multiply(matrix, matrix)) for _ in range(repeats + 1))
    return 2 * side**3 / best / 1e9


def _timed(case: Case, parsed: Arguments) -> dict:
    """The measured row of a case; PyTorch's chunks lie between ours."""
    generator = case.settings.generator
    is_hourglass = isinstance(generator, HourglassConfig)
    ours, facts = _ours(case)
    runners = {"seconds_per_iteration": ours}
    if parsed.against_torch and case.batch == 1 and is_hourglass:
        runners["torch_seconds_per_iteration"] = _torch(case)
    chunks, lengths = {}, {}
    for name, run in runners.items():
        run(1)
        wanted = round(parsed.seconds / measuring.seconds(functools.partial(run, 1)))
        lengths[name] = min(max(1, wanted), ROOM)
        chunks[name] = functools.partial(run, lengths[name])
    times = measuring.by_turns(chunks, parsed.repeats)
    times = {name: [one / lengths[name] for one in times[name]] for name in times}
    medians = {name: statistics.median(values) for name, values in times.items()}
    once, other = medians["seconds_per_iteration"], medians.get("torch_seconds_per_iteration")
    gflops, peak = facts["flops_per_iteration"] / once / 1e9, product_peak(case.precision)
    return {
        **dataclasses.asdict(case),
        "width": _width(generator),
        **facts,
        **medians,
        "all_seconds_per_iteration": times,
        "image_iterations_per_second": case.batch / once,
        "images_per_second": case.batch / once / 1000,
        "gflops": gflops,
        "peak_gflops": peak,
        "share_of_peak": gflops / peak,
        **({} if other is None else {"ratio_to_torch": once / other}),
    }


def _width(generator: Generator) -> int:
    if isinstance(generator, HourglassConfig):
        return generator.widths_up[0]
    assert isinstance(generator, DeepDecoderConfig)
    return generator.width


def _ours(case: Case) -> tuple[Callable[[int], object], dict]:
    """A function that runs some iterations, and what its compiled program is known to take."""
    run = begin(case.problem, method=case.settings, key=jax.random.key(0))
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("slots",))
    stack, occupied = spread(run, case.batch, mesh), np.ones(case.batch, bool)
    begun = time.perf_counter()
    program = advance_slots.lower(mesh, stack, occupied, jnp.int32(1)).compile()
    compile_seconds = time.perf_counter() - begun
    memory = program.memory_analysis()
    assert memory is not None
    peak = memory.temp_size_in_bytes + memory.argument_size_in_bytes

    def iterate(count: int) -> object:
        nonlocal stack
        stack, *_ = program(stack, occupied, jnp.int32(count))
        return stack

    return iterate, {
        "compile_seconds": compile_seconds,
        "flops_per_iteration": _flops(run) * case.batch,
        "peak_bytes": peak,
        "megabytes": peak / 1e6,
    }


def _flops(run: Run) -> float:
    """Those of one iteration, as the CPU's compiler counts them: others do not tell."""
    started = jax.tree.map(jax.typeof, (run.problem, run.state.method))
    with jax.default_device(jax.devices("cpu")[0]):
        cost = jax.jit(run.method.step).lower(*started).cost_analysis()
    assert cost is not None
    return cost["flops"]


def _torch(case: Case) -> Callable[[int], object]:
    import torch

    from experiments.benchmark.torch_reference import stepper

    device = "cuda" if torch.cuda.is_available() else "cpu"
    step = stepper(case.settings, case.problem, device)

    def iterate(count: int) -> None:
        for _ in range(count):
            step()
        if device == "cuda":
            torch.cuda.synchronize()

    return iterate
