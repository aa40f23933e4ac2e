"""Show that DIP stops by itself near its best: `python -m experiments.early_stopping`.

Runs DIP denoising with ES-WMV on three bundled photographs at two noise levels. Writes
`benchmarks/results/early_stopping.json`, the curves with the peak and the stop to
`docs/early_stopping.png`, and a table to `docs/early_stopping.md`.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from drp_jax import Settings, WindowedVariance, preset
from drp_jax.images import replace_whole
from experiments import arguments
from experiments.denoise import add_noise
from experiments.fit import fit
from experiments.pipeline import bundled_photograph
from experiments.report import describe, environment, write_json

PROGRAM = "early_stopping"
RESULTS = pathlib.Path("benchmarks/results/early_stopping.json")
PAGE = pathlib.Path("docs/early_stopping.md")
FIGURE = pathlib.Path("docs/early_stopping.png")

# Rows and columns of 128 x 128 pixels with structure in them.
CROPS = {
    "astronaut.png": (slice(20, 148), slice(160, 288)),
    "coffee.png": (slice(130, 258), slice(210, 338)),
    "chelsea.png": (slice(90, 218), slice(140, 268)),
}
SIGMAS = (25.0, 50.0)


@dataclasses.dataclass(frozen=True)
class EarlyStoppingArguments:
    iterations: Annotated[int, *arguments.whole("Limit on the iterations of a run.")] = 2000
    width: Annotated[int, *arguments.whole("Channels per scale; 128 in the original.")] = 32
    window: Annotated[int, *arguments.whole("Outputs whose variance is watched.")] = 30
    patience: Annotated[
        int, *arguments.whole("Iterations without a new minimum before the stop.")
    ] = 300
    seed: Annotated[int, *arguments.random_seed()] = 0


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _show(argv), program=PROGRAM)


def _show(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(
        EarlyStoppingArguments, argv, program=PROGRAM, description=__doc__ or ""
    )
    settings = _settings(parsed)
    runs = []
    for name, crop in CROPS.items():
        clean = bundled_photograph(name).image[crop]
        for sigma in SIGMAS:
            print(f"{name}, sigma {sigma:g}", flush=True)
            runs.append(_run(name, clean, sigma, settings, parsed.seed))
    write_json(RESULTS, environment() | {"runs": runs, "settings": describe(settings)})
    _draw(runs)
    with replace_whole(PAGE) as temporary:
        temporary.write_text(_page(runs, parsed))
    print(f"wrote {RESULTS}, {FIGURE} and {PAGE}")
    return 0


def _settings(parsed: EarlyStoppingArguments) -> Settings:
    """DIP as published, but for the width and the rule, without average and seed jitter.

    The average hides the peak; the jitter keeps the outputs apart whatever the network does.
    """
    settings = preset("paper", method="dip", task="denoise").adjusted(
        iterations=parsed.iterations, width=parsed.width
    )
    rule = WindowedVariance(window=parsed.window, patience=parsed.patience)
    solver = dataclasses.replace(settings.solver, averaging=0.0, stopping=rule)
    method = dataclasses.replace(settings.method, jitters=())
    return dataclasses.replace(settings, solver=solver, method=method)


def _run(name: str, clean: np.ndarray, sigma: float, settings: Settings, seed: int) -> dict:
    fitted = fit(add_noise(clean, sigma, seed), seed=seed, settings=settings, reference=clean)
    result = fitted.restoration
    iterations, returned = int(result.iterations), int(result.image_iteration)
    curve = np.asarray(result.history.psnr)[:iterations]
    return {
        "image": name,
        "sigma": sigma,
        "status": result.message,
        "iterations": iterations,
        "returned_iteration": returned,
        "returned_psnr": float(curve[returned - 1]),
        "peak_iteration": int(np.argmax(curve)) + 1,
        "peak_psnr": float(np.max(curve)),
        "seconds": fitted.seconds,
        "psnr": [round(float(value), 3) for value in curve],
    }


def _draw(runs: list[dict]) -> None:
    from matplotlib.figure import Figure  # slow to import, and only needed here

    figure = Figure(figsize=(12, 6), layout="constrained")
    for axes, run in zip(figure.subplots(len(SIGMAS), len(CROPS)).T.flat, runs, strict=True):
        axes.plot(np.arange(1, run["iterations"] + 1), run["psnr"], linewidth=0.8)
        for label, color in (("peak", "tab:green"), ("returned", "tab:red")):
            axes.plot(
                run[f"{label}_iteration"], run[f"{label}_psnr"], "o", color=color, label=label
            )
        axes.axvline(run["iterations"], color="gray", linestyle="--", label="stop")
        axes.set_title(f"{run['image']}, sigma {run['sigma']:g}")
        axes.set(xlabel="iteration", ylabel="PSNR (dB)")
        axes.legend(loc="lower right")
        axes.grid(alpha=0.3)
    with replace_whole(FIGURE) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def _page(runs: list[dict], parsed: EarlyStoppingArguments) -> str:
    lines = [
        "# Early stopping without ground truth",
        "",
        f"DIP denoising (width {parsed.width}, 128 x 128 crops of scikit-image's photographs) with",
        f"ES-WMV: window {parsed.window}, patience {parsed.patience}; the outputs are neither",
        "averaged nor is the seed jittered, which hides the peak. The clean image is used for the",
        "curve only. `python -m experiments.early_stopping` makes this page.",
        "",
        "![PSNR over the iterations with the peak, the returned iterate and the stop]"
        "(early_stopping.png)",
        "",
        "| image | sigma | peak (dB) | at | returned (dB) | at | lost (dB) | stopped at |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {run['image']} | {run['sigma']:g} | {run['peak_psnr']:.2f} | {run['peak_iteration']} "
        f"| {run['returned_psnr']:.2f} | {run['returned_iteration']} "
        f"| {run['peak_psnr'] - run['returned_psnr']:.2f} | {run['iterations']} |"
        for run in runs
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
