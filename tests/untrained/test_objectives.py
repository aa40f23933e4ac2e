import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from flax import struct

from drp_jax import InputError
from drp_jax.untrained import (
    Huber,
    Objective,
    WeightedSum,
    anisotropic_tv,
    isotropic_tv,
    l1,
    mse,
    poisson,
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


@pytest.mark.parametrize("fidelity", [mse, rmse, l1, Huber(0.3)])
def test_fidelities_of_complex_values_take_the_distance_in_the_plane(fidelity):
    turned = (OBSERVATION - PREDICTION) * jnp.exp(1j * jnp.arange(4.0)).reshape(2, 2, 1)
    expected = fidelity(PREDICTION, OBSERVATION)
    np.testing.assert_allclose(fidelity(0.3j + turned, jnp.full_like(turned, 0.3j)), expected, 1e-5)


def test_poisson_is_the_likelihood_of_counts():
    """Less than that of a perfect fit, and with its gradient: the one of SciPy's."""
    draw = np.random.default_rng(0)
    mean = draw.uniform(0.2, 30, (6, 5, 2))
    counts = draw.poisson(mean)
    assert (counts == 0).any()
    logpmf = scipy.stats.poisson.logpmf
    expected = np.mean(logpmf(counts, counts) - logpmf(counts, mean))
    prediction, observation = jnp.asarray(mean, jnp.float32), jnp.asarray(counts, jnp.float32)
    np.testing.assert_allclose(poisson(prediction, observation), expected, rtol=1e-4)
    np.testing.assert_allclose(poisson(observation, observation), 0, atol=1e-6)
    step = 1e-4
    slope = (logpmf(counts, mean - step) - logpmf(counts, mean + step)) / (2 * step) / mean.size
    gradient = jax.grad(poisson)(prediction, observation)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=1e-6)


def test_poisson_is_finite_where_the_mean_is_not_positive():
    nothing = jnp.zeros((2, 2, 1))
    assert jnp.isfinite(poisson(nothing - 1, nothing + 3))
    assert jnp.isfinite(jax.grad(poisson)(nothing, nothing + 3)).all()


def test_a_weighted_sum_holds_any_function_of_an_image():
    def energy(image):
        return jnp.sum(jnp.square(image))

    parts = WeightedSum(((0.5, anisotropic_tv), (2.0, energy)))
    # Squares: 0.01, 0.25, 0.81, 0.04.
    np.testing.assert_allclose(parts(PREDICTION), 0.5 * 2.2 / 4 + 2 * 1.11, rtol=1e-5)
    terms = Objective(mse, parts, 0.1)(PREDICTION, PREDICTION, PREDICTION)
    np.testing.assert_allclose(terms.loss, 0.1 * (0.5 * 2.2 / 4 + 2 * 1.11), rtol=1e-5)
    with pytest.raises(InputError, match=r"parts is \(\); accepted: one pair or more"):
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
    with pytest.raises(InputError, match="shape"):
        Objective()(PREDICTION, PREDICTION, OBSERVATION[:1])


def test_numbers_of_a_pytree_count_alike():
    """Two coils of different sizes are one long observation."""
    prediction, observation = (
        {"coil": one[:1], "rest": one[1:, :1]} for one in (PREDICTION, OBSERVATION)
    )
    terms = Objective(l1, None)(PREDICTION, prediction, observation)
    np.testing.assert_allclose(terms.fidelity, (0 + 0.2 + 0.4) / 3, rtol=1e-5)
    np.testing.assert_allclose(terms.residual, np.sqrt((0.04 + 0.16) / 3), rtol=1e-5)


def test_the_residual_is_the_root_mean_square_whatever_the_fidelity():
    terms = Objective(l1, anisotropic_tv)(PREDICTION, PREDICTION, OBSERVATION)
    np.testing.assert_allclose(terms.residual, np.sqrt(0.36 / 4), rtol=1e-5)


@struct.dataclass
class Guided:
    """A regularizer with an array, as a user writes one."""

    guide: jax.Array

    def __call__(self, image):
        return jnp.mean(jnp.abs(image - self.guide))


def test_arrays_of_regularizers_are_leaves_alone_and_in_a_sum():
    one, other = Guided(jnp.zeros((2, 2, 1))), Guided(jnp.ones((2, 2, 1)))
    for wrap in (lambda guided: guided, lambda guided: WeightedSum(((0.5, guided),))):
        objectives = [Objective(mse, wrap(guided), 1.0) for guided in (one, other)]
        assert jax.tree.structure(objectives[0]) == jax.tree.structure(objectives[1])
        evaluate = jax.jit(lambda objective: objective(PREDICTION, PREDICTION, PREDICTION).loss)
        losses = [evaluate(objective) for objective in objectives]
        np.testing.assert_allclose(losses[0] / losses[1], 1.7 / 2.3, rtol=1e-5)
        assert evaluate._cache_size() == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Huber(0.0), r"Huber delta is 0\.0; accepted: above 0"),
        (lambda: Objective(fidelity="mse"), "fidelity is 'mse'; accepted: a function"),
        (lambda: Objective(regularizer=3), "regularizer is 3; accepted: a function"),
        (
            lambda: Objective(weight=-1.0),
            r"regularizer weight is -1\.0; accepted: from 0 to 1e\+06",
        ),
        (lambda: Objective(weight=float("nan")), "regularizer weight is nan; accepted: from 0"),
        (lambda: WeightedSum(((1.0, "tv"),)), "regularizer is 'tv'; accepted: a function"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
