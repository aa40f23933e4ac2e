"""Write measurements for other packages: `python -m experiments.peers.export --output FOLDER`.

One .npz file per measurement and image, with key 0 of `benchmarks/plans/reconstruction.yaml`. The
peers read them in environments of their own, since they pin other versions:

    python -m venv scico && scico/bin/pip install scico bm3d
    scico/bin/python experiments/peers/scico_peer.py FOLDER OUTPUT.json

and the same with deepinv and `deepinv_peer.py`. Both add their rows to one file;
benchmarks/results/reconstruction-peers-cpu.json is such a file, of which `table` makes a table.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from drp_jax import InputError, Problem
from drp_jax.commands import options
from drp_jax.noise import Gaussian
from drp_jax.operators import Blur, MaskedFourier, Radon
from experiments.benchmark import measuring
from experiments.measurements import NOISE, measured
from experiments.photographs import scans

CASES = ("MRI x4", "motion blur", "MRI x8", "Gaussian blur", "CT, 24 views")


@dataclasses.dataclass(frozen=True)
class Arguments:
    output: pathlib.Path | None = options.file("Folder of the files.", shown="none; it is needed")
    size: int = measuring.size(128, least=16, most=256)
    photographs: int = measuring.photographs(3)
    noise: float = options.number("Standard deviation of the noise.", NOISE, least=1e-6)
    data: pathlib.Path = measuring.data()


@options.command("export", Arguments, help=__doc__)
def export(parsed: Arguments) -> int:
    """Writes the files."""
    if parsed.output is None:
        raise InputError("no --output is given; accepted: a folder")
    parsed.output.mkdir(parents=True, exist_ok=True)
    images = list(scans(parsed.data, parsed.size).items())[: parsed.photographs]
    for number, case in enumerate(CASES):
        for image, clean in images:
            problem = measured(clean, case, 0, parsed.noise)
            # The number keeps the order; peers read the files by their names.
            name = f"{number} {case} {image}".replace(",", "").replace(" ", "-")
            np.savez_compressed(
                parsed.output / f"{name}.npz",
                case=case,
                image=image,
                noise=parsed.noise,
                allow_pickle=False,
                **contents(problem),
            )
    print(f"wrote {len(CASES) * len(images)} files to {parsed.output}")
    return 0


def contents(problem: Problem) -> dict[str, np.ndarray]:
    """What a peer needs.

    `clean` `[H, W]`; the `observation`, and `exact`, the same without noise: `[H, W]`, or
    `[views, detectors]` of tomography; `level`, the standard deviation of the noise. The operator
    is a `mask` `[H, W]` of centred, orthonormal k-space, a `kernel` that is convolved with the
    image reflected at its edges, centre (rows // 2, columns // 2), or the `rows`, `columns` and
    `values` of a sparse matrix.
    """
    assert isinstance(problem.noise, Gaussian)
    clean, level = np.asarray(problem.reference), np.asarray(problem.noise.level)
    operator = problem.operator
    exact, observation = np.asarray(operator(problem.reference)), np.asarray(problem.observation)
    if isinstance(operator, MaskedFourier):
        known = {"mask": np.broadcast_to(np.asarray(operator.mask), clean.shape[:2])}
        observation = np.asarray(operator.known(problem.observation))
    elif isinstance(operator, Blur):
        known = {"kernel": np.asarray(operator.kernel)}
        exact, observation = exact[..., 0], observation[..., 0]
    else:
        known = _matrix(operator)
    seen = {"clean": clean[..., 0], "observation": observation, "exact": exact}
    return seen | {"level": level} | known


def _matrix(operator: Radon) -> dict[str, np.ndarray]:
    """Joseph's method as a sparse matrix: the few rays that pass each pixel at less than 1."""
    (height, width), detectors = operator.shape, operator.detectors
    assert detectors is not None
    y, x = (height - 1) / 2 - np.arange(height)[:, None], np.arange(width) - (width - 1) / 2
    pixels = np.arange(height * width).reshape(height, width)
    parts = []
    for view, angle in enumerate(np.asarray(operator.angles)):
        place = x * np.cos(angle) + y * np.sin(angle) + (detectors - 1) / 2
        most = max(abs(np.cos(angle)), abs(np.sin(angle)))
        for detector in (np.floor(place), np.floor(place) + 1):
            weights = (most - np.abs(place - detector)) / most**2
            met = (weights > 0) & (detector >= 0) & (detector < detectors)
            rows = view * detectors + detector[met].astype(np.int32)
            parts.append((rows, pixels[met].astype(np.int32), weights[met].astype(np.float32)))
    rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {"rows": rows, "columns": columns, "values": values}


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(export, argv, program="export")


if __name__ == "__main__":
    sys.exit(main())
