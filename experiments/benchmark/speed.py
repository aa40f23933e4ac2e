"""How fast the solver runs here: `python -m experiments.benchmark speed`.

Every case is one method on random images: compile seconds, the median of the seconds per
iteration over repeated chunks after a warm-up, images per second, the share of this device's
measured matrix-product peak, and the memory of the compiled program. `--against-torch` runs
the same network, loss and optimisers in PyTorch, chunk by chunk in turn with ours.
"""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable, Sequence
from importlib import util
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from drp_jax import (
    Downsample,
    HourglassConfig,
    Identity,
    InputError,
    Operator,
    Precision,
    Settings,
    preset,
    solver,
)
from drp_jax import Mask as MaskOperator
from drp_jax.batch import advance_slots, spread
from drp_jax.inputs import SMALLEST_SIDE, Inputs, checked_inputs
from drp_jax.metrics import psnr
from drp_jax.restore import begin
from experiments import arguments
from experiments.report import environment, write_json

PROGRAM = "benchmark speed"
FACTOR = 4


@dataclasses.dataclass(frozen=True)
class Case:
    """What is timed: a method's `paper` preset for a task on square random images.

    Attributes:
      method, task: as in `preset`.
      size: side of the image in pixels.
      width: channels per scale, or None for the preset's.
      batch: number of images at once.
      precision: of the generator's arithmetic.
    """

    method: str = "drp-dip"
    task: str = "denoise"
    size: int = 512
    width: int | None = None
    batch: int = 1
    precision: Precision = Precision.FLOAT32

    @property
    def settings(self) -> Settings:
        settings = preset("paper", method=self.method, task=self.task)
        return settings.adjusted(width=self.width, precision=self.precision)

    def inputs(self, index: int) -> Inputs:
        """The random image number `index` with the task's operator."""
        rows = self.size // FACTOR if self.task == "super-resolve" else self.size
        draw = np.random.default_rng(index)
        observation = draw.random((rows, rows, 3), dtype=np.float32)
        operator: Operator = Identity()
        if self.task == "super-resolve":
            operator = Downsample(FACTOR)
        if self.task == "inpaint":
            operator = MaskOperator(jnp.asarray(draw.random((rows, rows, 1)) < 0.5, jnp.float32))
        return checked_inputs(
            self.settings, observation, operator=operator, seed=None, reference=None
        )


OFFICIAL = (
    Case(),
    Case(width=32),
    Case(width=16),
    Case(task="super-resolve"),
    Case(task="inpaint"),
)
SUITES = {
    "official": OFFICIAL,
    "methods": tuple(
        Case(method=method, task=task, size=256, width=32)
        for method in ("drp-dip", "drp-dd", "dip", "dd")
        for task in ("denoise", "inpaint", "super-resolve")
    ),
    "sizes": tuple(Case(size=size, width=16) for size in (128, 256, 512, 1024, 2048)),
    "batches": tuple(Case(size=128, width=16, batch=batch) for batch in (1, 8)),
    "accelerator-batches": tuple(Case(size=256, batch=batch) for batch in (1, 4, 16, 64)),
    "precisions": tuple(Case(precision=precision) for precision in Precision),
}


@dataclasses.dataclass(frozen=True)
class SpeedArguments:
    suite: Annotated[
        str,
        *arguments.option(
            str, "NAME", "a name", f"The cases to time: {', '.join(SUITES)}, or all of them."
        ),
    ] = "official"
    size: Annotated[
        int | None,
        *arguments.whole("Side of the images in pixels, instead of the suite's.", "of the suite"),
    ] = None
    repeats: Annotated[int, *arguments.whole("Chunks timed per case, from 1 up.")] = 5
    seconds: Annotated[
        float, *arguments.number("Least seconds of a chunk, above 0; at least one iteration.")
    ] = 2.0
    against_torch: Annotated[
        bool, arguments.flag("Time the same in PyTorch, in turn; needs the extra bench.")
    ] = False
    output: Annotated[
        pathlib.Path | None,
        *arguments.file(
            "Where to write the JSON.", "benchmarks/results/speed-<suite>-<device>.json"
        ),
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _measure(argv), program=PROGRAM)


