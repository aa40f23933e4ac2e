"""The loop that runs any method, mostly with one small enough to be computed by hand."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import compilations, make_photograph
from descent import Descent
from flax import struct

from drp_jax import InputError, Loop, Problem, Status, advance, begin, fixed, record
from drp_jax.loop import interrupted
from drp_jax.metrics import psnr
from drp_jax.restore import message
from drp_jax.stopping import Discrepancy, ExponentialVariance, Plateau, WindowedVariance
from drp_jax.untrained import Objective, mse

KEY = jax.random.key(0)
PICTURE = make_photograph(8, 9, 1)


def started(problem=None, **changes):
    problem = Problem(PICTURE) if problem is None else problem
    return begin(problem, method=dataclasses.replace(Descent(), **changes), key=KEY)


def images(run, count):
    """The image after every iteration."""
    found = []
    for until in range(1, count + 1):
        run, _ = advance(run, until)
        found.append(np.asarray(run.state.image))
    return found


def test_the_loop_equals_its_steps_however_it_is_cut():
    whole, history = advance(started())
    run, steps = started(), Descent()
    state = steps.init(run.problem, KEY)
    for _ in range(6):
        state = steps.step(run.problem, state)
    np.testing.assert_allclose(whole.image, state, rtol=1e-6)
    pieces = []
    for until in (1, 4, 4, 100):
        before = int(run.state.iteration)
        run, piece = advance(run, until)
        assert run.state.iteration == min(until, 6)
        pieces.append(piece["residual"][: int(run.state.iteration) - before])
    np.testing.assert_array_equal(np.concatenate(pieces), history["residual"][:6])
    np.testing.assert_array_equal(run.image, whole.image)
    assert run.state.status == Status.ITERATION_LIMIT


@record
class FromGray(Descent):
    """Begins with a type that only Python's numbers have, and that an iteration changes."""

    def init(self, problem, key):
        return jnp.full(problem.image_shape, 0.5)


def test_a_run_that_goes_on_does_not_compile_again():
    run = begin(Problem(PICTURE), method=FromGray(), key=KEY)
    run, _ = advance(run, 1)
    with compilations() as programs:
        advance(run, 2)
    assert not programs


def test_no_more_is_done_than_there_is_room_for():
    run, history = advance(started(), room=4)
    assert run.state.iteration == 4
    assert run.state.status == Status.RUNNING
    assert history["residual"].shape == (4,)


def test_nothing_moves_after_the_end():
    ended, _ = advance(started())
    again, history = advance(ended)
    jax.tree.map(np.testing.assert_array_equal, ended.state, again.state)
    assert np.isnan(history["residual"]).all()


def test_the_history_is_nan_where_nothing_was_done():
    _, history = advance(started(), until=4)
    assert np.isfinite(history["residual"][:4]).all()
    assert np.isnan(history["residual"][4:]).all()


def test_limits_differ_within_a_batch():
    """What those that ended first would do is not done."""

    def run(limit, rate):
        run, history = advance(started(loop=Loop(limit), rate=rate), room=8)
        return run.image, run.state.iteration, history["residual"]

    limits, rates = jnp.array([2, 7]), jnp.array([0.5, 0.25])
    found, iterations, history = jax.vmap(run)(limits, rates)
    np.testing.assert_array_equal(iterations, limits)
    for index, (limit, rate) in enumerate(zip(limits, rates, strict=True)):
        np.testing.assert_allclose(found[index], (1 - (1 - rate) ** limit) * PICTURE, rtol=1e-5)
        np.testing.assert_array_equal(np.isfinite(history[index]), np.arange(8) < limit)


# Which image is returned.


def test_the_average_is_bias_corrected_and_starts_at_the_first_image():
    run = started(Problem(PICTURE, reference=PICTURE), loop=Loop(3, ema_decay=0.9))
    seen = images(run, 3)
    averaged, history = advance(run)
    weights = np.array([0.9**2, 0.9, 1])
    expected = np.tensordot(weights / weights.sum(), seen, axes=1)
    np.testing.assert_allclose(averaged.image, expected, atol=1e-5)
    np.testing.assert_allclose(history["psnr"][2], psnr(expected, PICTURE), rtol=1e-4)
    first, _ = advance(run, 1)
    np.testing.assert_allclose(first.image, seen[0], rtol=1e-5)
    assert run.method.loop.iterate == "averaged"


