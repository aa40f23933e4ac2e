"""Many images at once against one after the other: by `restore_many`, and by `jax.vmap`.

`slices` does it with the measurements of a volume.
"""

import dataclasses
import pathlib
import statistics
from collections.abc import Callable, Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Finished, InputError, Request, Restoration, preset, restore, restore_many
from drp_jax.commands import options
from drp_jax.metrics import psnr
from drp_jax.stopping import Discrepancy
from experiments import pages
from experiments.benchmark import measuring
from experiments.measurements import measured
from experiments.photographs import crop, scans

NOISE = 0.1
BATCH = """Compare `restore_many` with `restore`: `python -m experiments.benchmark batch`.

Restores noisy photographs of different contrast, each until its residual reaches the noise, all
together and one by one. Reports the ratio of the times, the share of slot iterations that belonged
to an image, and the largest difference between the results."""
VMAP = """Compare `jax.vmap` with single runs: `python -m experiments.benchmark vmap`.

Denoises photographs with the default method, all under `jax.vmap` and one by one, both compiled, by
turns. Reports the ratio of the median times."""
SLICES = """Compare a volume with its slices: `python -m experiments.benchmark slices`.

Restores slices of a volume from a quarter of their k-space, as one batch of `restore_many`, and the
first of them one by one. Reports the seconds of each, the largest difference between the results,
and the PSNR of the first slice."""


@dataclasses.dataclass(frozen=True)
class BatchArguments:
    images: int = options.whole("Number of images.", 32, least=1, most=100_000)
    size: int = measuring.size(128, least=8, most=300)
    width: int = measuring.width(16)
    iterations: int = measuring.iterations(300)
    slots: int | None = measuring.whole("Images at once.", shown="by the device's memory")
    cpu_devices: int = measuring.whole("Devices that JAX makes of the CPU.", 1, most=1024)
    repeats: int = measuring.repeats(3)
    output: pathlib.Path | None = measuring.output()


@options.command("batch", BatchArguments, help=BATCH)
def batch(parsed: BatchArguments) -> int:
    """Many images with restore_many against one after the other."""
    limits = {"width": parsed.width, "iterations": parsed.iterations}
    method = preset("paper").adjusted(stopping=Discrepancy(NOISE), **limits)
    if parsed.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", parsed.cpu_devices)
    images, key = _images(parsed.images, parsed.size), jax.random.key(0)
    finished: list[Finished] = []

    def one_by_one() -> list[jax.Array]:
        keys = (jax.random.fold_in(key, index) for index in range(len(images)))
        pairs = zip(images, keys, strict=True)
        return [restore(image, key=own, method=method).image for image, own in pairs]

    def together() -> list[jax.Array]:
        finished[:] = restore_many(images, key=key, method=method, slots=parsed.slots)
        finished.sort(key=lambda one: one.index)
        return [_restored(one).image for one in finished]

    comparison = _compared({"restore": one_by_one, "restore_many": together}, parsed.repeats)
    iterations = [int(_restored(one).iterations) for one in finished]
    used = max((one.statistics for one in finished), key=lambda used: used.slot_steps)
    report = {
        "arguments": dataclasses.asdict(parsed) | {"output": None},
        "devices": len(jax.devices()),
        **{name: getattr(used, name) for name in ("slots", "programs", "busy_share")},
        "least_iterations": min(iterations),
        "most_iterations": max(iterations),
    }
    print(
        f"{parsed.images} images of {parsed.size} x {parsed.size}, {min(iterations)} to "
        f"{max(iterations)} iterations, {used.slots} slots on {report['devices']} devices, busy "
        f"{used.busy_share:.1%} of the steps"
    )
    pages.write_report(parsed.output, report | comparison)
    return 0


@dataclasses.dataclass(frozen=True)
class VmapArguments:
    images: int = measuring.whole("Number of images.", 4)
    size: int = measuring.size(128, least=8, most=300)
    repeats: int = measuring.repeats(5)
    output: pathlib.Path | None = measuring.output()


@options.command("vmap", VmapArguments, help=VMAP)
def vmap(parsed: VmapArguments) -> int:
    """The default denoiser under jax.vmap against single runs."""
    images = jnp.stack(_images(parsed.images, parsed.size))
    method = preset()

    def denoised(image: jax.Array) -> jax.Array:
        return restore(image, key=jax.random.key(0), method=method).image

    single, batched = jax.jit(denoised), jax.jit(jax.vmap(denoised))
    works = {
        "single": lambda: [jax.block_until_ready(single(image)) for image in images],
        "vmap": lambda: batched(images),
    }
    print(f"{parsed.images} images of {parsed.size} x {parsed.size}")
    report = {"images": parsed.images, "size": parsed.size} | _compared(works, parsed.repeats)
    pages.write_report(parsed.output, report)
    return 0


