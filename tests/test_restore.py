import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import compilations, make_photograph

from drp_jax import (
    Discrepancy,
    ExponentialVariance,
    InputError,
    Iterate,
    SolverConfig,
    Status,
    preset,
    psnr,
    restore,
)

KEY = jax.random.key(3)


def assert_close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), one, other)


def test_a_run_reduces_the_loss_and_reports_itself(small_settings, photograph):
    result = restore(photograph, key=KEY, settings=small_settings)
    assert result.image.shape == photograph.shape
    assert result.image.dtype == jnp.float32
    assert result.history.loss[-1] < result.history.loss[0]
    assert result.history.psnr is None
    assert result.iterate is Iterate.LAST
    assert result.iterations == result.image_iteration == 6
    assert result.status == Status.ITERATION_LIMIT
    assert result.message == "The run reached its iteration limit."


def test_it_denoises():
    """Noise is removed for real: closer to the clean image than the observation is."""
    clean = np.broadcast_to(np.linspace(0.2, 0.8, 24)[:, None, None], (24, 24, 3))
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    noisy = np.clip(clean + noise, 0, 1).astype(np.float32)
    settings = preset("paper").adjusted(width=8, iterations=120)
    result = restore(noisy, key=KEY, settings=settings, reference=jnp.asarray(clean, jnp.float32))
    assert result.history.psnr[-1] > psnr(noisy, clean.astype(np.float32)) + 4


def test_the_same_key_gives_the_same_result_and_another_does_not(small_settings, photograph):
    first = restore(photograph, key=KEY, settings=small_settings)
    jax.tree.map(
        np.testing.assert_array_equal, first, restore(photograph, key=KEY, settings=small_settings)
    )
    other = restore(photograph, key=jax.random.key(4), settings=small_settings)
    assert np.abs(first.image - other.image).max() > 1e-3


def test_under_jit_it_equals_the_plain_call(small_settings, photograph):
    jitted = jax.jit(lambda y, key: restore(y, key=key, settings=small_settings, reference=y))
    plain = restore(photograph, key=KEY, settings=small_settings, reference=photograph)
    assert_close(jitted(photograph, KEY), plain)


def test_under_vmap_over_keys_it_equals_the_plain_calls(small_settings, photograph):
    keys = jax.random.split(KEY, 3)
    batch = jax.vmap(lambda key: restore(photograph, key=key, settings=small_settings))(keys)
    for index, key in enumerate(keys):
        single = restore(photograph, key=key, settings=small_settings)
        assert_close(jax.tree.map(lambda leaf, i=index: leaf[i], batch), single)


def test_under_vmap_over_observations_it_equals_the_plain_calls(small_settings):
    observations = jnp.stack([make_photograph(12, 15, 3, seed=seed) for seed in range(2)])
    batch = jax.vmap(lambda y: restore(y, key=KEY, settings=small_settings))(observations)
    for index, observation in enumerate(observations):
        single = restore(observation, key=KEY, settings=small_settings)
        assert_close(jax.tree.map(lambda leaf, i=index: leaf[i], batch), single)


@pytest.mark.parametrize(("callback", "height"), [(None, 13), (lambda _: None, 14)])
def test_a_second_call_does_not_compile_again(small_settings, callback, height):
    lighter = small_settings.adjusted(regularizer_weight=0.1)
    first, second = (make_photograph(height, 11, 3, seed=seed) for seed in (1, 2))
    other_key = jax.random.key(9)
    with compilations() as programs:
        restore(first, key=KEY, settings=small_settings, callback=callback)
    assert programs
    with compilations() as programs:
        restore(second, key=other_key, settings=lighter, callback=callback)
    assert not programs


def test_a_callback_sees_progress_and_does_not_change_the_result(small_settings, photograph):
    reports = []
    arguments = {"key": KEY, "settings": small_settings, "reference": photograph}
    watched = restore(photograph, callback=reports.append, **arguments)
    assert_close(watched, restore(photograph, **arguments))
    assert reports[0].iteration == 1
    assert reports[-1].iteration == reports[-1].iterations == 6
    last = reports[-1]
    np.testing.assert_allclose(last.loss, watched.history.loss[-1])
    np.testing.assert_allclose(last.psnr, watched.history.psnr[-1])
    np.testing.assert_array_equal(last.image, watched.image)


def test_a_callback_ends_the_run(small_settings, photograph):
    result = restore(photograph, key=KEY, settings=small_settings, callback=lambda _: True)
    assert result.status == Status.INTERRUPTED
    assert result.iterations == 1
    assert result.image.min() > 0


def test_a_callback_at_the_end_does_not_hide_why_the_run_ended(small_settings, photograph):
    result = restore(
        photograph,
        key=KEY,
        settings=small_settings,
        callback=lambda progress: progress.iteration == progress.iterations,
    )
    assert result.status == Status.ITERATION_LIMIT


