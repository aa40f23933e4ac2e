"""Images lie in the range of the problem, whatever the method and after any number of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from flax import nnx

from drp_jax import Loop, NoiseFree, Problem, advance, begin, restore, restore_many
from drp_jax.non_local import Denoise, PlugAndPlay
from drp_jax.operators import Downsample, Mask
from drp_jax.stopping import WindowedVariance
from drp_jax.untrained import NormalSeed, Untrained

KEY = jax.random.key(0)
RANGES = [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)]


def steep(low, high):
    """A picture that touches both ends of a range `[16, 16, 1]`."""
    picture = np.clip(3 * (make_photograph(16, 16, 1) - 0.5) + 0.5, 0, 1)
    return (low + (high - low) * picture).astype(np.float32)


def gaps(share, value_range):
    known = np.random.default_rng(0).random((16, 16, 1)) >= share
    mask = Mask(known.astype(np.float32))
    return Problem(steep(*value_range), mask, NoiseFree(), value_range=value_range)


class Loud(nnx.Module):
    """A network that gives values far outside of its range, where it is not kept in it."""

    def __init__(self, seed_shape, image_shape, *, rngs):
        self.layer = nnx.Linear(seed_shape[-1], image_shape[-1], rngs=rngs)

    def __call__(self, seed):
        return 9 * self.layer(seed)


def network(**loop):
    seed = NormalSeed(channels=3, std=1.0)
    return Untrained(Loud, seed, nnx.Param, sigmoid=False, loop=Loop(12, **loop))


def check_range(image, problem):
    low, high = problem.value_range
    for part in (image.real, image.imag) if problem.complex_image else (image,):
        assert low <= part.min() <= part.max() <= high


def check_every_step(problem, method):
    run = begin(problem, method=method, key=KEY)
    for number in range(1, int(method.loop.iterations) + 1):
        run, _ = advance(run, until=number)
        assert run.state.iteration == number
        check_range(run.image, problem)
    return run


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("value_range", RANGES)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_gaps_by_plug_and_play(share, value_range, steps):
    check_every_step(gaps(share, value_range), PlugAndPlay(steps=steps))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_enlargement_by_plug_and_play(steps):
    small = np.asarray(Downsample(2)(jnp.asarray(steep(0, 1))))
    check_every_step(Problem(small, Downsample(2), NoiseFree()), PlugAndPlay(steps=steps))


@pytest.mark.parametrize("value_range", RANGES)
def test_denoising(value_range):
    check_every_step(Problem(steep(*value_range), value_range=value_range), Denoise())


@pytest.mark.parametrize("value_range", RANGES)
@pytest.mark.parametrize(
    "loop",
    [{}, {"ema_decay": 0.9}, {"ema_decay": 0.9, "stopping": WindowedVariance(2)}],
    ids=["last", "averaged", "best"],
)
def test_networks_without_a_sigmoid(loop, value_range):
    problem = gaps(0.5, value_range)
    run = check_every_step(problem, network(**loop))
    ends = run.image.min(), run.image.max()
    np.testing.assert_allclose(ends, value_range, atol=1e-4)  # it was cut off there


def test_complex_images():
    def fourier(image):
        return jnp.fft.fft2(image[..., 0])

    observation = np.fft.fft2(steep(-1, 1)[..., 0] * (1 + 0.5j)).astype(np.complex64)
    about = {"image_shape": (16, 16, 1), "value_range": (-1.0, 1.0), "complex_image": True}
    check_every_step(Problem(observation, fourier, **about), network())


def test_from_restore_and_from_a_batch():
    problem, method = gaps(0.5, (-1.0, 1.0)), network(ema_decay=0.9)
    check_range(restore(problem, key=KEY, method=method).image, problem)
    for finished in restore_many([problem] * 2, key=KEY, method=method):
        check_range(finished.restoration.image, problem)
