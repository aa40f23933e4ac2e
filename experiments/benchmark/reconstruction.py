"""Restore images from measurements: `python -m experiments.benchmark reconstruction`.

Slices of scans and a photograph, as MRI, a motion blur and compressed sensing observe them, with
white noise: by what `restore` does if no method is given, by DRP-DIP with three weights of total
variation, and by total variation alone, which gets the best of its weights by the clean image.
Prints means over the images. Seconds are without compilation. Needs the folder of data.
"""

import dataclasses
import pathlib
import statistics
from collections.abc import Iterator

import numpy as np

from drp_jax import Method, preset
from drp_jax.commands import options
from drp_jax.presets import method_for
from experiments import pages
from experiments.benchmark import measuring
from experiments.degradations import MEASUREMENT_NOISE, MEASUREMENTS, Degraded, degrade
from experiments.photographs import scans

TABLE = pages.Table(
    "observed by | method | PSNR | seconds", "{case} | {method} | {psnr:.2f} | {seconds:.1f}"
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    size: int = measuring.size(128, least=16, most=128)
    photographs: int | None = measuring.photographs(shown="all")
    iterations: int | None = measuring.iterations(shown="of the preset")
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("reconstruction", Arguments, help=__doc__)
def reconstruction(parsed: Arguments) -> int:
    """Networks and TV for MRI, motion blur and compressed sensing."""
    images = [*scans(parsed.data, parsed.size).items()][: parsed.photographs]
    if not images:
        print(f"skipped: no scans in {parsed.data}, which --data names")
        return 0
    content = {"size": parsed.size, "noise": MEASUREMENT_NOISE}
    pages.show(TABLE, _rows(images, parsed), parsed.output, content)
    return 0


def _rows(images: list[tuple[str, np.ndarray]], parsed: Arguments) -> Iterator[dict]:
    """The means over the images, and what they are means of."""
    for case in MEASUREMENTS:
        groups: dict[str, list[dict]] = {}
        for image, clean in images:
            degraded = degrade(case, clean, parsed.seed)
            for row in degraded.compare(_methods(degraded, parsed), parsed.seed):
                groups.setdefault(row["method"], []).append({"image": image} | row)
        for method, rows in groups.items():
            psnr, seconds = (
                statistics.mean(row[key] for row in rows) for key in ("psnr", "seconds")
            )
            mean = {"psnr": psnr, "seconds": seconds, "images": rows}
            yield {"case": case, "method": method} | mean


def _methods(degraded: Degraded, parsed: Arguments) -> dict[str, Method]:
    network = preset(method="drp-dip", task="reconstruct")
    methods = {"by itself": method_for(degraded.problem)} | {
        f"drp-dip, TV {weight:g}": network.adjusted(regularizer_weight=weight)
        for weight in (0.1, 0.3, 1.0)
    }
    return {name: one.adjusted(iterations=parsed.iterations) for name, one in methods.items()}
