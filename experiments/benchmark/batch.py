"""Many images at once against one after the other: `python -m experiments.benchmark batch`.

Restores noisy photographs of different contrast, each until its residual reaches the noise, once
with `restore_many` and once with `restore` in turn. Reports the ratio of the times, the share of
slot iterations that belonged to an image, and the largest difference between the results.
"""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Discrepancy, Finished, Settings, preset, restore, restore_many
from experiments import arguments
from experiments.pipeline import bundled_photograph
from experiments.report import describe, environment, write_json

PROGRAM = "benchmark batch"
NOISE = 0.1


@dataclasses.dataclass(frozen=True)
class BatchArguments:
    images: Annotated[int, *arguments.whole("Number of images, from 1 up.")] = 32
    size: Annotated[int, *arguments.whole("Their side in pixels, from 8 to 300.")] = 128
    width: Annotated[int, *arguments.whole("Channels per scale of DRP-DIP.")] = 16
    iterations: Annotated[int, *arguments.whole("Limit on the iterations of an image.")] = 300
    slots: Annotated[
        int | None, *arguments.whole("Images at once, from 1 up.", "by the device's memory")
    ] = None
    cpu_devices: Annotated[
        int, *arguments.whole("Devices that JAX makes of the CPU, from 1 up.")
    ] = 1
    repeats: Annotated[int, *arguments.whole("Timed repetitions of both, from 1 up.")] = 3
    output: Annotated[
        pathlib.Path | None, *arguments.file("Where to write the JSON.", "not written")
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _measure(argv), program=PROGRAM)


def _measure(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(BatchArguments, argv, program=PROGRAM, description=__doc__ or "")
    settings = _settings(parsed)
    if parsed.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", parsed.cpu_devices)
    photographs = _photographs(parsed)
    key = jax.random.key(0)

    def one_by_one() -> list[jax.Array]:
        results = [
            restore(image, key=jax.random.fold_in(key, index), settings=settings)
            for index, image in enumerate(photographs)
        ]
        return [result.image for result in jax.block_until_ready(results)]

    def together() -> list[Finished]:
        finished = list(restore_many(photographs, key=key, settings=settings, slots=parsed.slots))
        jax.block_until_ready([one.restoration for one in finished])
        return finished

    expected, batch = one_by_one(), together()  # compiles both
    times: dict[str, list[float]] = {"restore": [], "restore_many": []}
    for _ in range(parsed.repeats):
        for name, work in (("restore", one_by_one), ("restore_many", together)):
            begun = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begun)
    iterations = [int(one.restoration.iterations) for one in batch]
    difference = max(
        float(jnp.max(jnp.abs(one.restoration.image - expected[one.index]))) for one in batch
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    report = {
        **environment(),
        "arguments": describe(parsed) | {"output": None},
        "devices": len(jax.devices()),
        "slots": batch[-1].statistics.slots,
        "programs": batch[-1].statistics.programs,
        "busy_share": batch[-1].statistics.busy_share,
        "least_iterations": min(iterations),
        "most_iterations": max(iterations),
        "largest_difference": difference,
        "seconds": times,
        "ratio": medians["restore_many"] / medians["restore"],
    }
    print(
        f"{parsed.images} images of {parsed.size} x {parsed.size}, {min(iterations)} to "
        f"{max(iterations)} iterations, {report['slots']} slots on {report['devices']} devices"
    )
    print(f"one by one {medians['restore']:.2f} s, together {medians['restore_many']:.2f} s")
    print(f"ratio {report['ratio']:.2f}, slots busy {report['busy_share']:.1%} of the steps")
    print(f"largest difference of a pixel {difference:.1e}")
    if parsed.output is not None:
        write_json(parsed.output, report)
        print(f"wrote {parsed.output}")
    return 0


def _settings(parsed: BatchArguments) -> Settings:
    for name, least, most in (
        ("images", 1, 100_000),
        ("size", 8, 300),
        ("cpu_devices", 1, 1024),
        ("repeats", 1, 1000),
    ):
        arguments.require_range(parsed, name, least, most)
    settings = preset("paper").adjusted(width=parsed.width, iterations=parsed.iterations)
    solver = dataclasses.replace(settings.solver, stopping=Discrepancy(NOISE))
    return dataclasses.replace(settings, solver=solver)


def _photographs(parsed: BatchArguments) -> list[np.ndarray]:
    """Crops of one photograph: the more contrast, the longer the residual takes to fall."""
    photograph = bundled_photograph().image
    height, width = photograph.shape[:2]
    draw = np.random.default_rng(0)
    images = []
    for contrast in draw.permutation(np.linspace(0.05, 1.0, parsed.images)):
        top = draw.integers(height - parsed.size + 1)
        left = draw.integers(width - parsed.size + 1)
        crop = photograph[top : top + parsed.size, left : left + parsed.size]
        noisy = 0.5 + contrast * (crop - crop.mean()) + draw.normal(0, NOISE, crop.shape)
        images.append(np.clip(noisy, 0, 1).astype(np.float32))
    return images
