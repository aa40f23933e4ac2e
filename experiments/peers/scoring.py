"""What the peers' scripts share: reading measurements, choosing, scoring, writing. NumPy alone."""

import itertools
import json
import os
import pathlib
import platform
import sys
import time
from collections.abc import Callable, Iterable
from importlib import metadata

import numpy as np

Measurement = dict[str, np.ndarray]
"""What `export.contents` describes, with the names."""

Candidates = Callable[[Measurement], Iterable[np.ndarray]]
"""Images `[H, W]` by a method with the values of its parameters."""

MOST_ERROR = 1e-4  # of an operator, over the greatest value of its observation
_RADIUS, _SIGMA = 5, 1.5


def run(methods: dict[str, Candidates], package: str, device: str = "cpu: cpu") -> None:
    """Runs methods on the files of a folder: `SCRIPT FOLDER OUTPUT.json [CASE ...] [METHOD ...]`.

    A method gets the best of its candidates by the clean image, and the mean of their seconds. Rows
    are added to the file, which is written after each; those that it has are not measured again.
    """
    folder, output, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    report = json.loads(output.read_text()) if output.exists() else {"rows": [], "versions": {}}
    cases = set(names) - set(methods)
    chosen = {name: methods[name] for name in methods if name in names} or methods
    columns = ("case", "image", "draw", "method")
    done = {tuple(row[name] for name in columns) for row in report["rows"]}
    for (method, candidates), path in itertools.product(
        chosen.items(), sorted(folder.glob("*.npz"))
    ):
        measurement = dict(np.load(path))
        case, image = str(measurement["case"]), str(measurement["image"])
        if (case, image, 0, method) in done or (cases and case not in cases):
            continue
        row = dict(zip(columns, (case, image, 0, method), strict=True))
        row |= _best(candidates, measurement)
        print(row, flush=True)
        report["rows"].append(row)
        report["versions"] |= {"python": platform.python_version()}
        report["versions"] |= {package: metadata.version(package)}
        size, noise = len(measurement["clean"]), float(measurement["noise"])
        report |= {"device": device, "cores": os.cpu_count(), "size": size, "noise": noise}
        written = output.with_suffix(".part")
        written.write_text(json.dumps(report, indent=2) + "\n")
        written.replace(output)


def _best(candidates: Candidates, measurement: Measurement) -> dict:
    """Scores of the best image, and the seconds that one takes."""
    start = time.perf_counter()
    images = [np.asarray(image) for image in candidates(measurement)]
    seconds = (time.perf_counter() - start) / len(images)
    clean = measurement["clean"].astype(np.float64)
    clipped = [np.clip(image, 0, 1).astype(np.float64) for image in images]
    best = int(np.argmax([psnr(image, clean) for image in clipped]))
    return {
        "psnr": psnr(clipped[best], clean),
        "ssim": ssim(clipped[best], clean),
        "seconds": seconds,
        "candidate": best,
        "candidates": len(images),
    }


def require_same(observation: np.ndarray, measurement: Measurement) -> None:
    """Raises ValueError unless a peer's operator does to the clean image what ours does."""
    exact = measurement["exact"]
    error = float(np.abs(observation - exact).max() / np.abs(exact).max())
    if not error < MOST_ERROR:
        raise ValueError(f"the operator is off by {error:.2g}; accepted: below {MOST_ERROR:g}")


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """In dB with peak 1."""
    return float(-10 * np.log10(np.mean((image - clean) ** 2)))


def ssim(image: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity of images `[H, W]` as `drp_jax.metrics.ssim` has it."""
    weights = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
    weights /= weights.sum()

    def mean(values: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            windows = np.lib.stride_tricks.sliding_window_view(values, len(weights), axis)
            values = windows @ weights
        return values

    means = mean(image), mean(clean)
    variances = (mean(one**2) - m**2 for one, m in zip((image, clean), means, strict=True))
    covariance = mean(image * clean) - means[0] * means[1]
    light = (2 * means[0] * means[1] + 0.01**2) / (means[0] ** 2 + means[1] ** 2 + 0.01**2)
    return float(np.mean(light * (2 * covariance + 0.03**2) / (sum(variances) + 0.03**2)))
