"""Measure how good the pictures are: `python -m experiments.benchmark quality`.

Degrades photographs in many ways, restores them with the presets, and with what people use instead,
and reports PSNR, SSIM and seconds without compilation. The presets were tuned on other photographs
than those reported; `--images tune` runs those. Needs the extra `bench`. Writes JSON to
`benchmarks/results/` and the page `docs/quality.md` from all that is there.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator, Sequence

from drp_jax import InputError, Method, preset
from drp_jax.commands import options
from experiments import pages
from experiments.benchmark import measuring, quality_page
from experiments.degradations import CASES, degrade
from experiments.photographs import IMAGES, crops

NETWORKS = {"drp-dip": "paper", "dip": "fast"}
SIZE = 256
TABLE = pages.Table(
    "case | image | method | PSNR | seconds",
    "{case} | {image} | {method} | {psnr:.2f} | {seconds:.1f}",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    task: str = options.choice(CASES, "What is done to the photographs.", "denoise")
    images: str = options.choice(IMAGES, "Those reported, or those the presets saw.", "report")
    case: str | None = measuring.only(itertools.chain(*CASES.values()))
    photographs: int | None = measuring.photographs(shown="all")
    size: int = measuring.size(SIZE, least=32, most=512)
    draws: int = measuring.draws(1)
    network: str | None = options.choice(
        NETWORKS, "A network to run too: preset paper or fast, minutes each.", shown="none"
    )
    iterations: int = measuring.iterations(300, most=5000)
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output(
        f"{quality_page.RESULTS}/quality-..., and the page"
    )


@options.command("quality", Arguments, help=__doc__)
def quality(parsed: Arguments) -> int:
    """PSNR and SSIM of the presets, and of what others use."""
    cases = CASES[parsed.task] if parsed.case is None else (parsed.case,)
    if cases[0] not in CASES[parsed.task]:
        accepted = ", ".join(CASES[parsed.task])
        raise InputError(f"--case is {parsed.case!r}; accepted: {accepted}")
    packages = ("scikit-image", *(("bm3d", "PyWavelets") if parsed.task == "denoise" else ()))
    network = "" if parsed.network is None else f"-{parsed.network}"
    size = "" if parsed.size == SIZE else f"-{parsed.size}"
    name = f"quality-{parsed.task}-{parsed.images}{network}{size}.json"
    output = parsed.output or quality_page.RESULTS / name
    content = {name: getattr(parsed, name) for name in ("images", "size", "draws")}
    pages.show(TABLE, _rows(parsed, cases), output, content, *packages)
    if parsed.output is None:
        quality_page.write()
    return 0


def _rows(parsed: Arguments, cases: Sequence[str]) -> Iterator[dict]:
    photographs = crops(parsed.images, parsed.size, parsed.data)
    seeds = range(parsed.seed, parsed.seed + parsed.draws)
    for name, clean in itertools.islice(photographs.items(), parsed.photographs):
        for case, seed in itertools.product(cases, seeds):
            place = {"task": parsed.task, "case": case, "image": name, "seed": seed}
            for row in degrade(case, clean, seed).compare(_methods(parsed), seed):
                yield place | row


def _methods(parsed: Arguments) -> dict[str, Method]:
    """Ours by the names that the page has."""
    methods = {
        f"non-local {name}": preset(name, task=parsed.task) for name in ("fast", "default", "best")
    }
    if parsed.network is None:
        return methods
    if parsed.task == "denoise":
        methods["non-local, its first step"] = preset("fast").adjusted(iterations=1)
    name = NETWORKS[parsed.network]
    limit = parsed.iterations if name == "paper" else None
    network = preset(name, method=parsed.network, task=parsed.task).adjusted(iterations=limit)
    return methods | {f"{parsed.network} {name}": network}
