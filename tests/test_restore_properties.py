"""Any settings and shapes: a finite image, or an `InputError` that names the value.

The programs of two shapes are compiled once; the numbers are leaves of them.
"""

import math

import hypothesis
import jax
import numpy as np
import pytest
from conftest import SMALL, make_photograph
from hypothesis import strategies

from drp_jax import Gaussian, InputError, Loop, Problem, preset, restore

KEY = jax.random.key(0)
FIXED = hypothesis.settings(derandomize=True, database=None, deadline=None, max_examples=15)
SHAPES = ((8, 8, 1), (9, 8, 3))
NUMBERS = strategies.one_of(
    strategies.floats(),
    strategies.floats(0, 1),
    strategies.floats(1e-6, 10),
    strategies.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, math.nan, 1e-45, 1e38, 1e39]),
    strategies.integers(-3, 3),
    strategies.sampled_from(["1", None, (), 1j, True]),
)


def check(run, *values):
    """A run ends well, or in one line with one of the values."""
    try:
        restoration = run()
    except InputError as error:
        check_line(str(error), *values)
    else:
        assert np.isfinite(np.asarray(restoration.image)).all()


def check_line(message, *values):
    assert "\n" not in message
    assert "; accepted: " in message
    assert any(str(value)[:20] in message or repr(value)[:20] in message for value in values)


@pytest.fixture(scope="module")
def network():
    """A network of which two shapes are compiled."""
    method = SMALL.adjusted(iterations=2)
    for shape in SHAPES:
        restore(make_photograph(*shape), key=KEY, method=method)
    return method


@FIXED
@hypothesis.given(
    name=strategies.sampled_from(["learning_rate", "regularizer_weight", "ema_decay"]),
    number=NUMBERS,
    shape=strategies.sampled_from(SHAPES),
)
def test_settings_of_a_network(network, name, number, shape):
    def run():
        method = network.adjusted(**{name: number})
        return restore(make_photograph(*shape), key=KEY, method=method)

    check(run, number)


@FIXED
@hypothesis.given(
    height=strategies.sampled_from([0, 1, 7, 8]),
    channels=strategies.integers(0, 3),
    values=strategies.sampled_from([0.0, 0.5, 1.0, -0.4, 1.7, 2.5, -1.5, math.nan, math.inf, 1e30]),
    kind=strategies.sampled_from([np.float32, np.float64, np.float16, np.uint8, np.int32, bool]),
)
def test_shapes_types_and_values_of_the_observation(network, height, channels, values, kind):
    hypothesis.assume(channels != 2)
    with np.errstate(all="ignore"):
        observation = np.full((height, 8, channels), values).astype(kind)
    described = (observation.shape, observation.dtype, "NaN or infinity", float(np.float64(values)))

    def run():
        return restore(observation, key=KEY, method=network)

    with np.errstate(all="ignore"):
        check(run, *described, "values from")


@FIXED
@hypothesis.given(level=NUMBERS)
def test_levels_of_noise(level):
    """The first step of the filter that is taken without a method."""
    method = preset("fast", method="non-local").adjusted(iterations=1)

    def run():
        problem = Problem(make_photograph(8, 8, 1), noise=Gaussian(level))
        return restore(problem, key=KEY, method=method)

    check(run, level, "noise level")


@FIXED
@hypothesis.given(iterations=strategies.one_of(NUMBERS, strategies.integers(-(2**70), 2**70)))
def test_limits_on_iterations(iterations):
    try:
        loop = Loop(iterations)
    except InputError as error:
        check_line(str(error), iterations)
    else:
        assert int(loop.iterations) >= 1
