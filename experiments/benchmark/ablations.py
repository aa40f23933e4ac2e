"""Measure what each part brings: `python -m experiments.benchmark ablations`.

Runs the presets with one part left out or put in, on the photographs that the presets were chosen
on, with several draws of noise, gaps and keys each, and prints mean PSNR and seconds. What was made
of it is in `docs/research.md`.
"""

import dataclasses
import functools
import itertools
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from drp_jax import Loop, Method, Problem, non_local, preset, restore, untrained
from drp_jax.commands import options
from experiments import degradations, pages
from experiments.benchmark import measuring
from experiments.photographs import crops

CASES = ("Gaussian 25", "speckle", "impulse", "50 %", "90 %", "x4")
TABLE = pages.Table(
    "case | variant | PSNR | seconds", "{case} | {variant} | {psnr:.2f} | {seconds:.1f}"
)

Restore = Callable[[Problem, jax.Array], jax.Array]
"""From a problem and a key to the image."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    case: str | None = measuring.only(CASES)
    photographs: int = measuring.photographs(3)
    draws: int = measuring.draws(3)
    size: int = measuring.size(256, least=32, most=256)
    iterations: int = measuring.iterations(250)
    output: pathlib.Path | None = measuring.output()


@options.command("ablations", Arguments, help=__doc__)
def ablations(parsed: Arguments) -> int:
    """The presets with one part left out or put in."""
    content = {name: getattr(parsed, name) for name in ("photographs", "draws", "size")}
    pages.show(TABLE, _rows(parsed), parsed.output, content)
    return 0


def _rows(parsed: Arguments) -> Iterator[dict]:
    photographs = [*crops("tune", parsed.size).values()][: parsed.photographs]
    for case in CASES if parsed.case is None else (parsed.case,):
        for name, variant in variants(case, parsed.iterations).items():
            scores, seconds = [], []
            for clean, seed in itertools.product(photographs, range(parsed.draws)):
                problem = degradations.degrade(case, clean, seed)
                start = time.perf_counter()
                image = np.asarray(variant(problem, jax.random.key(seed)))
                seconds.append(time.perf_counter() - start)
                scores.append(degradations.psnr_of(image, problem))
            # The median is without the first run, which compiles.
            means = {"psnr": statistics.mean(scores), "seconds": statistics.median(seconds)}
            yield {"case": case, "variant": name} | means


def variants(case: str, iterations: int) -> dict[str, Restore]:
    """The variants of a case by what is said of them."""
    if degradations.CASES[case].task != "denoise":
        return _plug_and_play(case)
    default = _by(preset())
    if case == "impulse":
        return {
            "impulses filled in biharmonically: `default`": default,
            "the median of 5 x 5 pixels in their place": _with_medians,
            "impulses left in": denoised,
        }
    part = functools.partial
    filters: dict[str, Restore] = {
        "threshold": part(denoised, refined=False),
        "threshold, Wiener: `fast`": _by(preset("fast")),
        "threshold, Wiener, ridge: `default`": default,
        "wider, and a second ridge: `best`": _by(preset("best")),
        "`default` without undoing the clipping": part(denoised, unclipped=False),
        "`default` with one noise level for all brightnesses": part(denoised, by_brightness=False),
    }
    if case == "Gaussian 25":
        network = _by(_all_trained(iterations))
        name = f"network, seed, affine and weights trained, TV, {iterations} iterations"
        filters[name] = network
        filters["nine tenths `default`, one tenth that network"] = lambda problem, key: (
            0.9 * default(problem, key) + 0.1 * network(problem, key)
        )
    return filters


@functools.partial(jax.jit, static_argnames=("refined", "unclipped", "by_brightness"))
def denoised(
    problem: Problem,
    key: jax.Array,
    refined: bool = True,
    unclipped: bool = True,
    by_brightness: bool = True,
) -> jax.Array:
    """What `non_local.denoise` does, but for impulses, with parts left out."""
    noisy = problem.observation
    level = non_local.noise_level(noisy)
    noise = non_local.noise_map(noisy) if by_brightness else level
    filtered = non_local.hard_threshold_step(noisy, noise)
    if refined:
        filtered = non_local.wiener_step(noisy, filtered, noise)
        filtered = non_local.ridge_step(noisy, filtered, noise)
    return non_local.unclip(filtered.image, noisy, level) if unclipped else filtered.image


def _with_medians(problem: Problem, key: jax.Array) -> jax.Array:
    """The preset `default` after impulses were replaced by the median around them."""
    image = np.asarray(problem.observation)
    median = ndimage.median_filter(image, (5, 5, 1))
    is_impulse = ((image <= 0) | (image >= 1)) & (np.abs(image - median) > 0.1)
    return restore(jnp.where(is_impulse, median, image), key=key, method=preset()).image


def _plug_and_play(case: str) -> dict[str, Restore]:
    """The preset `default` with parts of its steps left out or replaced."""
    method = preset(task=degradations.CASES[case].task)
    first, refined = method.denoiser
    fine = non_local.CollaborativeDenoiser(patch=8)
    other = non_local.CollaborativeDenoiser(patch=24 - first.patch)  # 8 or 16, the other one
    side = f"{other.patch} x {other.patch}"

    def changed(**changes: object) -> Restore:
        return _by(dataclasses.replace(method, **changes))

    found = {
        "`default`": _by(method),
        "`default` without momentum": changed(momentum=0.0),
        f"`default` with {side} patches in the first half": changed(denoiser=(other, refined)),
        "`default` without ridge": changed(denoiser=(first, fine)),
        "8 x 8 patches, nothing else": changed(denoiser=fine, momentum=0.0),
    }
    if case == "90 %":  # the root of the share of known pixels is undone
        found["first level 0.3 whatever is missing"] = changed(first=0.3 / 0.1**0.5)
    return found


def _all_trained(iterations: int) -> Method:
    """DRP-DIP with its weights trained too, on three narrow scales."""
    return dataclasses.replace(
        untrained.published.DRP_DIP,
        generator=untrained.HourglassConfig(
            widths_down=(16,) * 3, widths_up=(16,) * 3, widths_skip=(4,) * 3
        ),
        trainable=(untrained.Seed, untrained.NormAffine, untrained.Weight),
        objective=untrained.Objective(weight=0.15),
        learning_rate=untrained.CosineDecay(0.03, 1e-5, iterations),
        loop=Loop(iterations, ema_decay=0.9),
    )


def _by(method: Method) -> Restore:
    return lambda problem, key: restore(problem, key=key, method=method).image
