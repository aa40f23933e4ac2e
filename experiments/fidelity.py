"""Compare this library with the published programs on their own images.

`python -m experiments.fidelity --data FOLDER` runs the experiments below on the official
files in FOLDER, writes one JSON per experiment into `benchmarks/results/fidelity/`, and
makes `docs/fidelity.md` from all JSON files there. With `--only NAME` it runs one.
"""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np

from drp_jax import Identity, InputError, Operator, preset
from drp_jax.images import replace_whole
from experiments import arguments
from experiments.fit import fit
from experiments.report import metrics, score, write_json

PROGRAM = "fidelity"
RESULTS = pathlib.Path("benchmarks/results/fidelity")
PAGE = pathlib.Path("docs/fidelity.md")


@dataclasses.dataclass(frozen=True)
class Degraded:
    """A degraded image, its operator and the truth."""

    observation: np.ndarray
    reference: np.ndarray
    operator: Operator = dataclasses.field(default_factory=Identity)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run on an official image.

    Attributes:
      name: what `--only` takes and the JSON file is called.
      image: words for the table.
      load: reads the degraded image from the data folder.
      method, task: select the preset "paper".
      iterations: how many of the published ones are run.
      original: what the original program reaches, in words.
      width: channels, where narrower than published.
    """

    name: str
    image: str
    load: Callable[[pathlib.Path], Degraded]
    method: str
    task: str
    iterations: int
    original: str
    width: int | None = None


def _peppers(data: pathlib.Path) -> Degraded:
    folder = data / "denoise"
    noisy, clean = (
        _load_array(folder / f"Peppers_{name}.npz") for name in ("Gaussian_Noise_2", "clean")
    )
    return Degraded(noisy, clean)


EXPERIMENTS = (
    Experiment(
        name="denoise-drp-dip",
        image='Peppers, "Gaussian 2", 512 x 512',
        load=_peppers,
        method="drp-dip",
        task="denoise",
        iterations=200,
        original="28.55 dB at iteration 200",
    ),
    Experiment(
        name="denoise-drp-dip-width-16",
        image='Peppers, "Gaussian 2", 512 x 512',
        load=_peppers,
        method="drp-dip",
        task="denoise",
        iterations=200,
        original="28.55 dB at iteration 200 (width 64)",
        width=16,
    ),
)


@dataclasses.dataclass(frozen=True)
class FidelityArguments:
    data: Annotated[
        pathlib.Path, *arguments.file("The folder with the official images.", "../shared/data")
    ] = pathlib.Path("../shared/data")
    only: Annotated[
        str | None, *arguments.option(str, "NAME", "a name", "Run this experiment only.", "all")
    ] = None
    seed: Annotated[int, *arguments.whole("Number that fixes all random draws.")] = 0


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _compare(argv), program=PROGRAM)


def _compare(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(FidelityArguments, argv, program=PROGRAM, description=__doc__ or "")
    chosen = [one for one in EXPERIMENTS if parsed.only in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in EXPERIMENTS)
        raise InputError(f"--only is {parsed.only!r}; accepted: {names}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for experiment in chosen:
        print(experiment.name)
        write_json(RESULTS / f"{experiment.name}.json", _measure(experiment, parsed))
        with replace_whole(PAGE) as temporary:
            temporary.write_text(_page())
    print(f"wrote {PAGE}")
    return 0


def _measure(experiment: Experiment, parsed: FidelityArguments) -> dict:
    degraded = experiment.load(parsed.data)
    settings = preset("paper", method=experiment.method, task=experiment.task).adjusted(
        iterations=experiment.iterations, width=experiment.width
    )
    fitted = fit(
        degraded.observation,
        seed=parsed.seed,
        settings=settings,
        operator=degraded.operator,
        reference=degraded.reference,
    )
    history = np.asarray(fitted.restoration.history.psnr)
    before = score(degraded.observation, degraded.reference)
    after = score(fitted.restoration.image, degraded.reference)
    report = metrics(fitted, settings, preset="paper", before=before, after=after)
    iterations = report["iterations"]
    return report | {
        "best_psnr": float(np.nanmax(history)),
        "best_iteration": int(np.nanargmax(history)) + 1,
        "seconds_per_iteration": fitted.seconds / iterations,
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
        "Preset `paper` on the official images; `python -m experiments.fidelity` makes this page.",
        "The column *best* is read off with the clean image at hand, as papers do; *last* is what",
        "a user gets. *Original* is what the published PyTorch program gives on the same file.",
        "",
        "| task | image | method | width | iterations | PSNR last | PSNR best | SSIM last "
        "| s/iteration | original | device |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for report in reports:
        generator = report["settings"]["method"]["generator"]
        cells = (
            report["task"],
            report["image"],
            report["method"],
            generator["widths_up"][0],
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


def _load_array(path: pathlib.Path) -> np.ndarray:
    if not path.exists():
        raise InputError(f"{path}: no such file; --data names the folder of the official images")
    return np.load(path)["arr_0"].astype(np.float32) / 255


if __name__ == "__main__":
    sys.exit(main())
