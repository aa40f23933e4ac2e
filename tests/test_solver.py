import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from drp_jax import ExponentialVariance, Identity, InputError, Iterate, SolverConfig, Status, solver
from drp_jax.objectives import Objective, mse
from drp_jax.partition import split

STEPS = 6


@struct.dataclass
class NanFrom:
    """An operator that gives NaN once the image's mean has passed a level."""

    level: float

    def __call__(self, image):
        return jnp.where(jnp.mean(image) > self.level, jnp.nan, 1.0) * image

    def image_shape(self, observation_shape):
        return observation_shape

    def known(self, observation):
        return observation


def start(settings, observation, config, operator=None, reference=None):
    model = settings.method.build(jax.random.key(0), observation.shape)
    structure, trained, frozen = split(model, settings.method.trains)
    problem = solver.Problem(
        structure=structure,
        frozen=frozen,
        observation=jnp.asarray(observation),
        operator=operator or Identity(),
        objective=Objective(mse, None),
        key=jax.random.key(1),
        reference=reference,
    )
    return problem, solver.init(config, problem, trained)


@pytest.fixture
def run():
    return jax.jit(solver.run, static_argnums=0)


def test_steps_are_those_of_optax_adam(small_settings, photograph):
    config = SolverConfig(iterations=3, learning_rate=0.05)
    problem, state = start(small_settings, photograph, config)

    trained, adam = state.trained, optax.adam(0.05)
    moments, losses = adam.init(trained), []
    loss = jax.jit(
        jax.value_and_grad(lambda trained: jnp.mean((problem.image(trained) - photograph) ** 2))
    )
    for _ in range(3):
        value, gradient = loss(trained)
        updates, moments = adam.update(gradient, moments)
        trained = optax.apply_updates(trained, updates)
        losses.append(value)

    step = jax.jit(solver.step, static_argnums=0)
    for _ in range(3):
        state = step(config, problem, state)
    np.testing.assert_allclose(state.history.loss, losses, rtol=1e-4)
    assert state.iteration == 3
    assert state.status == Status.ITERATION_LIMIT


def test_the_loop_equals_its_steps_however_it_is_cut(small_settings, photograph, run):
    config = SolverConfig(iterations=STEPS, learning_rate=0.05)
    problem, state = start(small_settings, photograph, config)
    whole = run(config, problem, state, until=STEPS)
    pieces = state
    for until in (1, 4, STEPS):
        pieces = run(config, problem, pieces, until=until)
        assert pieces.iteration == until
    np.testing.assert_allclose(whole.history.loss, pieces.history.loss, atol=1e-6)
    np.testing.assert_allclose(whole.output, pieces.output, atol=1e-5)
    assert pieces.status == Status.ITERATION_LIMIT


def test_nothing_moves_after_the_limit(small_settings, photograph, run):
    config = SolverConfig(iterations=2)
    problem, state = start(small_settings, photograph, config)
    ended = run(config, problem, state, until=2)
    jax.tree.map(np.testing.assert_array_equal, ended, run(config, problem, ended, until=2))


def test_history_holds_the_terms_and_the_psnr_of_each_output(small_settings, photograph, run):
    config = SolverConfig(iterations=STEPS)
    reference = jnp.clip(photograph + 0.1, 0, 1)
    problem, state = start(small_settings, photograph, config, reference=reference)
    paused = run(config, problem, state, until=4)
    history = paused.history
    assert np.isnan(history.loss[4:]).all()
    error = np.mean((paused.output - photograph) ** 2)
    np.testing.assert_allclose(history.fidelity[3], error, rtol=1e-5)
    np.testing.assert_allclose(history.loss[3], error, rtol=1e-5)
    decibel = -10 * np.log10(np.mean((paused.output - reference) ** 2))
    np.testing.assert_allclose(history.psnr[3], decibel, rtol=1e-5)


def test_the_average_is_bias_corrected_and_starts_at_the_first_output(
    small_settings, photograph, run
):
    config = SolverConfig(iterations=3, averaging=0.9)
    problem, state = start(small_settings, photograph, config)
    outputs = []
    for until in (1, 2, 3):
        state = run(config, problem, state, until=until)
        outputs.append(np.asarray(state.output))
    weights = np.array([0.9**2, 0.9, 1])
    expected = np.tensordot(weights / weights.sum(), outputs, axes=1)
    np.testing.assert_allclose(solver.current_image(config, state), expected, atol=1e-5)
    assert config.iterate is Iterate.AVERAGED


def test_a_rule_stops_the_run_and_the_best_iterate_is_returned(small_settings, photograph, run):
    rule = ExponentialVariance(decay=0.5, patience=3)
    config = SolverConfig(iterations=200, learning_rate=0.5, stopping=rule)
    problem, state = start(small_settings, photograph, config)
    stopped = run(config, problem, state, until=200)
    assert stopped.status == Status.STOPPED_BY_RULE
    assert stopped.iteration == stopped.best_iteration + 3 < 200
    assert config.iterate is Iterate.BEST

    plain = dataclasses.replace(config, stopping=None)
    same = run(
        plain,
        problem,
        start(small_settings, photograph, plain)[1],
        until=stopped.best_iteration,
    )
    np.testing.assert_allclose(
        solver.current_image(config, stopped), solver.current_image(plain, same), atol=1e-4
    )


def test_a_non_finite_loss_keeps_the_last_finite_image(small_settings, photograph, run):
    config = SolverConfig(iterations=50, learning_rate=0.3)
    bright = np.ones_like(photograph)
    problem, state = start(small_settings, bright, config, NanFrom(0.6))
    ended = run(config, problem, state, until=50)
    assert ended.status == Status.NON_FINITE
    assert 0 < ended.iteration < 50
    assert 0.3 < np.mean(ended.output) <= 0.6
    assert np.isfinite(ended.history.loss[: ended.iteration]).all()
    assert np.isnan(ended.history.loss[ended.iteration :]).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(ended.trained))
    assert "last finite" in Status(int(ended.status)).message


def test_a_loss_that_is_never_finite_gives_no_image(small_settings, photograph, run):
    config = SolverConfig(iterations=5)
    problem, state = start(small_settings, photograph, config, NanFrom(-1.0))
    ended = run(config, problem, state, until=5)
    assert ended.status == Status.NON_FINITE
    assert ended.iteration == 0
    assert np.all(ended.output == 0)


def test_every_status_has_a_sentence():
    assert all(status.message.endswith(".") for status in Status)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"iterations": 0}, "iterations is 0; accepted: whole numbers from 1 to 10000000"),
        ({"iterations": 5.0}, r"iterations is 5\.0; accepted: whole numbers"),
        ({"learning_rate": -0.1}, r"learning rate is -0\.1; accepted: above 0, up to 1e\+06"),
        ({"learning_rate": float("nan")}, "learning rate is nan; accepted: above 0"),
        ({"averaging": 1.0}, r"averaging is 1\.0; accepted: in \[0, 1\)"),
    ],
)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        SolverConfig(**arguments)
