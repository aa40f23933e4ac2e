import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import (
    Gaussian,
    InputError,
    Judged,
    Problem,
    Refined,
    Request,
    Status,
    advance,
    begin,
    preset,
    restore,
    restore_many,
)
from drp_jax.batching import one_by_one
from drp_jax.held_out import squared_errors, without
from drp_jax.judged import Choice
from drp_jax.non_local import HalfQuadratic
from drp_jax.pytrees import record
from drp_jax.untrained import SelfTuned

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 10, 1)


@record
class Transform:
    """Every second row of k-space, in units of its own."""

    unit: float | jax.Array = 1.0

    def __call__(self, image):
        return self.unit * jnp.fft.fft2(image[..., 0], norm="ortho")[::2]


def measured(image, unit=1.0):
    operator = Transform(unit)
    return Problem(np.asarray(operator(jnp.asarray(image))), operator, image_shape=IMAGE.shape)


@record
class Mixed:
    """Takes so much of the true image, and adds what is not there; batches as the filters do."""

    truth: float | jax.Array
    added: float | jax.Array = 0.0

    def __call__(self, image, level):
        pattern = jnp.cos(jnp.arange(image.size, dtype=image.dtype)).reshape(image.shape)

        def mixed(image, truth, added):
            return (1 - truth) * image + truth * jnp.asarray(IMAGE) + added * pattern

        return one_by_one(mixed)(image, jnp.asarray(self.truth), jnp.asarray(self.added))


PROBLEM = measured(IMAGE)
PIXELS = preset(method="tv", task="reconstruct").adjusted(iterations=17)
FIRST = SelfTuned(PIXELS, weights=(0.2,), projectors=1)
FINDS, AGAIN, REFINES, OTHERS = 17, 5, 2, 3
TRIES = FINDS + REFINES + OTHERS


GOOD, BETTER_STILL, BAD = Mixed(0.2), Mixed(0.9), Mixed(0.0, 0.3)


def judged_by(refines, other):
    second = HalfQuadratic(refines, steps=REFINES, first=0.05)
    return Judged(Refined(FIRST, second), HalfQuadratic(other, steps=OTHERS), held_out=0.2)


WORSE, BETTER, OTHER = judged_by(BAD, BAD), judged_by(GOOD, BAD), judged_by(GOOD, BETTER_STILL)


@functools.cache
def judged(method):
    return restore(PROBLEM, key=KEY, method=method)


def root_mean_square(image, where, problem=PROBLEM):
    """Of what an image misses of some measurements."""
    missed = np.abs(problem.observation - np.asarray(problem.operator(image)))
    return np.sqrt(np.mean(missed[np.asarray(where) == 1] ** 2))


def level(missed, left):
    return np.clip(missed, left, 1.25 * left)


@functools.cache
def on_a_part():
    """Mask, image of the first, problem with the noise's level and refined image, in the trial."""
    mask = judged(BETTER).run.state.method.held_out
    part = without(PROBLEM, mask)
    run = restore(part, key=KEY, method=BETTER.method).run
    found = FIRST.image(PROBLEM, run.state.method.first)
    missed, left = root_mean_square(found, mask), root_mean_square(found, 1 - mask)
    told = dataclasses.replace(part, noise=Gaussian(level(missed, left)))
    return mask, found, told, restore(told, key=KEY, method=BETTER.method).image


def told_again(found):
    """The whole problem with the level that follows from the first's image of it."""
    mask, before, _, _ = on_a_part()
    missed, left = root_mean_square(before, mask), root_mean_square(found, jnp.ones_like(mask))
    return dataclasses.replace(PROBLEM, noise=Gaussian(level(missed, left)))


def test_all_run_at_first_without_what_is_held_out():
    mask, found, told, refined = on_a_part()
    assert 0 < np.mean(mask) < 0.3
    run, _ = advance(begin(PROBLEM, method=OTHER, key=KEY), FINDS)
    np.testing.assert_allclose(run.image, found, atol=1e-4)
    run, _ = advance(run, FINDS + REFINES)
    np.testing.assert_allclose(run.image, refined, atol=1e-4)
    run, _ = advance(run, TRIES)
    alone = restore(told, key=KEY, method=OTHER.other)
    other = OTHER.other.image(PROBLEM, run.state.method.other)
    np.testing.assert_allclose(other, alone.image, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "choice"),
    [(WORSE, Choice.FIRST), (BETTER, Choice.REFINED), (OTHER, Choice.OTHER)],
    ids=[choice.name for choice in Choice],
)
def test_the_one_counts_that_predicts_best_what_was_held_out(method, choice):
    result = judged(method)
    assert result.iterations == TRIES + AGAIN + REFINES + OTHERS
    assert result.status == Status.COMPLETED
    assert result.run.state.method.choice == choice
    if method is BETTER:
        mask, found, _, refined = on_a_part()
        after, before = (squared_errors(PROBLEM, mask, one) for one in (refined, found))
        assert after.sum() < before.sum()


