"""Other units of a measurement: `python -m experiments.benchmark units`.

The same slice is restored as it is, with image and measurement multiplied, in Hounsfield units, and
with another key. Multiplied by a power of two all numbers round alike, and the image is the same to
the last digit. Otherwise a fit amplifies what rounding changes, and the question is by how much. A
row each: the scores, and how far the image is from the first, in units of the image's range; a
table of Markdown beside the JSON has them too.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Gaussian, Problem, preset, restore
from drp_jax.commands import options
from drp_jax.commands.report import score
from experiments import pages
from experiments.benchmark import measuring
from experiments.benchmark.reconstruction import METHODS
from experiments.measurements import NOISE, measured
from experiments.photographs import scans

CASES = ("MRI x4", "CT, 24 views")
UNITS = {
    "as it is": (0.0, 1.0),
    "1024 times": (0.0, 1024.0),
    "1000 times": (0.0, 1000.0),
    "Hounsfield, -1000 to 1200": (-1000.0, 1200.0),
}
"""The least and the greatest value of the image."""

TABLE = pages.Table(
    "measured by | units | key | PSNR | SSIM | greatest difference | root mean square",
    "{case} | {units} | {key} | {psnr:.2f} | {ssim:.3f} | {greatest:.1e} | {root_mean_square:.1e}",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    method: str = options.choice(METHODS, "How to restore.", "drp-pnp")
    size: int = measuring.size(64, least=16, most=256)
    iterations: int | None = measuring.iterations(shown="of the preset")
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("units", Arguments, help=__doc__)
def units(parsed: Arguments) -> int:
    """How little the unit of a measurement changes of its image."""
    content = {"size": parsed.size, "method": parsed.method}
    rows = pages.show(TABLE, _rows(parsed), parsed.output, content)
    pages.write_table(parsed.output, TABLE.of(rows))
    return 0


def in_units(problem: Problem, low: float, high: float) -> Problem:
    """A problem of an image in [0, 1] as one of an image in [low, high]."""
    span = high - low
    assert isinstance(problem.noise, Gaussian)
    assert problem.noise.level is not None
    offset = low * np.asarray(problem.operator(jnp.ones(problem.image.shape, jnp.float32)))
    return dataclasses.replace(
        problem,
        observation=(span * problem.observation + offset).astype(problem.observation.dtype),
        noise=Gaussian(span * problem.noise.level),
        value_range=(low, high),
        reference=low + span * problem.reference,
    )


def _rows(parsed: Arguments) -> Iterator[dict]:
    method = preset(method=parsed.method, task="reconstruct").adjusted(iterations=parsed.iterations)
    clean = next(iter(scans(parsed.data, parsed.size).values()))
    for case in CASES:
        problem = measured(clean, case, parsed.seed, NOISE)
        runs = [*((name, parsed.seed) for name in UNITS), ("as it is", parsed.seed + 1)]
        first = None
        for name, key in runs:
            low, high = UNITS[name]
            restored = restore(
                in_units(problem, low, high), key=jax.random.key(key), method=method
            ).image
            image = (np.asarray(restored) - low) / (high - low)
            first = image if first is None else first
            difference = np.abs(image - first)
            yield {
                "case": case,
                "units": name,
                "key": key,
                **score(image, clean),
                "greatest": float(difference.max()),
                "root_mean_square": float(np.sqrt(np.mean(difference**2))),
            }