@dataclasses.dataclass(frozen=True)
class SlicesArguments:
    slices: int = measuring.whole("Number of slices.", 16)
    size: int = measuring.size(48, least=16, most=256)
    alone: int | None = measuring.whole("How many of them one by one.", shown="all")
    slots: int | None = measuring.whole("Slices at once.", shown="by the device's memory")
    iterations: int | None = measuring.iterations(shown="of the preset")
    repeats: int = measuring.repeats(1)
    data: pathlib.Path = measuring.data()
    output: pathlib.Path | None = measuring.output()


@options.command("slices", SlicesArguments, help=SLICES)
def slices(parsed: SlicesArguments) -> int:
    """A volume with restore_many against its slices one by one."""
    method = preset(task="reconstruct").adjusted(iterations=parsed.iterations)
    first = next(iter(scans(parsed.data, parsed.size).values()))
    fades = np.linspace(1, 0.5, parsed.slices)  # towards the end of the volume
    problems = [measured(fade * first, "MRI x4", 0) for fade in fades.astype(np.float32)]
    key, alone = jax.random.key(0), min(parsed.alone or parsed.slices, parsed.slices)
    images: dict[str, list[jax.Array]] = {}

    def one_by_one(count: int = alone) -> list[jax.Array]:
        fits = (restore(problem, key=key, method=method) for problem in problems[:count])
        images["restore"] = [fit.image for fit in fits]
        return images["restore"]

    def together(count: int = parsed.slices) -> list[jax.Array]:
        requests = [Request(problem, key=key) for problem in problems[:count]]
        finished = [*restore_many(requests, key=key, method=method, slots=parsed.slots)]
        finished.sort(key=lambda one: one.index)
        images["restore_many"] = [_restored(one).image for one in finished]
        return images["restore_many"]

    one_by_one(1)  # which compiles, as does a batch with as many slots
    together(parsed.slots or parsed.slices)
    times = measuring.by_turns({"restore": one_by_one, "restore_many": together}, parsed.repeats)
    counts = {"restore": alone, "restore_many": parsed.slices}
    each = {name: statistics.median(times[name]) / count for name, count in counts.items()}
    difference = _most_apart(images["restore"], images["restore_many"][:alone])
    quality = float(psnr(images["restore_many"][0], jnp.asarray(first)))
    print(
        ", ".join(f"{name} {seconds:.2f} s" for name, seconds in each.items()),
        f"a slice; largest difference of a pixel {difference:.1e}, {quality:.2f} dB of the first",
    )
    report = {
        **{name: getattr(parsed, name) for name in ("slices", "size", "slots")},
        "alone": alone,
        "seconds": times,
        "seconds_per_slice": each,
        "largest_difference": difference,
        "psnr_of_the_first": quality,
    }
    pages.write_report(parsed.output, report)
    return 0


def _compared(works: Mapping[str, Callable[[], Iterable[jax.Array]]], repeats: int) -> dict:
    """Times of images one by one, then together, and how far their results are apart."""
    difference = _most_apart(*(work() for work in works.values()))  # which compiles
    times = measuring.by_turns(works, repeats)
    single, many = (statistics.median(values) for values in times.values())
    print(f"one by one {single:.2f} s, together {many:.2f} s, ratio {many / single:.2f}")
    print(f"largest difference of a pixel {difference:.1e}")
    return {"largest_difference": difference, "seconds": times, "ratio": many / single}


def _most_apart(some: Iterable[jax.Array], others: Iterable[jax.Array]) -> float:
    """The largest difference of a pixel of images and their counterparts."""
    pairs = zip(some, others, strict=True)
    return max(float(jnp.abs(one - other).max()) for one, other in pairs)


def _restored(finished: Finished) -> Restoration:
    if finished.restoration is None:
        raise InputError(f"image {finished.index}: {finished.error}")
    return finished.restoration


def _images(count: int, size: int) -> list[jax.Array]:
    """Noisy crops of a photograph: the more contrast, the longer the residual takes to fall."""
    draw = np.random.default_rng(0)
    images = []
    for contrast in draw.permutation(np.linspace(0.05, 1.0, count)):
        top, left = int(draw.integers(301 - size)), int(draw.integers(452 - size))
        clean = crop("chelsea.png", top, left, size)
        noisy = 0.5 + contrast * (clean - clean.mean()) + draw.normal(0, NOISE, clean.shape)
        images.append(jnp.asarray(np.clip(noisy, 0, 1), jnp.float32))
    return images
