"""Measure noise as photographs have it: `python -m experiments.benchmark real-noise`.

`--case pairs`: real photographs with a reference. `cameras`: simulated ones, where the filter told
the true spectrum is beside the presets. `kinds`: what is told of white, smooth, striped noise and
noise in blocks, and what is true, and what a preset makes of it. `JPEG`: photographs compressed.
Needs the extra `bench`. Writes JSON to `benchmarks/results/` and the page `docs/quality.md`.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Method, preset
from drp_jax.commands import options
from drp_jax.commands.report import score
from drp_jax.non_local import NoiseSpectrum, denoise, spectrum_of
from drp_jax.non_local.noisy_image import noisy_image
from experiments import cameras, pages
from experiments.benchmark import measuring, quality_page
from experiments.degradations import with_noise
from experiments.photographs import crops

PRESETS = ("fast", "default", "best")
TABLE = pages.Table(
    "case | image | method | PSNR | SSIM | seconds | told | true",
    "{case} | {image} | {method} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f} | {told} | {true}",
)
GAINS = {"weak": 0.002, "strong": 0.01}
QUALITIES = {"weak": 95, "strong": 90}
_STRENGTHS = (1.0, 1.5, 2.0, 2.5)  # what BM3D may take the true deviation times
_SIGMAS = (5, 15)
_RINGS = ((1.5, 3), (3, 5), (5, 7), (7, 10))


@dataclasses.dataclass(frozen=True)
class Arguments:
    case: str = options.choice(("pairs", "cameras", "kinds", "JPEG"), "What is measured.", "pairs")
    photographs: int | None = measuring.photographs(shown="all")
    size: int = measuring.size(512, least=64, most=512)
    network: bool = options.flag(
        "DIP too, with preset paper-jpeg for JPEG and fast for the others: many minutes each."
    )
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output(
        f"{quality_page.RESULTS}/quality-real-noise-..., and the page"
    )


@options.command("real-noise", Arguments, help=__doc__)
def real_noise(parsed: Arguments) -> int:
    """PSNR and SSIM on real and simulated photographs, and the noise that was told."""
    name = f"quality-real-noise-{parsed.case}{'-dip' if parsed.network else ''}"
    output = parsed.output or quality_page.RESULTS / f"{name}-{parsed.size}.json"
    content = {"images": parsed.case, "size": parsed.size, "draws": 1}
    pages.show(TABLE, _ROWS[parsed.case](parsed), output, content, "scikit-image", "bm3d")
    if parsed.output is None:
        quality_page.write()
    return 0


def _pairs(parsed: Arguments) -> Iterator[dict]:
    """The methods on real photographs, whole or their middle."""
    pairs = cameras.real_pairs(parsed.data)
    for name, (noisy, clean) in itertools.islice(pairs.items(), parsed.photographs):
        middle = tuple(slice((side - parsed.size) // 2, None) for side in clean.shape[:2])
        noisy, clean = (it[middle][: parsed.size, : parsed.size] for it in (noisy, clean))
        yield from _compared("real", name, noisy, clean, parsed)


def _cameras(parsed: Arguments) -> Iterator[dict]:
    """The same on simulated ones, and the filter with the true spectrum."""
    for name, scene in _colored(parsed).items():
        for case, gain in GAINS.items():
            pair = cameras.photographed(scene, gain, QUALITIES[case], parsed.seed)
            yield from _compared(f"camera, {case} noise", name, *pair, parsed)


def _jpeg(parsed: Arguments) -> Iterator[dict]:
    for name, clean in _colored(parsed).items():
        for quality in (10, 20, 40, 60):
            image = cameras.compressed(clean, quality)
            yield from _compared(f"JPEG {quality}", name, image, clean, parsed)


def _kinds(parsed: Arguments) -> Iterator[dict]:
    """What is told of every kind of noise, in rings of frequencies, and what a preset does."""
    told = jax.jit(noisy_image)
    filtered = jax.jit(denoise)
    for name, clean in _colored(parsed).items():
        for kind, sigma in itertools.product(cameras.KINDS, _SIGMAS):
            noise = cameras.noise_of(kind, sigma / 255, clean.shape, parsed.seed)
            noisy = jnp.asarray(clean + noise)
            found = told(noisy)
            true = spectrum_of(jnp.asarray(noise))
            rows = {"input": noisy, "non-local default": filtered(noisy).image}
            rows["told the spectrum of its noise"] = filtered(noisy, true).image
            for method, image in rows.items():
                spectrum = NoiseSpectrum(found.level * found.spectrum)
                bands = (
                    {"told": _rings(spectrum), "true": _rings(true)} if method == "input" else {}
                )
                place = {"case": f"{kind}, {sigma}", "image": name, "method": method}
                yield place | score(np.clip(image, 0, 1), clean) | bands | {"seconds": None}


def _compared(
    case: str, name: str, noisy: np.ndarray, clean: np.ndarray, parsed: Arguments
) -> Iterator[dict]:
    """The noisy photograph, the presets, what others take, and the filter told the spectrum."""
    place = {"task": "denoise", "case": case, "image": name, "seed": parsed.seed}
    noise = noisy - clean
    yield place | {"method": "input", **score(noisy, clean), "seconds": None}
    methods: dict[str, Method] = {f"non-local {it}": preset(it) for it in PRESETS}
    if parsed.network:
        name = "paper-jpeg" if parsed.case == "JPEG" else "fast"
        methods[f"dip {name}"] = preset(name, method="dip")
    degraded = with_noise(clean, noisy, 255 * float(noise.std()), strengths=_STRENGTHS)
    for row in degraded.compare(methods, parsed.seed):
        yield place | row
    told = denoise(jnp.asarray(noisy), spectrum_of(jnp.asarray(noise)))
    scores = score(np.asarray(told.image), clean)
    yield place | {"method": "told the spectrum of its noise", **scores, "seconds": None}


def _colored(parsed: Arguments) -> dict[str, np.ndarray]:
    squares = crops("tune", parsed.size, parsed.data) | crops("report", parsed.size, parsed.data)
    colored = {name: image for name, image in squares.items() if image.shape[-1] == 3}
    return dict(itertools.islice(colored.items(), parsed.photographs))


def _rings(spectrum: NoiseSpectrum) -> str:
    """Deviations of brightness on the 0-255 scale from coarse to fine."""
    frequency = np.hypot(*np.indices((8, 8)))
    power = np.square(np.asarray(spectrum.deviations)[..., 0])
    rings = [power[(frequency >= low) & (frequency < high)].mean() for low, high in _RINGS]
    return " / ".join(f"{255 * np.sqrt(ring):.1f}" for ring in rings)


_ROWS: dict[str, Callable[[Arguments], Iterator[dict]]] = {
    "pairs": _pairs,
    "cameras": _cameras,
    "kinds": _kinds,
    "JPEG": _jpeg,
}