@pytest.mark.parametrize(("weight", "times"), [(0.2, 1.25), (0.6, None), (1.0, 1.0)])
def test_the_noise_is_what_is_missed_of_what_was_held_out_in_limits(weight, times):
    noise = 0.2 * np.random.default_rng(0).normal(size=IMAGE.shape).astype(np.float32)
    problem = Problem(IMAGE + noise, lambda image: 1.0 * image, image_shape=IMAGE.shape)
    method = BETTER.adjusted(regularizer_weight=weight)
    run, _ = advance(begin(problem, method=method, key=KEY), FINDS + 1)
    state = run.state.method
    found = FIRST.image(problem, state.refined.first)
    missed, left = (
        root_mean_square(found, where, problem) for where in (state.held_out, 1 - state.held_out)
    )
    assert (left < missed < 1.25 * left) == (times is None)
    np.testing.assert_allclose(state.level, times * left if times else missed, rtol=1e-3)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_a_level_that_is_stated_is_kept(level):
    problem = dataclasses.replace(PROBLEM, noise=Gaussian(level))
    run, _ = advance(begin(problem, method=BETTER, key=KEY), FINDS + 1)
    state = run.state.method
    second = BETTER.method.second
    start = second.started_at(
        problem, second.init(problem, KEY), FIRST.image(problem, state.refined.first)
    )
    expected = second.stages(problem)[0].step(without(problem, state.held_out), start)
    np.testing.assert_allclose(state.refined.second.image, expected.image, atol=1e-3)


def test_the_first_goes_on_with_all_measurements():
    run, _ = advance(begin(PROBLEM, method=WORSE, key=KEY), TRIES)
    state = run.state.method.refined.first
    for _ in range(AGAIN):
        state = FIRST.step(PROBLEM, state)
    np.testing.assert_allclose(judged(WORSE).image, FIRST.image(PROBLEM, state), atol=1e-4)


def test_the_second_begins_anew_at_its_image():
    run, _ = advance(begin(PROBLEM, method=BETTER, key=KEY), TRIES + AGAIN)
    second = BETTER.method.second
    refined = dataclasses.replace(run.state.method.refined, second=run.state.method.starts[0])
    found = FIRST.image(PROBLEM, refined.first)
    np.testing.assert_array_equal(run.image, PROBLEM.in_range(found))
    told = told_again(found)
    for stage in BETTER.method.stages(PROBLEM)[1:]:
        for _ in range(REFINES):
            refined = stage.step(told, refined)
    expected = second.image(PROBLEM, refined.second)
    np.testing.assert_allclose(judged(BETTER).image, expected, atol=1e-4)


def test_the_other_begins_anew_with_all_measurements():
    result = judged(OTHER)
    told = told_again(FIRST.image(PROBLEM, result.run.state.method.refined.first))
    alone = restore(told, key=KEY, method=OTHER.other)
    np.testing.assert_allclose(result.image, alone.image, atol=1e-4)
    np.testing.assert_allclose(
        result.history["residual"][TRIES + AGAIN + REFINES :],
        alone.history["residual"],
        atol=1e-4,
    )


@pytest.mark.parametrize("method", [WORSE, BETTER, OTHER], ids=[one.name for one in Choice])
def test_another_unit_of_the_measurement_is_the_same_picture(method):
    other = restore(measured(IMAGE, 1024.0), key=KEY, method=method)
    assert other.run.state.method.choice == judged(method).run.state.method.choice
    np.testing.assert_allclose(other.image, judged(method).image, atol=1e-3)


@pytest.mark.slow
def test_a_batch_judges_each():
    problems = [measured(make_photograph(12, 10, 1, seed)) for seed in range(3)]
    requests = [Request(problem, key=KEY) for problem in problems]
    done = {one.index: one for one in restore_many(requests, key=KEY, method=BETTER, slots=2)}
    assert {one.error for one in done.values()} == {None}
    for number, problem in enumerate(problems):
        single = restore(problem, key=KEY, method=BETTER)
        np.testing.assert_allclose(done[number].restoration.image, single.image, atol=2e-3)


def test_numbers_of_the_first_are_adjusted():
    longer = BETTER.adjusted(iterations=40, projectors=2)
    assert longer.method.first.projectors == 2
    assert longer.loop.iterations == 40 + 2 + 3 + 11 + 2 + 3
    assert dataclasses.replace(BETTER, held_out=0.1) != BETTER


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Judged(FIRST, PIXELS), "method is SelfTuned.*; accepted: a Refined"),
        (lambda: Judged(BETTER.method, "tv"), "other is 'tv'; accepted: a method"),
        (
            lambda: Judged(BETTER.method, PIXELS),
            "other is Untrained.*; accepted: HalfQuadratic.*, which refines, with other numbers",
        ),
        (lambda: dataclasses.replace(BETTER, held_out=0), "held_out is 0; accepted: between 0"),
        (lambda: dataclasses.replace(BETTER, held_out=1.0), "held_out is 1.0; accepted: between"),
    ],
)
def test_what_it_cannot_take_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_it_says_whose_image_was_taken():
    said = {Choice.FIRST: "tv", Choice.REFINED: "plug-and-play from the image of tv"}
    for method, choice in ((WORSE, Choice.FIRST), (BETTER, Choice.REFINED)):
        state = judged(method).run.state.method
        assert method.remark(state) == f"chosen by measurements that were held out: {said[choice]}"
    run = begin(PROBLEM, method=OTHER, key=KEY)
    assert OTHER.remark(run.state.method) == ""
    assert OTHER.remark(judged(OTHER).run.state.method).endswith(": plug-and-play alone")


def test_the_uncertainty_is_of_the_image_that_was_taken():
    for method in (WORSE, BETTER, OTHER):
        result = judged(method)
        state = result.run.state.method
        whose = state.other if method is OTHER else state.refined.second
        np.testing.assert_array_equal(result.uncertainty, method.other.uncertainty(PROBLEM, whose))
