"""What each idea brings: `python -m experiments.benchmark ideas`.

Runs the presets with one part left out or put in, on the photographs that the presets were chosen
on, with three draws of noise, gaps and keys each, and prints mean PSNR and seconds. What was made
of it is in `docs/research.md`.
"""

import dataclasses
import functools
import pathlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import ndimage

from drp_jax import (
    DRP_DIP,
    Filter,
    HourglassConfig,
    NormAffine,
    Objective,
    Operator,
    Seed,
    Settings,
    SolverConfig,
    Weight,
    anisotropic_tv,
    noise_level,
    preset,
    restore,
    rmse,
)
from drp_jax.clipping import unclip
from drp_jax.collaborative import hard_threshold_step, ridge_step, wiener_step
from drp_jax.noise import noise_map
from experiments import arguments, official
from experiments.benchmark.damage import crops, damage
from experiments.report import environment, write_json

PROGRAM = "benchmark ideas"
CASES = {
    "Gaussian 25": "denoise",
    "speckle": "denoise",
    "impulse": "denoise",
    "50 %": "inpaint",
    "90 %": "inpaint",
    "x4": "super-resolve",
}

Restore = Callable[[jax.Array, Operator, jax.Array], jax.Array]
"""From observation, operator and key to the image."""


@dataclasses.dataclass(frozen=True)
class IdeasArguments:
    case: Annotated[
        str | None, *arguments.option(str, "NAME", "a name", "One case only.", "all")
    ] = None
    photographs: Annotated[int, *arguments.whole("How many photographs, from 1 up.")] = 3
    draws: Annotated[int, *arguments.whole("Draws of noise, gaps and keys, from 1 up.")] = 3
    size: Annotated[int, *arguments.whole("Side of the crops, from 32 to 256.")] = 256
    iterations: Annotated[int, *arguments.whole("Iterations of the network, from 1 up.")] = 250
    output: Annotated[
        pathlib.Path | None, *arguments.file("Where to write the JSON.", "not written")
    ] = None


def main(argv: Sequence[str] | None = None) -> int:
    return arguments.run(lambda: _measure(argv), program=PROGRAM)


def _measure(argv: Sequence[str] | None) -> int:
    parsed = arguments.parse(IdeasArguments, argv, program=PROGRAM, description=__doc__ or "")
    arguments.require_name(parsed, "case", CASES)
    for name in ("photographs", "draws", "iterations"):
        arguments.require_range(parsed, name, 1)
    arguments.require_range(parsed, "size", 32, 256)
    photographs = list(crops("tune", parsed.size, official.DEFAULT_FOLDER).values())
    photographs = photographs[: parsed.photographs]
    rows = []
    print("| case | idea | PSNR | seconds |\n|---|---|---|---|")
    for case in CASES if parsed.case is None else [parsed.case]:
        for idea, restored in _ideas(case, parsed.iterations).items():
            row = {"case": case, "idea": idea} | _mean(case, restored, photographs, parsed.draws)
            rows.append(row)
            print(f"| {case} | {idea} | {row['psnr']:.2f} | {row['seconds']:.1f} |", flush=True)
    if parsed.output is not None:
        asked = {name: getattr(parsed, name) for name in ("photographs", "draws", "size")}
        write_json(parsed.output, environment() | asked | {"rows": rows})
    return 0


def _mean(
    case: str, restored: Restore, photographs: Sequence[np.ndarray], draws: int
) -> dict[str, float]:
    scores, seconds = [], []
    for clean in photographs:
        for seed in range(draws):
            damaged = damage(CASES[case], case, clean, seed)
            observation = jnp.asarray(damaged.observation)
            start = time.perf_counter()
            image = jax.block_until_ready(
                restored(observation, damaged.operator, jax.random.key(seed))
            )
            seconds.append(time.perf_counter() - start)
            scores.append(damaged.score(np.asarray(image))["psnr"] or 0.0)
    # The median is without the first run, which compiles.
    return {"psnr": statistics.mean(scores), "seconds": statistics.median(seconds)}


