"""Show that DIP stops by itself near its best: `python -m experiments.early_stopping`.

Runs DIP denoising with ES-WMV on three bundled photographs at two noise levels. Writes
`benchmarks/results/early_stopping.json`, the curves with the peak and the stop to
`docs/early_stopping.png`, and a table to `docs/early_stopping.md`.
"""

import dataclasses
import itertools
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from drp_jax import Method, Problem, preset
from drp_jax.commands import options
from drp_jax.commands.fit import fit
from drp_jax.images import replace_whole
from drp_jax.stopping import WindowedVariance
from drp_jax.sweep import degradation
from experiments import pages
from experiments.benchmark import measuring
from experiments.photographs import crop

PROGRAM = "early_stopping"
RESULTS = pathlib.Path("benchmarks/results/early_stopping.json")
PAGE = pathlib.Path("docs/early_stopping.md")
FIGURE = pathlib.Path("docs/early_stopping.png")

# Top and left of squares with structure in them.
CROPS = {"astronaut.png": (20, 160), "coffee.png": (130, 210), "chelsea.png": (90, 140)}
SIDE = 128
SIGMAS = (25.0, 50.0)
TEXT = """# Early stopping without ground truth

DIP denoising (width {width}, 128 x 128 crops of scikit-image's photographs) with
ES-WMV: window {window}, patience {patience}; the outputs are neither
averaged nor is the seed jittered, which hides the peak. The clean image is used for the
curve only. `python -m experiments.early_stopping` makes this page.

![PSNR over the iterations with the peak, the returned iterate and the stop](early_stopping.png)"""
TABLE = pages.Table(
    "image | sigma | peak (dB) | at | returned (dB) | at | lost (dB) | stopped at",
    "{image} | {sigma:g} | {peak_psnr:.2f} | {peak_iteration} | {returned_psnr:.2f} | "
    "{returned_iteration} | {lost_psnr:.2f} | {iterations}",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    iterations: int = measuring.iterations(2000)
    width: int = measuring.width(32)
    window: int = options.whole("Outputs whose variance is watched.", 30, least=2)
    patience: int = measuring.whole("Iterations without a new minimum before the stop.", 300)
    seed: int = options.random_seed()


@options.command(PROGRAM, Arguments, help=__doc__)
def show(parsed: Arguments) -> int:
    """DIP with a stopping rule that does not see the clean image."""
    method = dip(parsed)
    runs = []
    for (name, corner), sigma in itertools.product(CROPS.items(), SIGMAS):
        print(f"{name}, sigma {sigma:g}", flush=True)
        clean, draw = crop(name, *corner, SIDE), np.random.default_rng(parsed.seed)
        problem = degradation(f"gaussian:{sigma:g}").problem(clean, draw)
        runs.append({"image": name, "sigma": sigma} | _run(problem, method, parsed.seed))
    asked = dataclasses.asdict(parsed)
    pages.write_report(RESULTS, {"runs": runs, "settings": method, "arguments": asked})
    _draw(runs)
    write_page(runs, asked)
    return 0


def dip(parsed: Arguments) -> Method:
    """DIP as published, but for the width and the rule, without average and seed jitter.

    The average hides the peak; the jitter keeps the outputs apart whatever the network does.
    """
    rule = WindowedVariance(window=parsed.window, patience=parsed.patience)
    method = preset("paper", method="dip", task="denoise").adjusted(
        iterations=parsed.iterations, width=parsed.width, stopping=rule
    )
    loop = dataclasses.replace(method.loop, ema_decay=None)
    return dataclasses.replace(method, loop=loop, jitters=())


def _run(problem: Problem, method: Method, seed: int) -> dict:
    fitted = fit(problem, seed=seed, method=method)
    result = fitted.restoration
    iterations, returned = int(result.iterations), int(result.image_iteration)
    curve = np.asarray(result.history["psnr"])[:iterations]
    return {
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
            point = run[f"{label}_iteration"], run[f"{label}_psnr"]
            axes.plot(*point, "o", color=color, label=label)
        axes.axvline(run["iterations"], color="gray", linestyle="--", label="stop")
        axes.set_title(f"{run['image']}, sigma {run['sigma']:g}")
        axes.set(xlabel="iteration", ylabel="PSNR (dB)")
        axes.legend(loc="lower right")
        axes.grid(alpha=0.3)
    with replace_whole(FIGURE) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def write_page(runs: list[dict], asked: dict[str, int]) -> None:
    """Writes the page on some runs and the arguments that they were asked for with."""
    lost = [run | {"lost_psnr": run["peak_psnr"] - run["returned_psnr"]} for run in runs]
    pages.write_page(PAGE, TEXT.format(**asked), TABLE.of(lost))


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(show, argv, program=PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
