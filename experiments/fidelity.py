"""Compare this library with the published programs on their own images.

`python -m experiments.fidelity --data FOLDER` runs the experiments below on the official
files in FOLDER, writes one JSON per experiment into `benchmarks/results/fidelity/`, and
makes `docs/fidelity.md` from all JSON files there. With `--only NAME` it runs one.
"""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from drp_jax import InputError, Method, Problem, preset
from drp_jax.commands import options
from drp_jax.commands.fit import fit
from drp_jax.commands.report import metrics, score
from experiments import pages, photographs
from experiments.benchmark import measuring

PROGRAM = "fidelity"
RESULTS = pathlib.Path("benchmarks/results/fidelity")
PAGE = pathlib.Path("docs/fidelity.md")
TEXT = """# Against the published programs

The published settings on the official images, narrower or shorter where the columns say
so; `python -m experiments.fidelity` makes this page. PSNR in dB, of luma without 4
pixels of border for super-resolution.
The column *best* is read off with the clean image at hand, as papers do; *last* is what
a user gets. *Original* is what the published PyTorch program, or another method, was
found to give on the same file; this command does not run it.
Seconds are of a shared machine, some taken while it did other work: ratios between rows
mean little."""
TABLE = pages.Table(
    "task | image | method | network | iterations | PSNR last | PSNR best | SSIM last | "
    "s/iteration | original | device",
    "{task} | {image} | {method} | {network} | {iterations} | {psnr:.2f} | {best_psnr:.2f} at "
    "{best_iteration} | {ssim:.3f} | {seconds_per_iteration:.2f} | {original} | {device}",
)


class Official(NamedTuple):
    """An official image: the task, words for the table, and what reads it from the folder."""

    task: str
    image: str
    load: Callable[[pathlib.Path], Problem]


_cropped = functools.partial(photographs.peppers, part=slice(128, 384))
PEPPERS = Official("denoise", 'Peppers, "Gaussian 2", 512 x 512', photographs.peppers)
CROP = Official("denoise", 'Peppers, "Gaussian 2", crop 256 x 256', _cropped)
BARBARA = Official("inpaint", "barbara, half missing, 256 x 256", photographs.barbara)
BABY = Official("super-resolve", "baby x4, 512 x 512", photographs.baby)


class Experiment(NamedTuple):
    """One run: its name, the image, the method, and in words what is known of the original."""

    name: str
    official: Official
    method: Method
    original: str


def _on(
    official: Official,
    method: str,
    original: str = "",
    name: str = "",
    *,
    settings: str = "paper",
    upsamplings: int | None = None,
    **changes: int,
) -> Experiment:
    """A published method on an image, with the changes that `adjusted` takes, or other depth."""
    adjusted = preset(settings, method=method, task=official.task).adjusted(**changes)
    if upsamplings is not None:
        generator = dataclasses.replace(adjusted.generator, upsamplings=upsamplings)
        adjusted = dataclasses.replace(adjusted, generator=generator)
    return Experiment(f"{official.task}-{method}{name}", official, adjusted, original)


def _decoders(official: Official, original: str, *, iterations: int) -> list[Experiment]:
    """DRP-DD, which has no published program, with one to three upsamplings."""
    narrow = functools.partial(_on, official, "drp-dd", original, width=64, iterations=iterations)
    return [narrow(f"-{count}", upsamplings=count) for count in (1, 2, 3)]


PUBLISHED, NARROW = "28.55 dB at iteration 200", "32.88 dB at iteration 100 (width 32)"
EXPERIMENTS = (
    _on(PEPPERS, "drp-dip", PUBLISHED, iterations=200),
    _on(PEPPERS, "drp-dip", f"{PUBLISHED} (width 64)", "-width-16", iterations=200, width=16),
    _on(CROP, "drp-dip", "29.00 dB at iteration 161", "-crop", iterations=300, width=32),
    *_decoders(CROP, "DRP-DIP 29.00 dB; no original", iterations=300),
    _on(CROP, "dip", "29.76 dB at 1500", settings="fast"),
    _on(CROP, "dd", iterations=1000, width=64),
    _on(BARBARA, "drp-dip", "biharmonic 26.56 dB", iterations=500, width=32),
    *_decoders(BARBARA, "no original; biharmonic 26.56 dB", iterations=500),
    _on(BARBARA, "dip", "28.33 dB at iteration 1500; biharmonic 26.56 dB", settings="fast"),
    _on(BARBARA, "dd", "biharmonic 26.56 dB", settings="fast", iterations=500),
    _on(BABY, "drp-dip", f"{NARROW}; bicubic 32.11 dB", iterations=150, width=32),
    *_decoders(BABY, "no original; bicubic 32.11 dB", iterations=100),
    _on(BABY, "dip", "bicubic 32.11 dB", settings="fast", iterations=100),
    _on(BABY, "dd", "bicubic 32.11 dB", iterations=80, width=64),
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    data: pathlib.Path = measuring.data()
    only: str | None = measuring.only([one.name for one in EXPERIMENTS])
    seed: int = options.random_seed()


@options.command(PROGRAM, Arguments, help=__doc__)
def compare(parsed: Arguments) -> int:
    """The published settings on the official images."""
    if not PAGE.parent.is_dir():
        raise InputError(f"{PAGE.parent}: no such folder; run this in the project's folder")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for experiment in EXPERIMENTS:
        if parsed.only in (None, experiment.name):
            report = _measure(experiment, parsed)
            pages.write_report(RESULTS / f"{experiment.name}.json", report)
            write_page()
    return 0


def _measure(experiment: Experiment, parsed: Arguments) -> dict:
    official, method = experiment.official, experiment.method
    problem = official.load(parsed.data)
    print(experiment.name, file=sys.stderr, flush=True)
    fitted = fit(problem, seed=parsed.seed, method=method)
    history = np.asarray(fitted.restoration.history[problem.metric_name])
    history = history[: int(fitted.restoration.iterations)]
    scores = score(np.asarray(fitted.restoration.image), np.asarray(problem.reference))
    scores["psnr"] = float(history[-1])
    return metrics(fitted, method, preset="as given by settings", scores=scores) | {
        "best_psnr": float(np.nanmax(history)),
        "best_iteration": int(np.nanargmax(history)) + 1,
        "seconds_per_iteration": fitted.seconds / len(history),
        "image": official.image,
        "task": official.task,
        "original": experiment.original,
        "seed": parsed.seed,
    }


def write_page() -> None:
    """Writes the page: the table of all results on file."""
    reports = pages.read_reports(sorted(RESULTS.glob("*.json"))).values()
    rows = [report | {"network": _network(report["settings"])} for report in reports]
    pages.write_page(PAGE, TEXT, TABLE.of(rows))


def _network(settings: dict) -> str:
    """The shape of a network in a few words."""
    # Reports of version 0.1 have the generator among the settings of a "method".
    generator = settings.get("method", settings)["generator"]
    if "upsamplings" in generator:
        return f"width {generator['width']}, {generator['upsamplings']} upsamplings"
    return f"width {generator['widths_up'][0]}, {len(generator['widths_up'])} scale(s)"


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(compare, argv, program=PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
