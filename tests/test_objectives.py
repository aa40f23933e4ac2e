import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import (
    Huber,
    InputError,
    Objective,
    WeightedSum,
    anisotropic_tv,
    isotropic_tv,
    l1,
    mse,
    rmse,
)

PREDICTION = jnp.array([[[0.1], [0.5]], [[0.9], [0.2]]])
OBSERVATION = jnp.array([[[0.1], [0.3]], [[0.5], [0.6]]])
# Differences: 0, 0.2, 0.4, -0.4.


@pytest.mark.parametrize(
    ("fidelity", "expected"),
    [
        (mse, (0.04 + 0.16 + 0.16) / 4),
        (rmse, np.sqrt((0.04 + 0.16 + 0.16) / 4)),
        (l1, (0.2 + 0.4 + 0.4) / 4),
        # Quadratic below 0.3, then 0.3 * (|d| - 0.15).
        (Huber(0.3), (0.02 + 2 * 0.3 * 0.25) / 4),
    ],
)
def test_fidelities_by_hand(fidelity, expected):
    np.testing.assert_allclose(fidelity(PREDICTION, OBSERVATION), expected, rtol=1e-5)


def test_a_weighted_sum_holds_any_function_of_an_image():
    def energy(image):
        return jnp.sum(jnp.square(image))

    parts = WeightedSum(((0.5, anisotropic_tv), (2.0, energy)))
    # Squares: 0.01, 0.25, 0.81, 0.04.
    np.testing.assert_allclose(parts(PREDICTION), 0.5 * 2.2 / 4 + 2 * 1.11, rtol=1e-5)
    terms = Objective(mse, parts, 0.1)(PREDICTION, PREDICTION, PREDICTION)
    np.testing.assert_allclose(terms.loss, 0.1 * (0.5 * 2.2 / 4 + 2 * 1.11), rtol=1e-5)
    with pytest.raises(InputError, match="no regularizers; accepted: one or more"):
        WeightedSum(())


def test_total_variations_by_hand():
    # Down: 0.8, -0.3; right: 0.4, -0.7; four pixels.
    np.testing.assert_allclose(anisotropic_tv(PREDICTION), 2.2 / 4, rtol=1e-5)
    isotropic = (np.hypot(0.8, 0.4) + 0.3 + 0.7 + 0.0) / 4
    np.testing.assert_allclose(isotropic_tv(PREDICTION), isotropic, rtol=1e-5)


def test_gradients_are_finite_where_a_root_is_zero():
    flat = jnp.full((4, 4, 1), 0.5)
    assert np.all(jax.grad(lambda image: rmse(image, flat))(flat) == 0)
    assert np.all(jax.grad(isotropic_tv)(flat) == 0)


def test_the_objective_is_fidelity_plus_weight_times_regularizer():
    terms = Objective(l1, anisotropic_tv, weight=0.1)(PREDICTION, PREDICTION, OBSERVATION)
    np.testing.assert_allclose(terms.fidelity, 0.25, rtol=1e-5)
    np.testing.assert_allclose(terms.regularizer, 0.55, rtol=1e-5)
    np.testing.assert_allclose(terms.loss, 0.25 + 0.1 * 0.55, rtol=1e-5)


def test_without_regularizer_the_loss_is_the_fidelity():
    terms = Objective(mse, None)(PREDICTION, PREDICTION, OBSERVATION)
    assert terms.regularizer == 0
    assert terms.loss == terms.fidelity == mse(PREDICTION, OBSERVATION)


def test_the_weight_is_swept_by_vmap():
    weights = jnp.array([0.0, 1.0])
    objective = Objective(l1, anisotropic_tv, weights)
    losses = jax.vmap(lambda one: one(PREDICTION, PREDICTION, OBSERVATION).loss)(objective)
    np.testing.assert_allclose(losses, [0.25, 0.80], rtol=1e-5)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(AssertionError, match="shape"):
        Objective()(PREDICTION, PREDICTION, OBSERVATION[:1])


def test_a_bad_delta_is_named():
    with pytest.raises(InputError, match=r"Huber delta is 0\.0; accepted: above 0"):
        Huber(0.0)
