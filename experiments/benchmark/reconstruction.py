"""Time methods for measurements: `python -m experiments.benchmark reconstruction`.

Slices of scans and a photograph, as MRI, tomography or blurs observe them, are restored by one
method after the other, again and again, so that other work on the machine slows all alike. A row
per image and method, seconds without compilation; then the means, and the median of what share of
the time of the last method each takes, which goes to a table of Markdown beside the JSON too. How
good the images are is a matter of sweeps: `benchmarks/plans`.
"""

import dataclasses
import functools
import pathlib
import statistics
from collections.abc import Iterable, Iterator

import numpy as np

from drp_jax import InputError, Method, preset
from drp_jax.commands import options
from drp_jax.commands.fit import fit
from drp_jax.commands.report import score
from drp_jax.presets import names
from experiments import pages
from experiments.benchmark import measuring
from experiments.measurements import MEASUREMENTS, NOISE, measured
from experiments.photographs import colored, scans

TABLE = pages.Table(
    "measured by | image | draw | method | PSNR | SSIM | seconds",
    "{case} | {image} | {draw} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f}",
)
SHARES = pages.Table(
    "measured by | method | PSNR (dB) | seconds | share of the time of {last}",
    "{case} | {method} | {psnr:.2f} | {seconds:.1f} | {share:.2f}",
)
CASES = ("MRI x4", "CT, 24 views", "motion blur", "compressed sensing 25 %")
METHODS = tuple(method for method, tasks in names().items() if "reconstruct" in tasks)
PRESETS = tuple(f"{method} {name}" for method in METHODS for name in names()[method]["reconstruct"])


def _some_of(known: Iterable[str], separator: str, text: str) -> tuple[str, ...]:
    """Names that are known, or ValueError."""
    chosen = tuple(text.split(separator))
    if not set(chosen) <= set(known):
        raise ValueError
    return chosen


@dataclasses.dataclass(frozen=True)
class Arguments:
    cases: tuple[str, ...] = options.option(
        functools.partial(_some_of, MEASUREMENTS, ";"),
        "NAMES",
        f"some of {'; '.join(MEASUREMENTS)}, with a semicolon and no blank between them",
        "What measures the images.",
        CASES,
        shown=";".join(CASES),
    )
    methods: tuple[str, ...] = options.option(
        functools.partial(_some_of, (*METHODS, *PRESETS), ","),
        "NAMES",
        f"some of {', '.join(METHODS)}, with commas between them, or {', '.join(PRESETS)}",
        "Which methods, with their presets after a blank or without; the times of the others are "
        "told beside that of the last.",
        ("drp-pnp", "drp-pnp fast", "dip"),
        shown="drp-pnp,drp-pnp fast,dip",
    )
    size: int = measuring.size(128, least=16, most=256)
    photographs: int = measuring.photographs(1)
    noise: float = options.number("Standard deviation of the noise.", NOISE, least=0.0)
    iterations: int | None = measuring.iterations(shown="of the preset")
    draws: int = measuring.draws(2)
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("reconstruction", Arguments, help=__doc__)
def reconstruction(parsed: Arguments) -> int:
    """Methods for MRI, CT, blurs, compressed sensing ... by turns."""
    methods = {
        name: _method(name).adjusted(iterations=parsed.iterations) for name in parsed.methods
    }
    content = {"size": parsed.size, "noise": parsed.noise}
    rows = pages.show(TABLE, _rows(methods, parsed), parsed.output, content)
    table = shares(rows, list(methods)[-1])
    print(table)
    pages.write_table(parsed.output, table)
    return 0


def _method(text: str) -> Method:
    """What a method is by default, or with the preset that is named after it."""
    method, *name = text.split()
    return preset(*name, method=method, task="reconstruct")


def shares(rows: list[dict], last: str) -> str:
    """A table of the means of each case and method, and its share of the time of the last."""
    groups = pages.by_case_and_method(rows)

    def line(case: str, method: str) -> dict:
        own, others = groups[case, method], groups[case, last]
        pairs = zip(own, others, strict=True)
        return {
            "case": case,
            "method": method,
            "psnr": statistics.mean(row["psnr"] for row in own),
            "seconds": statistics.mean(row["seconds"] for row in own),
            "share": statistics.median(one["seconds"] / other["seconds"] for one, other in pairs),
        }

    table = SHARES._replace(names=SHARES.names.format(last=last))
    return table.of(line(*group) for group in groups)


def _rows(methods: dict[str, Method], parsed: Arguments) -> Iterator[dict]:
    for case in parsed.cases:
        yield from _of_case(case, methods, parsed)


def _of_case(case: str, methods: dict[str, Method], parsed: Arguments) -> Iterator[dict]:
    source = colored if case == "demosaicing" else scans
    images = [*source(parsed.data, parsed.size).items()][: parsed.photographs]
    for image, clean in images:
        for draw in range(parsed.draws):
            seed = parsed.seed + draw
            problem = measured(clean, case, seed, parsed.noise)
            for name, method in methods.items():
                try:
                    method.check(problem)
                except InputError as error:
                    raise InputError(f"--methods {name}: {error}") from None
            for name, method in methods.items():
                fitted = fit(problem, seed=seed, method=method)
                yield {
                    "case": case,
                    "image": image,
                    "draw": draw,
                    "method": name,
                    **score(np.asarray(fitted.restoration.image), clean),
                    "seconds": fitted.seconds,
                    "compile_seconds": fitted.compile_seconds,
                }