def _measure(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(SpeedArguments, argv, program=PROGRAM, description=__doc__ or "")
    cases = _cases(parsed)
    device = jax.devices()[0]
    output = parsed.output or _default_output(parsed, device)
    peaks: dict[Precision, float] = {}
    rows = []
    print(HEADER, flush=True)
    for case in cases:
        if case.precision not in peaks:
            peaks[case.precision] = product_peak(case.precision)
        row = _time_case(case, parsed) | {"peak_gflops": peaks[case.precision]}
        rows.append(row)
        print(_line(row), flush=True)
        write_json(
            output, environment(*(("torch",) if parsed.against_torch else ())) | {"rows": rows}
        )
    print(f"wrote {output}")
    return 0


def product_peak(precision: Precision, side: int = 2048, repeats: int = 5) -> float:
    """GFLOP/s of a square matrix product on this device, the best of a few."""
    kind = jnp.bfloat16 if precision is Precision.BFLOAT16 else jnp.float32
    matrix = jnp.ones((side, side), kind)
    products = {Precision.FLOAT32: "float32", Precision.TF32: "tensorfloat32"}
    with jax.default_matmul_precision(products.get(precision, "default")):
        multiply = jax.jit(jnp.matmul).lower(matrix, matrix).compile()
    multiply(matrix, matrix).block_until_ready()
    seconds = [_seconds(lambda: multiply(matrix, matrix).block_until_ready())]
    seconds += [
        _seconds(lambda: multiply(matrix, matrix).block_until_ready()) for _ in range(repeats)
    ]
    return 2 * side**3 / min(seconds) / 1e9


def _cases(parsed: SpeedArguments) -> list[Case]:
    if parsed.suite != "all" and parsed.suite not in SUITES:
        accepted = ", ".join((*SUITES, "all"))
        raise InputError(f"--suite is {parsed.suite!r}; accepted: {accepted}")
    arguments.require_range(parsed, "repeats", 1)
    if not parsed.seconds > 0:
        raise InputError(f"--seconds is {parsed.seconds}; accepted: above 0")
    if parsed.against_torch and util.find_spec("torch") is None:
        raise InputError('--against-torch needs PyTorch; accepted: after pip install -e ".[bench]"')
    names = SUITES if parsed.suite == "all" else (parsed.suite,)
    cases = [case for name in names for case in SUITES[name]]
    if parsed.size is not None:
        if parsed.size < FACTOR * SMALLEST_SIDE or parsed.size % FACTOR:
            raise InputError(
                f"--size is {parsed.size}; accepted: multiples of {FACTOR} from "
                f"{FACTOR * SMALLEST_SIDE} up"
            )
        cases = [dataclasses.replace(case, size=parsed.size) for case in cases]
    return list(dict.fromkeys(cases))


def _time_case(case: Case, parsed: SpeedArguments) -> dict:
    """The measured row of a case; PyTorch's chunks lie between ours."""
    ours, facts = _ours(case)
    runners = {"seconds_per_iteration": ours}
    if parsed.against_torch and case.batch == 1 and _has_torch_form(case):
        runners["torch_seconds_per_iteration"] = _torch(case)
    lengths = {}
    for name, run in runners.items():
        run(1)
        once = _seconds(lambda run=run: run(1))
        lengths[name] = max(1, round(parsed.seconds / once))
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(parsed.repeats):
        for name, run in runners.items():
            count = lengths[name]
            times[name].append(_seconds(lambda run=run, count=count: run(count)) / count)
    medians = {name: statistics.median(values) for name, values in times.items()}
    seconds = medians["seconds_per_iteration"]
    row = {
        **{field.name: getattr(case, field.name) for field in dataclasses.fields(case)},
        "width": _width(case.settings.method.generator),
        **facts,
        **medians,
        "all_seconds_per_iteration": times,
        "image_iterations_per_second": case.batch / seconds,
        "gflops": facts["flops_per_iteration"] / seconds / 1e9,
    }
    if "torch_seconds_per_iteration" in medians:
        row["ratio_to_torch"] = seconds / medians["torch_seconds_per_iteration"]
    return row


def _ours(case: Case) -> tuple[Callable[[int], None], dict]:
    """A function that runs some iterations, and what its compiled program is known to take."""
    config = case.settings.solver
    problem, state = begin(case.settings, psnr, case.inputs(0), jax.random.key(0))
    step = jax.jit(solver.step, static_argnums=0).lower(config, problem, state)
    flops = step.cost_analysis()["flops"] * case.batch
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("slots",))
    stack = spread((problem, state), case.batch, mesh)
    nobody = np.zeros(case.batch, bool)  # no slot is occupied, so nothing ends the loop
    begun = time.perf_counter()
    program = advance_slots.lower(mesh, config, stack, nobody, jnp.int32(1)).compile()
    compile_seconds = time.perf_counter() - begun
    memory = program.memory_analysis()

    def run(iterations: int) -> None:
        nonlocal stack
        stack, _ = jax.block_until_ready(program(stack, nobody, jnp.int32(iterations)))

    return run, {
        "compile_seconds": compile_seconds,
        "flops_per_iteration": flops,
        "peak_bytes": memory.temp_size_in_bytes + memory.argument_size_in_bytes,
    }


def _has_torch_form(case: Case) -> bool:
    return isinstance(case.settings.method.generator, HourglassConfig)


def _torch(case: Case) -> Callable[[int], None]:
    import torch

    from experiments.benchmark.torch_reference import stepper

    device = "cuda" if torch.cuda.is_available() else "cpu"
    inputs = case.inputs(0)
    step = stepper(case.settings, inputs.operator, np.asarray(inputs.observation), device)

    def run(iterations: int) -> None:
        for _ in range(iterations):
            step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _width(generator: object) -> int:
    return generator.widths_up[0] if isinstance(generator, HourglassConfig) else generator.width


def _default_output(parsed: SpeedArguments, device: jax.Device) -> pathlib.Path:
    name = "-".join(device.device_kind.lower().split())
    return pathlib.Path("benchmarks/results") / f"speed-{parsed.suite}-{name}.json"


HEADER = (
    "| method | task | size | width | batch | precision | compile s | s/iteration | images/s "
    "at 1000 iterations | GFLOP/s (share of peak) | MB | PyTorch s/iteration | ratio |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def _line(row: dict) -> str:
    """A row of the table."""
    torch_seconds = row.get("torch_seconds_per_iteration")
    cells = (
        *(row[name] for name in ("method", "task", "size", "width", "batch", "precision")),
        f"{row['compile_seconds']:.1f}",
        f"{row['seconds_per_iteration']:.4f}",
        f"{row['image_iterations_per_second'] / 1000:.4f}",
        f"{row['gflops']:.0f} ({row['gflops'] / row['peak_gflops']:.0%})",
        f"{row['peak_bytes'] / 1e6:.0f}",
        "" if torch_seconds is None else f"{torch_seconds:.4f}",
        "" if torch_seconds is None else f"{row['ratio_to_torch']:.2f}",
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
