"""Measure what is told of noise: `python -m experiments.benchmark noise-spectra`.

White, smooth, striped and blocky noise, that of simulated cameras, of real ones where `--data` has
their photographs, and of JPEG: for each photograph what is told of its noise, and what is true;
what the filter makes of it by what it is told, and what it would if it were told the truth. Writes
JSON, and a table for `docs/quality.md`.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.commands import options
from drp_jax.metrics import psnr
from drp_jax.non_local import NoiseSpectrum, denoise, spectrum_of
from drp_jax.non_local.noisy_image import noisy_image
from drp_jax.sweep.degradations import jpeg
from experiments import cameras, pages
from experiments.benchmark import measuring
from experiments.photographs import crops

RESULTS = pathlib.Path("benchmarks/results/noise-spectra-cpu.json")
TABLE = pages.Table(
    "noise | photograph | as it is | by the noise that is told | by the true noise | told | true",
    "{noise} | {image} | {as_it_is:.2f} | {by_told:.2f} | {by_true:.2f} | {told} | {true}",
)
SIGMAS = (5, 15)
QUALITIES = (10, 20, 40, 60)
_RINGS = ((1.5, 3), (3, 5), (5, 7), (7, 10))


@dataclasses.dataclass(frozen=True)
class Arguments:
    photographs: int | None = measuring.photographs(shown="all")
    size: int = measuring.size(256, least=64, most=512)
    seed: int = options.random_seed()
    data: pathlib.Path = measuring.data()
    output: pathlib.Path = options.file(
        "Where to write the JSON, and the table beside it.", RESULTS
    )


@options.command("noise-spectra", Arguments, help=__doc__)
def noise_spectra(parsed: Arguments) -> int:
    """What is told of noise, what is true, and what the filter makes of both."""
    rows = pages.show(TABLE, _rows(parsed), parsed.output, {"size": parsed.size})
    pages.write_table(parsed.output, TABLE.of(rows))
    return 0


def _rows(parsed: Arguments) -> Iterator[dict]:
    told_of, filtered = jax.jit(noisy_image), jax.jit(denoise)
    for kind, name, noisy, clean in _pictures(parsed):
        picture, true = jnp.asarray(noisy), spectrum_of(jnp.asarray(noisy - clean))
        found = told_of(picture)
        images = {
            "as_it_is": noisy,
            "by_told": filtered(picture).image,
            "by_true": filtered(picture, true).image,
        }
        scores = {
            by: float(psnr(jnp.clip(image, 0, 1), jnp.asarray(clean)))
            for by, image in images.items()
        }
        told = NoiseSpectrum(found.level * found.spectrum)
        yield {"noise": kind, "image": name, **scores, "told": _rings(told), "true": _rings(true)}


def _pictures(parsed: Arguments) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Noisy pictures: the kind of their noise, their name, the picture and the clean one."""
    for name, clean in _colored(parsed).items():
        for kind, sigma in itertools.product(cameras.KINDS, SIGMAS):
            noise = cameras.noise_of(kind, sigma / 255, clean.shape, parsed.seed)
            yield f"{kind}, {sigma}", name, clean + noise, clean
        for kind, camera in cameras.CAMERAS.items():
            noisy, developed = camera(clean, np.random.default_rng(parsed.seed))
            yield f"camera, {kind} noise", name, noisy, developed
        for quality in QUALITIES:
            yield f"JPEG {quality}", name, jpeg(clean, quality), clean
    if not parsed.data.exists():
        return
    pairs = cameras.real_pairs(parsed.data, parsed.size)
    for name, (clean, noisy) in itertools.islice(pairs.items(), parsed.photographs):
        yield "real camera", name, noisy, clean


def _colored(parsed: Arguments) -> dict[str, np.ndarray]:
    squares = crops("tune", parsed.size, parsed.data)
    colored = {name: image for name, image in squares.items() if image.shape[-1] == 3}
    return dict(itertools.islice(colored.items(), parsed.photographs))


def _rings(spectrum: NoiseSpectrum) -> str:
    """Deviations of brightness on the 0-255 scale from coarse to fine."""
    frequency = np.hypot(*np.indices((8, 8)))
    power = np.square(np.asarray(spectrum.deviations)[..., 0])
    rings = [power[(frequency >= low) & (frequency < high)].mean() for low, high in _RINGS]
    return " / ".join(f"{255 * np.sqrt(ring):.1f}" for ring in rings)
