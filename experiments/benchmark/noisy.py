"""Measure gaps and enlargement with noise: `python -m experiments.benchmark noisy`.

Photographs with gaps or made smaller, and noisy besides, restored by the default presets as if
there were no noise and as the picture tells it; and without noise, where both are to be the same.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

import numpy as np

from drp_jax import Method, Problem, preset
from drp_jax.commands import options
from drp_jax.commands.fit import fit
from drp_jax.noise import NoiseFree
from drp_jax.non_local.plug_and_play import observed_noise
from experiments import degradations, pages
from experiments.benchmark import measuring
from experiments.photographs import crops

CASES = ("50 %", "x2", "50 %, noise 15", "50 %, noise 25", "x2, noise 10")
TABLE = pages.Table(
    "case | image | noise told, of 255 | PSNR, noise taken as none | PSNR",
    "{case} | {image} | {told:.1f} | {untold_psnr:.2f} | {psnr:.2f}",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    case: str | None = measuring.only(CASES)
    photographs: int | None = measuring.photographs(shown="all")
    size: int = measuring.size(128, least=64, most=256)
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("noisy", Arguments, help=__doc__)
def noisy(parsed: Arguments) -> int:
    """PSNR of gaps and enlargement with noise."""
    pages.show(TABLE, _rows(parsed), parsed.output, {"size": parsed.size})
    return 0


def _rows(parsed: Arguments) -> Iterator[dict]:
    images = crops("report", parsed.size, parsed.data)
    chosen = itertools.islice(images.items(), parsed.photographs)
    cases = CASES if parsed.case is None else (parsed.case,)
    for (name, clean), case in itertools.product(chosen, cases):
        problem = degradations.degrade(case, clean, 0)
        method = preset(task=degradations.CASES[case].task)
        told = float(observed_noise(problem))
        untold = _psnr(dataclasses.replace(problem, noise=NoiseFree()), method)
        found = _psnr(problem, method)
        yield {
            "case": case,
            "image": name,
            "told": 255 * told,
            "untold_psnr": untold,
            "psnr": found,
        }


def _psnr(problem: Problem, method: Method) -> float:
    restored = fit(problem, seed=0, method=method).restoration
    return degradations.psnr_of(np.asarray(restored.image), problem)
