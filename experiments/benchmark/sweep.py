"""How much a sweep adds to its runs: `python -m experiments.benchmark sweep`.

A photograph as a quarter of its k-space has it, by Deep Random Projector with every combination of
weights of total variation, learning rates and keys: as one sweep on several devices of the CPU, and
run by run with `restore`, programs compiled before, by turns. Reports programs, how busy the slots
were, the share of the time outside of the compiled loop, and the ratio of the times.
"""

import dataclasses
import functools
import pathlib
import statistics
import tempfile

import jax
import numpy as np

from drp_jax import Problem, preset, restore
from drp_jax.commands import options
from drp_jax.sweep import CleanImage, Degradation, Plan, run_sweep
from drp_jax.sweep.measurements import white_noise
from drp_jax.sweep.plan import Variant, spaced, variants_of
from drp_jax.sweep.requests import request_of
from drp_jax.sweep.running import Done, identified
from experiments import pages
from experiments.benchmark import measuring
from experiments.measurements import NOISE, measured
from experiments.photographs import crop


@dataclasses.dataclass(frozen=True)
class Arguments:
    size: int = measuring.size(64, least=16, most=256)
    width: int = measuring.width(16)
    iterations: int = measuring.iterations(100)
    weights: int = options.whole("Weights of total variation.", 10, least=2, most=100)
    rates: int = options.whole("Learning rates.", 5, least=2, most=100)
    keys: int = options.whole("Keys.", 4, least=1, most=100)
    slots: int | None = measuring.whole("Runs at once.", shown="by the device's memory")
    cpu_devices: int = measuring.whole("Devices that JAX makes of the CPU.", 2, most=1024)
    repeats: int = measuring.repeats(2)
    output: pathlib.Path | None = measuring.output()


@options.command("sweep", Arguments, help=__doc__)
def sweep(parsed: Arguments) -> int:
    """A sweep beside the same runs one by one, and what it adds to them."""
    jax.config.update("jax_num_cpu_devices", parsed.cpu_devices)
    plan = _plan(parsed)
    few = dataclasses.replace(plan, variants=plan.variants[: parsed.cpu_devices], keys=(0,))
    times: dict[str, list[float]] = {"sweep": [], "one by one": []}
    outside = []
    for number in range(parsed.repeats + 1):  # the first, of a few runs, compiles
        chosen = plan if number else few
        swept, busy, programs, share = _swept(chosen, parsed.slots)
        alone = measuring.seconds(functools.partial(_one_by_one, chosen))
        if number:
            times["sweep"].append(swept)
            times["one by one"].append(alone)
            outside.append(share)
    report = {
        "arguments": dataclasses.asdict(parsed) | {"output": None},
        "runs": len(list(plan.runs())),
        "devices": len(jax.devices()),
        "programs": programs,
        "busy_share": busy,
        "share_outside_of_the_loop": statistics.median(outside),
        "seconds": times,
    }
    ratio = statistics.median(times["one by one"]) / statistics.median(times["sweep"])
    print(
        f"{report['runs']} runs on {report['devices']} devices: {programs} programs, slots busy "
        f"{busy:.1%}, {statistics.median(outside):.1%} of the time outside of the compiled loop; "
        f"{statistics.median(times['sweep']):.1f} s, one by one {ratio:.2f} times that"
    )
    pages.write_report(parsed.output, report)
    return 0


def _plan(parsed: Arguments) -> Plan:
    side = 256 // parsed.size * parsed.size
    step = side // parsed.size
    clean = crop("camera.png", 50, 130, side)[::step, ::step]
    method = preset(method="drp-dip", task="reconstruct").adjusted(
        width=parsed.width, iterations=parsed.iterations, regularizer_weight=0.1
    )
    settings = {
        "regularizer_weight": spaced(0.01, 1, parsed.weights, is_log=True),
        "learning_rate": spaced(0.01, 0.1, parsed.rates, is_log=True),
    }

    problem = measured(clean, "MRI x4", 0)

    def quarter(image: np.ndarray, draw: np.random.Generator) -> Problem:
        noise = NOISE * white_noise(problem.observation, draw)
        return dataclasses.replace(problem, observation=problem.observation + noise)

    return Plan(
        (CleanImage("camera", lambda: clean),),
        (Degradation("MRI x4", "reconstruct", quarter),),
        tuple(variants_of(Variant("drp-dip", base=method), settings)),
        keys=tuple(range(parsed.keys)),
    )


def _swept(plan: Plan, slots: int | None) -> tuple[float, float, int, float]:
    """The seconds of a sweep, how busy its slots were, its programs, and the share outside."""
    with tempfile.TemporaryDirectory() as folder:
        ended: list[Done] = []
        seconds = measuring.seconds(
            lambda: ended.extend(run_sweep(plan, pathlib.Path(folder), slots=slots))
        )
    used = max((one.statistics for one in ended), key=lambda used: used.slot_steps)
    return seconds, used.busy_share, used.programs, 1 - used.loop_seconds / seconds


def _one_by_one(plan: Plan) -> list[jax.Array]:
    images = []
    for one in identified(plan):
        request = request_of(one)
        assert request.key is not None
        result = restore(request.problem, key=request.key, method=request.method)
        images.append(jax.block_until_ready(result.image))
    return images
