"""Strict numerics for every test, and small things that many tests need."""

import contextlib
import dataclasses
import gc
import os
from importlib import metadata

# The tests compile many programs and run each for a moment: machine code that is not optimised,
# made by the emitters that are fastest to compile, takes a quarter of the time. XLA's own
# optimisations stay. To be set before JAX starts. Newer XLA has no choice of emitters, and ends at
# a flag that it does not know.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
    + (
        " --xla_cpu_use_fusion_emitters=false"
        if metadata.version("jaxlib").startswith("0.10.")
        else ""
    ),
)

# Tests must not find or leave programs in the user's cache.
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import drp_jax
from drp_jax import Judged, Refined, preset
from drp_jax.compile_clock import compile_clock
from drp_jax.non_local import HalfQuadratic
from drp_jax.untrained import DeepDecoderConfig, Untrained

jax.config.update("jax_numpy_rank_promotion", "raise")

SMALL = dataclasses.replace(
    preset("paper", method="drp-dd").adjusted(iterations=6),
    generator=DeepDecoderConfig(width=4, upsamplings=0),
)
"""The network that compiles fastest, with a few iterations."""


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of garbage need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_of_one_module():
    """Frees the compiled programs of a module after it, so that a long run does not gather all."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture
def small_method() -> Untrained:
    return SMALL


@pytest.fixture
def photograph() -> np.ndarray:
    """A smooth colour image `[12, 15, 3]` with noise, values in [0, 1]."""
    return make_photograph(12, 15, 3)


def shorten_reconstruction(patch: pytest.MonkeyPatch) -> None:
    """Cuts the methods for measurements short, and their denoiser to one that compiles fast."""
    presets = drp_jax.presets

    def faded(image, level):
        return image - 0.2 * level * (image - jnp.mean(image))

    projector = presets.PROJECTOR.adjusted(width=4, iterations=2)
    projector = dataclasses.replace(projector, weights=(0.4, 0.1))
    steps = HalfQuadratic(faded, steps=2, first=0.05)
    refined = Judged(Refined(projector, steps, name=presets.RECONSTRUCT.name), other=steps)
    for name, method in (("PROJECTOR", projector), ("RECONSTRUCT", refined)):
        patch.setattr(presets, name, method)
    for name, method in (("drp-dip", projector), ("drp-pnp", refined), ("plug-and-play", steps)):
        patch.setitem(presets._PRESETS[name]["reconstruct"], "default", method)


def make_stripes():
    """A picture that repeats itself `[32, 32, 3]`."""
    rows, columns = np.mgrid[:32, :32]
    pattern = 0.5 + 0.2 * np.sign(np.sin((rows + columns) * np.pi / 4 + 0.1))
    return np.repeat(pattern[..., None], 3, axis=-1).astype(np.float32)


def make_boxes(height, width, seed=0):
    """A scene of flat boxes with sharp edges, `[height, width]`."""
    random = np.random.default_rng(seed)
    scene = np.full((height, width), 0.5)
    for _ in range(40):
        top, left = random.integers(0, (height - 8, width - 8))
        rows, columns = random.integers(6, 20, 2)
        scene[top : top + rows, left : left + columns] = random.uniform(0.05, 0.95)
    return scene


def make_photograph(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """A smooth image with noise, values in [0, 1]."""
    generator = np.random.default_rng(seed)
    rows = np.linspace(0.2, 0.8, height)[:, None, None]
    columns = np.linspace(-0.1, 0.1, width)[None, :, None]
    noise = generator.normal(0, 0.05, (height, width, channels))
    return np.clip(rows + columns + noise, 0, 1).astype(np.float32)


def compilations() -> contextlib.AbstractContextManager[list[float]]:
    """A list that grows by one entry with every program that XLA compiles."""
    return compile_clock("/jax/core/compile/backend_compile_duration")
