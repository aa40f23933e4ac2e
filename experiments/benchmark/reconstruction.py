"""Restore images from measurements: `python -m experiments.benchmark reconstruction`.

Slices of scans and a photograph, as MRI, tomography, blurs, compressed sensing, phase retrieval and
a colour mosaic observe them, with white noise: by what the library has for them and by total
variation alone, which gets the best of its weights by the clean image. A row per image and method;
a method that takes no such operator is left out. Seconds are without compilation.
`reconstruction-page` makes docs/reconstruction.md of it. Without the folder of data the images are
photographs and the phantom of Shepp and Logan.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator

from drp_jax import InputError, Method, Problem, preset
from drp_jax.commands import options
from drp_jax.presets import names
from experiments import pages
from experiments.benchmark import baselines, measuring
from experiments.degradations import Degraded
from experiments.measurements import MEASUREMENTS, NOISE, measured
from experiments.photographs import colored, scans

TABLE = pages.Table(
    "measured by | image | method | PSNR | SSIM | seconds",
    "{case} | {image} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f}",
)
TV = "tv"
WEIGHTS = "weights"
SPREAD = "projectors"
PROJECTORS = 4
AVERAGED = f"drp-dip, mean of {PROJECTORS}"
PRESETS = ("fast", "best")
METHODS = tuple(method for method, tasks in names().items() if "reconstruct" in tasks)
DEFAULT = f"drp-pnp,drp-dip,plug-and-play,{TV}"
_NAMES = (*METHODS, *PRESETS, WEIGHTS, SPREAD)


def _several(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if not set(chosen) <= set(_NAMES):
        raise ValueError
    return chosen


@dataclasses.dataclass(frozen=True)
class Arguments:
    case: str | None = measuring.only(MEASUREMENTS)
    methods: tuple[str, ...] = options.option(
        _several,
        "NAMES",
        f"some of {', '.join(_NAMES)}, with commas between them",
        f"Which methods; {WEIGHTS} is drp-dip with each of its weights, {SPREAD} the mean of "
        f"{PROJECTORS} of it.",
        tuple(DEFAULT.split(",")),
        shown=DEFAULT,
    )
    size: int = measuring.size(128, least=16, most=256)
    photographs: int | None = measuring.photographs(shown="all")
    noise: float = options.number("Standard deviation of the noise.", NOISE, least=0.0)
    iterations: int | None = measuring.iterations(shown="of the preset")
    draws: int = measuring.draws(1)
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("reconstruction", Arguments, help=__doc__)
def reconstruction(parsed: Arguments) -> int:
    """The projector and others for MRI, CT, blurs, compressed sensing ..."""
    content = {"size": parsed.size, "noise": parsed.noise}
    pages.show(TABLE, _rows(parsed), parsed.output, content)
    return 0


def _rows(parsed: Arguments) -> Iterator[dict]:
    for case in MEASUREMENTS if parsed.case is None else [parsed.case]:
        source = colored if case == "demosaicing" else scans
        images = [*source(parsed.data, parsed.size).items()][: parsed.photographs]
        for image, clean in images:
            for draw in range(parsed.draws):
                seed = parsed.seed + draw
                problem = measured(clean, case, seed, parsed.noise)
                with_tv = baselines.reconstructors if TV in parsed.methods else lambda _: {}
                degraded = Degraded(problem, functools.partial(with_tv, problem))
                for row in degraded.compare(_methods(problem, parsed), seed):
                    yield {"case": case, "image": image, "draw": draw} | row


def _methods(problem: Problem, parsed: Arguments) -> dict[str, Method]:
    """Those of the methods that take the problem."""
    methods: dict[str, Method] = {}
    for name in parsed.methods:
        if name in PRESETS:
            methods[name] = preset(name, task="reconstruct")
        elif name == WEIGHTS:
            projector = preset(method="drp-dip", task="reconstruct")
            for weight in projector.weights:
                methods[f"weight {weight:g}"] = projector.adjusted(regularizer_weight=weight)
        elif name == SPREAD:
            projector = preset(method="drp-dip", task="reconstruct")
            methods[AVERAGED] = projector.adjusted(projectors=PROJECTORS)
        elif name != TV:  # which gets the best of its weights
            methods[name] = preset(method=name, task="reconstruct")
    return {
        name: one.adjusted(iterations=parsed.iterations)
        for name, one in methods.items()
        if _takes(one, problem)
    }


def _takes(method: Method, problem: Problem) -> bool:
    try:
        method.check(problem)
    except InputError:
        return False
    return True
