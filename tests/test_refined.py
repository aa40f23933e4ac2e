import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SMALL, make_photograph

from drp_jax import (
    Gaussian,
    InputError,
    Loop,
    Poisson,
    Problem,
    Refined,
    Request,
    Status,
    advance,
    begin,
    restore,
    restore_many,
)
from drp_jax.non_local import Denoise, HalfQuadratic
from drp_jax.refined import left, with_noise
from drp_jax.untrained import SelfTuned

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 10, 1)


def transform(image):
    return jnp.fft.fft2(image[..., 0], norm="ortho")[::2]


def shrunk(image, level):
    """A denoiser that compiles fast."""
    return image - 0.2 * level * (image - jnp.mean(image))


PROBLEM = Problem(
    np.asarray(transform(jnp.asarray(IMAGE))), transform, image_shape=IMAGE.shape, reference=IMAGE
)
FIRST = SelfTuned(SMALL.adjusted(iterations=3), weights=(0.2,), projectors=1)
SECOND = HalfQuadratic(shrunk, steps=2, first=0.05)
METHOD = Refined(FIRST, SECOND)


@functools.cache
def refined():
    return restore(PROBLEM, key=KEY, method=METHOD)


def test_the_first_runs_as_it_would_alone_and_the_second_goes_on_from_its_image():
    result, alone = refined(), restore(PROBLEM, key=KEY, method=FIRST)
    assert result.iterations == 3 + 2
    assert result.status == Status.COMPLETED
    np.testing.assert_allclose(result.history["psnr"][:3], alone.history["psnr"], rtol=1e-4)

    level = np.sqrt(np.mean(np.abs(PROBLEM.observation - transform(alone.image)) ** 2))
    np.testing.assert_allclose(result.run.state.method.level, level, rtol=1e-3)
    told = dataclasses.replace(PROBLEM, noise=Gaussian(float(level)))
    state = SECOND.started_at(told, SECOND.init(told, KEY), alone.image)
    for stage in SECOND.stages(told):
        for _ in range(2):
            state = stage.step(told, state)
    np.testing.assert_allclose(result.image, SECOND.image(told, state), atol=1e-4)


def test_the_trees_are_those_of_the_first():
    assert refined().trees.summary().trained.values > 0


def test_the_history_has_what_both_measure():
    assert set(refined().history) == {"residual", "psnr"}
    assert np.isfinite(refined().history["residual"]).all()


def test_it_pauses_in_the_first_and_in_the_second():
    run = begin(PROBLEM, method=METHOD, key=KEY)
    for until in (2, 4, 5):
        run, _ = advance(run, until)
        assert run.state.iteration == until
    np.testing.assert_array_equal(run.image, refined().image)


def test_slices_of_a_volume_equal_single_runs():
    volume = [np.asarray(transform(jnp.asarray(make_photograph(12, 10, 1, n)))) for n in range(3)]
    problems = [dataclasses.replace(PROBLEM, observation=one) for one in volume]
    requests = [Request(problem, key=KEY) for problem in problems]
    done = {one.index: one for one in restore_many(requests, key=KEY, method=METHOD, slots=2)}
    assert {one.error for one in done.values()} == {None}
    for number, problem in enumerate(problems):
        single = restore(problem, key=KEY, method=METHOD)
        np.testing.assert_allclose(done[number].restoration.image, single.image, atol=2e-3)


def test_another_unit_of_the_measurement_is_the_same_picture():
    """Of an image whose range is not known, so that only the measurement says how large it is.

    A power of two, since Adam's first steps are signs of gradients, which rounding may turn.
    """
    pictures = [
        restore(
            factor * PROBLEM.observation,
            key=KEY,
            method=METHOD,
            operator=transform,
            image_shape=IMAGE.shape,
            value_range=None,
        ).image
        / factor
        for factor in (1, 1024)
    ]
    np.testing.assert_allclose(pictures[1], pictures[0], atol=1e-5)


def test_entries_that_are_zero_were_not_measured():
    observed = jnp.array([[3.0, 0.0], [4.0, 0.0]])
    problem = dataclasses.replace(
        PROBLEM, observation=observed, operator=lambda image: jnp.zeros((2, 2))
    )
    np.testing.assert_allclose(left(problem, jnp.asarray(IMAGE)), np.sqrt(12.5))


@pytest.mark.parametrize("noise", [Gaussian(0.3), Poisson(2.0)])
def test_a_stated_level_is_kept(noise):
    problem = Problem(IMAGE, noise=noise)
    assert with_noise(problem, jnp.float32(9)).noise is noise


@pytest.mark.parametrize("noise", [None, Gaussian()])
def test_a_level_that_is_not_stated_is_what_is_left(noise):
    assert with_noise(Problem(IMAGE, noise=noise), jnp.float32(9)).noise.level == 9


def test_numbers_of_the_first_are_adjusted():
    assert METHOD.adjusted(iterations=7).loop == Loop(7 + 2)
    assert METHOD.adjusted(regularizer_weight=0.5).first.weights == (0.5,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Refined("drp", SECOND), "first is 'drp'; accepted: a method"),
        (lambda: Refined(FIRST, Denoise()), "the second method is Denoise, which begins by itself"),
        (
            lambda: Refined(FIRST.method.adjusted(ema_decay=0.9), SECOND),
            "the first method's loop stops or averages",
        ),
    ],
)
def test_what_it_cannot_take_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
