"""How good the pictures are: `python -m experiments.benchmark quality`.

Damages photographs in many ways, restores them with the presets, and with what people use instead,
and reports PSNR, SSIM and seconds without compilation. The presets were tuned on other photographs
than those reported; `--images tune` runs those. Needs the extra `bench`. Writes JSON to
`benchmarks/results/` and the page `docs/quality.md` from all that is there.
"""

import dataclasses
import itertools
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np

from drp_jax import Restoration, Settings, preset
from experiments import arguments, official
from experiments.benchmark.damage import CASES, IMAGES, Damaged, crops, damage
from experiments.benchmark.quality_page import PAGE, RESULTS, write_page
from experiments.fit import fit
from experiments.report import environment, write_json

PROGRAM = "benchmark quality"

NETWORKS = {"drp-dip": "paper", "dip": "fast"}


@dataclasses.dataclass(frozen=True)
class QualityArguments:
    task: Annotated[
        str, *arguments.option(str, "NAME", "a name", "denoise, inpaint or super-resolve.")
    ] = "denoise"
    images: Annotated[
        str,
        *arguments.option(str, "NAME", "a name", "report, or tune for those the presets saw."),
    ] = "report"
    case: Annotated[
        str | None, *arguments.option(str, "NAME", "a name", "One case of the task only.", "all")
    ] = None
    photographs: Annotated[
        int | None, *arguments.whole("How many of the photographs, from 1 up.", "all")
    ] = None
    size: Annotated[
        int, *arguments.whole("Side of the crops, from 32 to 512; smaller photographs stay out.")
    ] = 256
    draws: Annotated[int, *arguments.whole("Draws of noise or gaps, from 1 up.")] = 1
    network: Annotated[
        str | None,
        *arguments.option(
            str,
            "NAME",
            "a name",
            "Run drp-dip (preset paper) or dip (preset fast) too: minutes each.",
            "none",
        ),
    ] = None
    iterations: Annotated[
        int, *arguments.whole("Limit on the iterations of paper, whose own is 5000.")
    ] = 300
    seed: Annotated[int, *arguments.random_seed()] = 0
    data: Annotated[pathlib.Path, *arguments.file("Folder of the official images, if there.")] = (
        official.DEFAULT_FOLDER
    )
    output: Annotated[
        pathlib.Path | None,
        *arguments.file("Where to write the JSON.", f"{RESULTS}/quality-....json, and the page"),
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _measure(argv), program=PROGRAM)


def _measure(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(QualityArguments, argv, program=PROGRAM, description=__doc__ or "")
    arguments.require_name(parsed, "network", NETWORKS)
    arguments.require_name(parsed, "task", CASES)
    arguments.require_name(parsed, "case", CASES[parsed.task])
    arguments.require_name(parsed, "images", IMAGES)
    arguments.require_range(parsed, "size", 32, 512)
    arguments.require_range(parsed, "iterations", 1, 5000)
    arguments.require_range(parsed, "draws", 1)
    if parsed.photographs is not None:
        arguments.require_range(parsed, "photographs", 1)
    cases = CASES[parsed.task] if parsed.case is None else (parsed.case,)
    photographs = crops(parsed.images, parsed.size, parsed.data)
    rows: list[dict] = []
    output = parsed.output or RESULTS / _file_name(parsed)
    seeds = range(parsed.seed, parsed.seed + parsed.draws)
    for name, clean in itertools.islice(photographs.items(), parsed.photographs):
        for case, seed in itertools.product(cases, seeds):
            for row in _rows(parsed, case, clean, seed):
                row = {"task": parsed.task, "case": case, "image": name, "seed": seed} | row
                rows.append(row)
                print(
                    f"{case}, {name}, {row['method']}: {row['psnr']:.2f} dB, "
                    f"{row['seconds']:.1f} s",
                    flush=True,
                )
        packages = ("bm3d", "PyWavelets") if parsed.task == "denoise" else ()
        report = environment("scikit-image", *packages) | {"images": parsed.images, "rows": rows}
        write_json(output, report | {"size": parsed.size, "draws": parsed.draws})
    print(f"wrote {output}")
    if parsed.output is None:
        write_page()
        print(f"wrote {PAGE}")
    return 0


def _file_name(parsed: QualityArguments) -> str:
    network = "" if parsed.network is None else f"-{parsed.network}"
    size = "" if parsed.size == QualityArguments.size else f"-{parsed.size}"
    return f"quality-{parsed.task}-{parsed.images}{network}{size}.json"


def _rows(parsed: QualityArguments, case: str, clean: np.ndarray, seed: int) -> Iterator[dict]:
    damaged = damage(parsed.task, case, clean, seed)
    presets = ("fast", "default", "best")
    runs = {f"non-local {name}": preset(name, task=parsed.task) for name in presets}
    if parsed.network is not None:
        method, name = parsed.network, NETWORKS[parsed.network]
        settings = preset(name, method=method, task=parsed.task)
        limited = settings.adjusted(iterations=parsed.iterations) if name == "paper" else settings
        if parsed.task == "denoise":
            runs["non-local, its first step"] = runs["non-local fast"].adjusted(iterations=2)
        runs[f"{method} {name}"] = limited
    for name, settings in runs.items():
        yield {"method": name} | _run(damaged, settings, seed)
    for name, rival in damaged.rivals().items():
        yield {"method": name} | _run_rival(damaged, rival)


def _run(damaged: Damaged, settings: Settings, seed: int) -> dict:
    """One of our settings: scores, times, and how the history went."""
    fitted = fit(
        damaged.observation,
        seed=seed,
        settings=settings,
        operator=damaged.operator,
        reference=damaged.clean,
        metric=damaged.metric,
    )
    result = fitted.restoration
    history = np.asarray(result.history.psnr)[: int(result.iterations)]
    best = int(np.nanargmax(history))
    return {
        **damaged.score(np.asarray(result.image)),
        "seconds": fitted.seconds,
        "compile_seconds": fitted.compile_seconds,
        "iterations": int(result.iterations),
        "best_psnr": float(history[best]),
        "best_iteration": best + 1,
        "last_psnr": float(history[-1]),
        "uncertainty_correlation": _correlation(result, damaged.clean),
    }


def _correlation(result: Restoration, clean: np.ndarray) -> float | None:
    """Of the uncertainty with the true absolute error, over the pixels."""
    if result.uncertainty is None:
        return None
    error = np.abs(np.asarray(result.image) - clean).mean(axis=-1)
    return float(np.corrcoef(np.asarray(result.uncertainty).ravel(), error.ravel())[0, 1])


def _run_rival(damaged: Damaged, rival: Callable) -> dict:
    """The best candidate of another method, and the time of one candidate."""
    start = time.perf_counter()
    candidates = [damaged.score(np.asarray(image)) for image in rival()]
    seconds = (time.perf_counter() - start) / len(candidates)
    return {**max(candidates, key=lambda scores: scores["psnr"] or 0), "seconds": seconds}
