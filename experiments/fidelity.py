"""Compare this library with the published programs on their own images.

`python -m experiments.fidelity --data FOLDER` runs the experiments below on the official
files in FOLDER, writes one JSON per experiment into `benchmarks/results/fidelity/`, and
makes `docs/fidelity.md` from all JSON files there. With `--only NAME` it runs one.
"""

import dataclasses
import functools
import json
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np

from drp_jax import InputError, Settings, preset
from drp_jax.images import replace_whole
from experiments import arguments, official
from experiments.fit import fit
from experiments.report import metrics, score, write_json

PROGRAM = "fidelity"
RESULTS = pathlib.Path("benchmarks/results/fidelity")
PAGE = pathlib.Path("docs/fidelity.md")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run on an official image.

    Attributes:
      name: what `--only` takes and the JSON file is called.
      image: words for the table.
      load: reads the degraded image from the data folder.
      task: words for the table.
      settings: the published ones, narrower or shorter where the table says so.
      original: what is known of the original or of other methods on this image, in words.
    """

    name: str
    image: str
    load: Callable[[pathlib.Path], official.Degraded]
    task: str
    settings: Settings
    original: str = ""


def _on(
    name: str,
    task: str,
    method: str,
    original: str = "",
    *,
    preset_name: str = "paper",
    upsamplings: int | None = None,
    cropped: bool = False,
    **adjustments: float,
) -> Experiment:
    settings = preset(preset_name, method=method, task=task).adjusted(**adjustments)
    if upsamplings is not None:
        generator = dataclasses.replace(settings.method.generator, upsamplings=upsamplings)
        changed = dataclasses.replace(settings.method, generator=generator)
        settings = dataclasses.replace(settings, method=changed)
    image, load = (CROPPED_IMAGES if cropped else IMAGES)[task]
    return Experiment(name, image, load, task, settings, original)


IMAGES = {
    "denoise": ('Peppers, "Gaussian 2", 512 x 512', official.peppers),
    "super-resolve": ("baby x4, 512 x 512", official.baby),
    "inpaint": ("barbara, half missing, 256 x 256", official.barbara),
}
CROPPED_IMAGES = {
    "denoise": (
        'Peppers, "Gaussian 2", crop 256 x 256',
        functools.partial(official.peppers, crop=slice(128, 384)),
    ),
}

EXPERIMENTS = (
    _on("denoise-drp-dip", "denoise", "drp-dip", "28.55 dB at iteration 200", iterations=200),
    _on(
        "denoise-drp-dip-width-16",
        "denoise",
        "drp-dip",
        "28.55 dB at iteration 200 (width 64)",
        iterations=200,
        width=16,
    ),
    _on(
        "denoise-drp-dip-crop",
        "denoise",
        "drp-dip",
        "29.00 dB at iteration 161",
        cropped=True,
        iterations=300,
        width=32,
    ),
    *(
        _on(
            f"denoise-drp-dd-{count}",
            "denoise",
            "drp-dd",
            "DRP-DIP 29.00 dB; no original",
            cropped=True,
            upsamplings=count,
            iterations=300,
            width=64,
        )
        for count in (1, 2, 3)
    ),
    _on("inpaint-drp-dip", "inpaint", "drp-dip", "biharmonic 26.56 dB", iterations=500, width=32),
    _on(
        "inpaint-dip",
        "inpaint",
        "dip",
        "28.33 dB at iteration 1500; biharmonic 26.56 dB",
        preset_name="fast",
    ),
    *(
        _on(
            f"inpaint-drp-dd-{count}",
            "inpaint",
            "drp-dd",
            "no original; biharmonic 26.56 dB",
            upsamplings=count,
            iterations=500,
            width=64,
        )
        for count in (1, 2, 3)
    ),
    _on("inpaint-dd", "inpaint", "dd", "biharmonic 26.56 dB", preset_name="fast", iterations=500),
    _on(
        "super-resolve-drp-dip",
        "super-resolve",
        "drp-dip",
        "32.88 dB at iteration 100 (width 32); bicubic 32.11 dB",
        iterations=150,
        width=32,
    ),
    *(
        _on(
            f"super-resolve-drp-dd-{count}",
            "super-resolve",
            "drp-dd",
            "no original; bicubic 32.11 dB",
            upsamplings=count,
            iterations=100,
            width=64,
        )
        for count in (1, 2, 3)
    ),
    _on("denoise-dip", "denoise", "dip", "29.76 dB at 1500", preset_name="fast", cropped=True),
    _on(
        "super-resolve-dip",
        "super-resolve",
        "dip",
        "bicubic 32.11 dB",
        preset_name="fast",
        iterations=100,
    ),
    _on("denoise-dd", "denoise", "dd", iterations=1000, width=64, cropped=True),
    _on("super-resolve-dd", "super-resolve", "dd", "bicubic 32.11 dB", iterations=80, width=64),
)


@dataclasses.dataclass(frozen=True)
class FidelityArguments:
    data: Annotated[pathlib.Path, *arguments.file("The folder with the official images.")] = (
        official.DEFAULT_FOLDER
    )
    only: Annotated[
        str | None, *arguments.option(str, "NAME", "a name", "Run this experiment only.", "all")
    ] = None
    seed: Annotated[int, *arguments.random_seed()] = 0


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _compare(argv), program=PROGRAM)


def _compare(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(FidelityArguments, argv, program=PROGRAM, description=__doc__ or "")
    chosen = arguments.select(EXPERIMENTS, parsed.only)
    if not PAGE.parent.is_dir():
        raise InputError(f"{PAGE.parent}: no such folder; run this in the project's folder")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for experiment in chosen:
        write_json(RESULTS / f"{experiment.name}.json", _measure(experiment, parsed))
        with replace_whole(PAGE) as temporary:
            temporary.write_text(_page())
    print(f"wrote {PAGE}")
    return 0


def _measure(experiment: Experiment, parsed: FidelityArguments) -> dict:
    degraded = experiment.load(parsed.data)
    print(experiment.name, file=sys.stderr, flush=True)
    fitted = fit(
        degraded.observation,
        seed=parsed.seed,
        settings=experiment.settings,
        operator=degraded.operator,
        reference=degraded.reference,
        metric=degraded.metric,
    )
    history = np.asarray(fitted.restoration.history.psnr)
    restored = fitted.restoration.image
    scores = score(restored, degraded.reference)
    scores["psnr"] = float(degraded.metric(restored, degraded.reference))
    report = metrics(fitted, experiment.settings, preset="as given by settings", scores=scores)
    return report | {
        "best_psnr": float(np.nanmax(history)),
        "best_iteration": int(np.nanargmax(history)) + 1,
        "seconds_per_iteration": fitted.seconds / report["iterations"],
        "image": experiment.image,
        "task": experiment.task,
        "original": experiment.original,
        "seed": parsed.seed,
    }


def _page() -> str:
    """The table of all results on file."""
    reports = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    lines = [
        "# Against the published programs",
        "",
        "The published settings on the official images, narrower or shorter where the columns say",
        "so; `python -m experiments.fidelity` makes this page. PSNR in dB, of luma without 4",
        "pixels of border for super-resolution.",
        "The column *best* is read off with the clean image at hand, as papers do; *last* is what",
        "a user gets. *Original* is what the published PyTorch program, or another method, was",
        "found to give on the same file; this command does not run it.",
        "Seconds are of a shared machine, some taken while it did other work: ratios between rows",
        "mean little.",
        "",
        "| task | image | method | network | iterations | PSNR last | PSNR best | SSIM last "
        "| s/iteration | original | device |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for report in reports:
        generator = report["settings"]["method"]["generator"]
        cells = (
            report["task"],
            report["image"],
            report["method"],
            _width(generator),
            report["iterations"],
            f"{report['psnr']:.2f}",
            f"{report['best_psnr']:.2f} at {report['best_iteration']}",
            f"{report['ssim']:.3f}",
            f"{report['seconds_per_iteration']:.2f}",
            report["original"],
            report["device"],
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _width(generator: dict) -> str:
    """The shape of a generator's network in a few words."""
    if "upsamplings" in generator:
        return f"width {generator['width']}, {generator['upsamplings']} upsamplings"
    return f"width {generator['widths_up'][0]}, {len(generator['widths_up'])} scale(s)"


if __name__ == "__main__":
    sys.exit(main())