@record
class Wandering(Descent):
    """Images that settle until the tenth and wander off after it."""

    def init(self, problem, key):
        return jnp.int32(0), super().init(problem, key)

    def step(self, problem, state):
        count, image = state
        return count + 1, image + 1e-3 * (1 + jnp.abs(count + 1 - 10))

    def image(self, problem, state):
        return state[1]

    def measured(self, problem, state):
        return {"residual": jnp.mean(state[1])}


@pytest.mark.parametrize("decay", [None, 0.5])
def test_a_rule_stops_the_run_and_the_best_image_is_returned(decay):
    rule = WindowedVariance(window=4, patience=4)
    loop = Loop(100, ema_decay=decay, stopping=rule)
    run = begin(Problem(PICTURE), method=Wandering(loop), key=KEY)
    stopped, history = advance(run)
    best = int(stopped.state.best_iteration)
    assert best == 11  # the steps between the images 8 to 11 are the smallest
    assert stopped.state.status == Status.STOPPED_BY_RULE
    assert stopped.state.iteration == best + 4
    assert np.isnan(history["residual"][best + 4 :]).all()
    plain = dataclasses.replace(run.method, loop=Loop(best, ema_decay=decay))
    same, _ = advance(begin(Problem(PICTURE), method=plain, key=KEY))
    np.testing.assert_allclose(stopped.image, same.image, rtol=1e-6)
    assert loop.iterate == "best by the stopping rule"


def test_a_rule_watches_both_parts_of_a_complex_image():
    """The real part never moves."""
    observation = 1j * PICTURE
    rule = ExponentialVariance(decay=0.5, patience=2)
    problem = Problem(observation, complex_image=True)
    run, _ = advance(started(problem, loop=Loop(50, stopping=rule), rate=0.9))
    assert run.state.image.dtype == jnp.complex64
    assert run.state.iteration > 8


def test_a_rule_reads_what_the_method_measures():
    run, _ = advance(started(loop=Loop(50, stopping=Discrepancy(0.1))))
    power = np.sqrt(np.mean(PICTURE**2))
    assert run.state.iteration == np.ceil(np.log2(power / 0.1))
    message = "Plateau watches the loss, and method descent has none; accepted: another rule"
    with pytest.raises(InputError, match=message):
        started(loop=Loop(50, stopping=Plateau()))


# Values that are not finite.


@record
class Spoiled(Descent):
    """Gives a value of one's choice in one place from the fourth image on."""

    where: str = fixed(default="image")
    value: float | jax.Array = np.nan
    advice: ClassVar[str] = "Another value may help."

    def init(self, problem, key):
        return jnp.int32(0), super().init(problem, key)

    def step(self, problem, state):
        return state[0] + 1, super().step(problem, state[1])

    def image(self, problem, state):
        added = jnp.where((state[0] >= 4) & (self.where == "image"), self.value, 0.0)
        return state[1].at[2, 3].add(added)

    def measured(self, problem, state):
        added = jnp.where((state[0] >= 4) & (self.where == "measure"), self.value, 0.0)
        return {"residual": jnp.mean(state[1]) + added}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["image", "measure"])
def test_an_iteration_that_is_not_finite_does_not_count(where, value):
    loop = Loop(50, ema_decay=0.5)
    method = Spoiled(loop, where=where, value=value)
    problem = Problem(PICTURE, reference=PICTURE)
    run, history = advance(begin(problem, method=method, key=KEY))
    assert run.state.status == Status.NON_FINITE
    assert run.state.iteration == 3
    np.testing.assert_allclose(run.state.image, (1 - 0.5**3) * PICTURE, rtol=1e-5)
    assert np.isfinite(run.image).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.state))
    for values in history.values():
        np.testing.assert_array_equal(np.isfinite(values), np.arange(values.size) < 3)
    said = message(run.method, run.state.status)
    assert said.startswith(Status.NON_FINITE.message)
    assert said.endswith("Another value may help.")