def test_a_stopping_rule_returns_its_best_iterate(small_settings, photograph):
    def stopped_by(rule):
        solver = dataclasses.replace(small_settings.solver, iterations=300, stopping=rule)
        settings = dataclasses.replace(small_settings, solver=solver)
        return restore(photograph, key=KEY, settings=settings)

    result = stopped_by(ExponentialVariance(decay=0.5, patience=4))
    assert result.iterate is Iterate.BEST
    assert result.status == Status.STOPPED_BY_RULE
    assert result.iterations == result.image_iteration + 4 < 300
    assert np.isnan(result.history.loss[result.iterations :]).all()

    residual = 0.15
    result = stopped_by(Discrepancy(residual))
    assert result.iterations == result.image_iteration < 300
    distance = np.sqrt(np.mean((np.asarray(result.image) - photograph) ** 2))
    assert 0.5 * residual < distance <= residual


def test_lbfgs_of_optax_minimises_too(small_settings, photograph):
    solver = SolverConfig(iterations=8, optimizer=optax.lbfgs())
    settings = dataclasses.replace(small_settings, solver=solver)
    loss = restore(photograph, key=KEY, settings=settings).history.loss
    assert loss[-1] < 0.8 * loss[0]
    assert (np.diff(loss) <= 1e-6).all()


def test_the_learning_rate_may_be_a_schedule(small_settings, photograph):
    """A rate that falls to zero after two steps leaves the outputs as they are."""

    def restored(rate):
        solver = SolverConfig(iterations=5, learning_rate=rate)
        settings = dataclasses.replace(small_settings, solver=solver)
        return restore(photograph, key=KEY, settings=settings).history.loss

    constant = restored(0.1)
    falling = restored(optax.piecewise_constant_schedule(0.1, {2: 0.0}))
    np.testing.assert_allclose(falling[:3], constant[:3], rtol=1e-4)
    np.testing.assert_allclose(falling[3:], falling[2], rtol=1e-5)
    assert constant[-1] < falling[-1]


def test_a_given_seed_is_used(small_settings, photograph):
    seed = make_photograph(12, 15, 2, seed=5)
    result = restore(photograph, key=KEY, settings=small_settings, seed=seed)
    other = restore(photograph, key=KEY, settings=small_settings, seed=1 - seed)
    assert np.abs(result.image - other.image).max() > 1e-3
    with pytest.raises(InputError, match=r"seed has shape \(11, 15, 2\); accepted: .*\(12, 15\)"):
        restore(photograph, key=KEY, settings=small_settings, seed=seed[1:])


def test_a_plain_function_is_an_operator(small_settings, photograph):
    mirrored = restore(
        photograph[:, ::-1].copy(), key=KEY, settings=small_settings, operator=lambda x: x[:, ::-1]
    )
    assert_close(mirrored, restore(photograph, key=KEY, settings=small_settings))


def test_the_weight_is_swept_by_vmap(small_settings, photograph):
    weights = jnp.array([0.0, 2.0])

    def loss(weight):
        settings = small_settings.adjusted(regularizer_weight=weight)
        return restore(photograph, key=KEY, settings=settings).history.regularizer[-1]

    rough, smooth = jax.vmap(loss)(weights)
    assert smooth < rough


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3), (8, 31, 4)])
def test_shapes_and_channel_counts(small_settings, shape):
    settings = small_settings.adjusted(iterations=2)
    assert restore(make_photograph(*shape), key=KEY, settings=settings).image.shape == shape


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (np.zeros((16, 16, 3), np.uint8), r"observation has type uint8; accepted: float, values"),
        (np.zeros((16, 16)), r"observation has shape \(16, 16\); accepted: \(H, W, C\)"),
        (np.zeros((7, 16, 3)), r"image has shape \(7, 16, 3\); accepted: .* from 8 up"),
        (np.zeros((16, 16, 0)), r"observation has shape \(16, 16, 0\); accepted:"),
        (np.full((8, 8, 1), 255.0), r"values from 255 to 255; accepted: \[0, 1\], or a little"),
        (np.full((8, 8, 1), np.nan), "observation has values that are not finite"),
    ],
)
def test_bad_observations_are_named(observation, message):
    with pytest.raises(InputError, match=message):
        restore(observation, key=KEY)


def test_a_reference_of_another_shape_is_named(photograph):
    with pytest.raises(InputError, match=r"reference has shape \(12, 14, 3\); accepted: \(12, 15"):
        restore(photograph, key=KEY, reference=photograph[:, 1:])


def test_a_callback_under_a_transformation_is_refused(small_settings, photograph):
    with pytest.raises(InputError, match=r"a callback cannot be called under jax\.jit"):
        jax.jit(lambda y: restore(y, key=KEY, settings=small_settings, callback=print))(photograph)
