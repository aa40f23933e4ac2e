"""Forms of one convolution inside a compiled loop: `python -m experiments.benchmark convolutions`.

XLA on CPU gives a 3x3 convolution to one of two libraries, by its padding. This times the forms
between which `drp_jax.generators.layers` chooses: without padding, after a margin of one row and
column of zeros, after a margin of three.
"""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.generators.layers import convolution
from experiments import arguments
from experiments.report import environment, write_json

PROGRAM = "benchmark convolutions"
CHANNELS = (16, 32, 64, 128)
MARGINS = (0, 1, 3)
ITERATIONS = 10


@dataclasses.dataclass(frozen=True)
class ConvolutionsArguments:
    size: Annotated[int, *arguments.whole("Side of the image in pixels, from 8 up.")] = 256
    repeats: Annotated[int, *arguments.whole("Timed loops per form, from 1 up.")] = 3
    output: Annotated[
        pathlib.Path | None, *arguments.file("Where to write the JSON.", "not written")
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _measure(argv), program=PROGRAM)


def _measure(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(
        ConvolutionsArguments, argv, program=PROGRAM, description=__doc__ or ""
    )
    arguments.require_range(parsed, "size", 8)
    arguments.require_range(parsed, "repeats", 1)
    print("| channels | no padding, ms | margin 1, ms | margin 3, ms |\n|---|---|---|---|")
    rows = []
    for channels in CHANNELS:
        runs = [_loop(parsed.size, channels, margin) for margin in MARGINS]
        times: list[list[float]] = [[] for _ in runs]
        for _ in range(parsed.repeats):
            for run, seconds in zip(runs, times, strict=True):
                begun = time.perf_counter()
                run()
                seconds.append((time.perf_counter() - begun) / ITERATIONS)
        best = [1e3 * min(seconds) for seconds in times]
        rows.append({"channels": channels, "milliseconds": dict(zip(MARGINS, best, strict=True))})
        print(f"| {channels} | " + " | ".join(f"{value:.1f}" for value in best) + " |", flush=True)
    if parsed.output is not None:
        write_json(parsed.output, environment() | {"size": parsed.size, "rows": rows})
        print(f"wrote {parsed.output}")
    return 0


def _loop(size: int, channels: int, margin: int) -> Callable[[], object]:
    """A compiled loop over a convolution whose output feeds back, so that none is left out."""
    draw = np.random.default_rng(0)
    image = jnp.asarray(draw.normal(size=(size + 2, size + 2, channels)), jnp.float32)
    kernel = jnp.asarray(draw.normal(size=(3, 3, channels, channels)), jnp.float32)

    def body(image: jax.Array, kernel: jax.Array) -> jax.Array:
        result = convolution(image, kernel, stride=1, margin=margin)[margin:, margin:]
        return image + 1e-9 * jnp.pad(
            jax.lax.optimization_barrier(result), ((1, 1), (1, 1), (0, 0))
        )

    @jax.jit
    def loop(image: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, ITERATIONS, lambda _, image: body(image, kernel), image)

    run = functools.partial(loop, image, kernel)
    jax.block_until_ready(run())
    return lambda: jax.block_until_ready(run())