@struct.dataclass
class NanFrom:
    """An operator that is not finite once the image's mean has passed a level."""

    level: float
    slope: float = 2.0

    def __call__(self, image):
        mean = jnp.mean(image)
        below = 0 * jnp.sqrt(jnp.maximum(self.slope - mean, 0))  # whose slope is NaN above
        return jnp.where(mean > self.level, jnp.nan, 1.0) * image + below


@pytest.mark.parametrize("operator", [NanFrom(0.6), NanFrom(np.inf, 0.6)], ids=["loss", "gradient"])
def test_a_loss_or_a_gradient_that_is_not_finite_keeps_the_last_finite_image(
    small_method, operator
):
    method = dataclasses.replace(
        small_method, loop=Loop(50), learning_rate=0.3, objective=Objective(mse, None)
    )
    bright = Problem(np.ones((12, 15, 3), np.float32), operator)
    run, history = advance(begin(bright, method=method, key=KEY))
    ended = run.state
    assert ended.status == Status.NON_FINITE
    assert 0 < ended.iteration < 50
    assert 0.3 < np.mean(ended.image) <= 0.6
    assert np.isfinite(history["loss"][: ended.iteration]).all()
    assert np.isnan(history["loss"][ended.iteration :]).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.trees.trained))
    said = message(method, ended.status)
    assert "last finite" in said
    assert said.endswith("A smaller learning rate or regularizer weight may help.")


def test_a_loss_that_is_never_finite_gives_no_image(small_method):
    method = dataclasses.replace(
        small_method, loop=Loop(50), learning_rate=0.3, objective=Objective(mse, None)
    )
    problem = Problem(np.ones((12, 15, 3), np.float32), NanFrom(-1.0))
    run, _ = advance(begin(problem, method=method, key=KEY))
    assert run.state.status == Status.NON_FINITE
    assert run.state.iteration == 0
    assert np.all(run.image == 0)


# Why a run ended.


def test_a_caller_ends_a_run():
    paused, _ = advance(started(), until=2)
    ended = interrupted(paused)
    assert ended.state.status == Status.INTERRUPTED
    same, _ = advance(ended)
    assert same.state.iteration == 2
    np.testing.assert_array_equal(same.image, paused.image)


def test_a_finite_process_completes():
    @record
    class Filter(Descent):
        is_finite_process: ClassVar[bool] = True

    run, _ = advance(begin(Problem(PICTURE), method=Filter(), key=KEY))
    assert run.state.status == Status.COMPLETED


REASONS = {
    Status.RUNNING: "not ended yet",
    Status.ITERATION_LIMIT: "iteration limit",
    Status.STOPPED_BY_RULE: "stopping rule",
    Status.NON_FINITE: "non-finite; the image is the last finite one",
    Status.INTERRUPTED: "caller",
    Status.COMPLETED: "All steps",
}


def test_every_status_says_what_happened():
    assert set(REASONS) == set(Status)
    for status, reason in REASONS.items():
        naming = [one for one in Status if reason in one.message]
        assert naming == [status]
        assert message(Descent(), status) == status.message
        assert status.message[0].isupper()
        assert status.message.endswith(".")


def test_the_message_is_that_of_one_image():
    with pytest.raises(InputError, match=r"status has shape \(2,\), one entry per image"):
        message(Descent(), np.array([1, 1]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: begin(PICTURE, method=Descent(), key=KEY), "problem is an array.*; accepted: a"),
        (lambda: begin(Problem(PICTURE), method=Descent, key=KEY), "method is Descent; accepted"),
        (lambda: begin(Problem(PICTURE), method=Descent(), key=0), "key is 0; accepted: one key"),
        (lambda: advance(PICTURE), "run is an array.*; accepted: what begin and advance give"),
        (lambda: advance(started(), until=-1), "until is -1; accepted: whole numbers from 0"),
        (lambda: advance(started(), room=0), "room is 0; accepted: whole numbers from 1"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