def _ideas(case: str, iterations: int) -> dict[str, Restore]:
    if CASES[case] != "denoise":
        return _plug_and_play_ideas(case)
    default = _by_settings(preset())
    if case == "impulse":
        return {
            "impulses filled in biharmonically: `default`": default,
            "the median of 5 x 5 pixels in their place": lambda observation, *others: default(
                _with_medians(observation), *others
            ),
            "impulses left in": _filtered,
        }
    ideas: dict[str, Restore] = {
        "threshold": functools.partial(_filtered, steps=1),
        "threshold, Wiener: `fast`": _by_settings(preset("fast")),
        "threshold, Wiener, ridge: `default`": default,
        "wider, and a second ridge: `best`": _by_settings(preset("best")),
        "`default` without undoing the clipping": functools.partial(_filtered, unclipped=False),
        "`default` with one noise level for all brightnesses": functools.partial(
            _filtered, by_brightness=False
        ),
    }
    if case != "Gaussian 25":
        return ideas
    network = _by_settings(_all_trained(iterations))
    return ideas | {
        f"network, seed, affine and weights trained, TV, {iterations} iterations": network,
        "nine tenths `default`, one tenth that network": lambda *problem: (
            0.9 * default(*problem) + 0.1 * network(*problem)
        ),
    }


def _plug_and_play_ideas(case: str) -> dict[str, Restore]:
    """The preset `default` with parts of its steps left out or replaced."""
    settings = preset(task=CASES[case])
    steps = settings.solver.optimizer

    def changed(**changes: object) -> Restore:
        optimizer = dataclasses.replace(steps, **changes)
        solver = dataclasses.replace(settings.solver, optimizer=optimizer)
        return _by_settings(dataclasses.replace(settings, solver=solver))

    first = steps.filters[0]
    other, side = (Filter.FINE, 8) if first is Filter.COARSE else (Filter.COARSE, 16)
    ideas = {
        "`default`": _by_settings(settings),
        "`default` without momentum": changed(momentum=0.0),
        f"`default` with {side} x {side} patches in the first half": changed(
            filters=(other, Filter.REFINED)
        ),
        "`default` without ridge": changed(filters=(first, Filter.FINE)),
        "8 x 8 patches, nothing else": changed(filters=(Filter.FINE,), momentum=0.0),
    }
    if case != "90 %":
        return ideas
    # The root of the share of known pixels is undone.
    return ideas | {"first level 0.3 whatever is missing": changed(first=0.3 / 0.1**0.5)}


def _by_settings(settings: Settings) -> Restore:
    return lambda observation, operator, key: (
        restore(observation, key=key, settings=settings, operator=operator).image
    )


@functools.partial(jax.jit, static_argnames=("steps", "unclipped", "by_brightness"))
def _filtered(
    observation: jax.Array,
    operator: Operator,
    key: jax.Array,
    *,
    steps: int = 3,
    unclipped: bool = True,
    by_brightness: bool = True,
) -> jax.Array:
    """The preset `default`, step by step, with parts left out."""
    level = noise_level(observation)
    noise = noise_map(observation) if by_brightness else level
    filtered = hard_threshold_step(observation, noise)
    for step in (wiener_step, ridge_step)[: steps - 1]:
        filtered = step(observation, filtered, noise)
    return unclip(filtered.image, observation, level) if unclipped else filtered.image


def _with_medians(observation: jax.Array) -> jax.Array:
    """The observation with its impulses replaced by the median around them."""
    image = np.asarray(observation)
    median = ndimage.median_filter(image, (5, 5, 1))
    is_impulse = ((image <= 0) | (image >= 1)) & (np.abs(image - median) > 0.1)
    return jnp.asarray(np.where(is_impulse, median, image))


def _all_trained(iterations: int) -> Settings:
    """The lead of the design: DRP-DIP with its weights trained too, three narrow scales."""
    method = dataclasses.replace(
        DRP_DIP,
        generator=HourglassConfig(widths_down=(16,) * 3, widths_up=(16,) * 3, widths_skip=(4,) * 3),
        trains=(Seed, NormAffine, Weight),
    )
    rate = optax.cosine_decay_schedule(0.03, iterations)
    solver = SolverConfig(iterations=iterations, learning_rate=rate, averaging=0.9)
    return Settings(method, solver, Objective(rmse, anisotropic_tv, 0.15))
