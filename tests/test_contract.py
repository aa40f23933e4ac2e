"""What every method promises for every task, at the smallest size that shows it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import compilations, make_photograph

from drp_jax import Downsample, Identity, InputError, Mask, Status, preset, restore

NETWORKS = ("dip", "dd", "drp-dip", "drp-dd")
METHODS = (*NETWORKS, "non-local")
TASKS = ("denoise", "inpaint", "super-resolve")
KEY = jax.random.key(0)
ITERATIONS = 3


def small(method, task, name=None):
    """The preset with four channels and a few iterations, and two scales where it has more."""
    name = name or ("default" if method == "non-local" else "paper")
    settings = preset(name, method=method, task=task)
    if method == "non-local":
        return settings.adjusted(iterations=ITERATIONS)
    settings = settings.adjusted(width=4, iterations=ITERATIONS)
    generator = settings.method.generator
    if len(getattr(generator, "widths_down", ())) > 2:
        two = {
            name: getattr(generator, name)[:2]
            for name in ("widths_down", "widths_up", "widths_skip")
        }
        generator = dataclasses.replace(generator, **two)
    method = dataclasses.replace(settings.method, generator=generator)
    return dataclasses.replace(settings, method=method)


def problem(task, height=12, width=10, channels=3, seed=0):
    """An image, its observation and operator."""
    image = make_photograph(height, width, channels, seed)
    if task == "inpaint":
        known = np.random.default_rng(1).random((height, width, 1)) < 0.5
        return image, image, Mask(jnp.asarray(known, jnp.float32))
    if task == "super-resolve":
        return image, np.asarray(Downsample(2)(jnp.asarray(image))), Downsample(2)
    return image, image, Identity()


def leaves_equal(one, other, tolerance=0.0):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance, rtol=tolerance), one, other
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_does_every_task(method, task):
    settings = small(method, task)
    image, observation, operator = problem(task)
    arguments = {"settings": settings, "operator": operator, "reference": image}

    result = restore(observation, key=KEY, **arguments)
    assert result.image.shape == image.shape
    assert result.image.dtype == jnp.float32
    assert 0 <= result.image.min() < result.image.max() <= 1
    assert result.status == Status.ITERATION_LIMIT
    assert result.iterations == ITERATIONS
    # The PSNR is infinite where a run starts from what is the reference here.
    assert not any(np.isnan(curve).any() for curve in jax.tree.leaves(result.history))

    # Same shapes and static settings: nothing compiles; same key: same result.
    _, other_observation, _ = problem(task, seed=5)
    with compilations() as programs:
        again = restore(observation, key=KEY, **arguments)
        other = restore(other_observation, key=KEY, **arguments)
    assert not programs
    leaves_equal(again, result)
    assert (other.image != result.image).any()

    # Under jit it equals the plain call, up to the order of float32 sums.
    jitted = jax.jit(lambda y, key: restore(y, key=key, **arguments))
    leaves_equal(jitted(observation, KEY), result, tolerance=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_odd_sizes_and_gray(method):
    settings = small(method, "denoise")
    image, observation, operator = problem("denoise", 9, 11, channels=1)
    result = restore(observation, key=KEY, settings=settings, operator=operator)
    assert result.image.shape == image.shape
    assert np.isfinite(result.image).all()


@pytest.mark.parametrize("method", ["dd", "drp-dd"])
def test_a_batch_over_keys_equals_single_runs(method):
    settings = small(method, "inpaint")
    _, observation, operator = problem("inpaint")

    def run(key):
        return restore(observation, key=key, settings=settings, operator=operator).history.loss

    keys = jax.random.split(KEY, 2)
    np.testing.assert_allclose(jax.vmap(run)(keys), [run(key) for key in keys], atol=1e-3)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", NETWORKS)
def test_fast_is_never_longer_or_wider_than_paper(method, task):
    fast, paper = (preset(name, method=method, task=task) for name in ("fast", "paper"))
    assert fast.solver.iterations < paper.solver.iterations
    assert fast.method.trains == paper.method.trains
    assert fast.objective.fidelity is paper.objective.fidelity


def test_a_hole_may_hold_anything():
    """The values at missing pixels do not matter, NaN included."""
    settings = small("drp-dd", "inpaint")
    _, observation, operator = problem("inpaint")
    spoiled = np.where(operator.mask > 0, observation, np.nan)
    clean = restore(observation, key=KEY, settings=settings, operator=operator)
    leaves_equal(restore(spoiled, key=KEY, settings=settings, operator=operator), clean)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Mask(jnp.ones((12, 9, 1))), r"mask has shape \(12, 9, 1\); accepted: \(12, 10, 1\)"),
        (lambda image: jnp.mean(image), "operator gives shape"),
    ],
)
def test_an_operator_that_does_not_fit_is_named(operator, message):
    image, _, _ = problem("denoise")
    with pytest.raises(InputError, match=message):
        restore(image, key=KEY, settings=small("drp-dd", "denoise"), operator=operator)
