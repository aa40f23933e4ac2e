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

from drp_jax import (
    DRP_DIP,
    HourglassConfig,
    Identity,
    InputError,
    Mask,
    NormAffine,
    Objective,
    Operator,
    PlugAndPlaySteps,
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
from experiments import arguments, degradations
from experiments.benchmark.quality import TUNE, crops
from experiments.report import environment, score, write_json

PROGRAM = "benchmark ideas"
CASES = ("Gaussian 25", "speckle", "90 %")

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
    for name in ("photographs", "draws", "iterations"):
        arguments.require_range(parsed, name, 1)
    arguments.require_range(parsed, "size", 32, 256)
    photographs = list(crops(TUNE, parsed.size).values())[: parsed.photographs]
    rows = []
    print("| case | idea | PSNR | seconds |\n|---|---|---|---|")
    cases = CASES if parsed.case is None else [case for case in CASES if case == parsed.case]
    if not cases:
        raise InputError(f"--case is {parsed.case!r}; accepted: {', '.join(CASES)}")
    for case in cases:
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
            observation, operator = _observe(case, clean, seed)
            start = time.perf_counter()
            image = jax.block_until_ready(restored(observation, operator, jax.random.key(seed)))
            seconds.append(time.perf_counter() - start)
            scores.append(score(np.clip(np.asarray(image), 0, 1), clean)["psnr"] or 0.0)
    # The median is without the first run, which compiles.
    return {"psnr": statistics.mean(scores), "seconds": statistics.median(seconds)}


def _observe(case: str, clean: np.ndarray, seed: int) -> tuple[jax.Array, Operator]:
    if case in degradations.NOISES:
        return jnp.asarray(degradations.add_noise(clean, case, seed)), Identity()
    known = degradations.known_pixels(case, *clean.shape[:2], seed).astype(np.float32)
    return jnp.asarray(clean * known), Mask(jnp.asarray(known))


def _ideas(case: str, iterations: int) -> dict[str, Restore]:
    default = _by_settings(preset(task="denoise" if case in degradations.NOISES else "inpaint"))
    if case == "90 %":
        steps = preset(task="inpaint").solver
        whole = PlugAndPlaySteps(first=0.3 / 0.1**0.5)  # the root of the share is undone
        same = dataclasses.replace(steps, optimizer=whole)
        return {
            "first level by the share of known pixels: `default`": default,
            "first level 0.3 whatever is missing": _by_settings(
                dataclasses.replace(preset(task="inpaint"), solver=same)
            ),
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
