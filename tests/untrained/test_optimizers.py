import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from drp_jax import InputError
from drp_jax.untrained import CosineDecay
from drp_jax.untrained.optimizers import as_learning_rate, as_optimizer


def minimised(optimizer, rate, steps=3):
    """Where steps on a parabola lead from 1."""
    transformation = as_optimizer(optimizer)(as_learning_rate(rate))
    state, place = transformation.init(jnp.ones(())), jnp.ones(())
    for _ in range(steps):
        updates, state = transformation.update(place, state, place)
        place = optax.apply_updates(place, updates)
    return float(place)


def test_an_optimiser_takes_the_learning_rate():
    np.testing.assert_allclose(minimised(optax.sgd, 0.1), 0.9**3, rtol=1e-6)
    momentum = functools.partial(optax.sgd, momentum=0.0)
    np.testing.assert_allclose(minimised(momentum, 0.1), 0.9**3, rtol=1e-6)


def test_a_transformation_has_a_rate_of_its_own():
    np.testing.assert_allclose(minimised(optax.sgd(0.5), 0.1), 0.5**3, rtol=1e-6)
    as_optimizer(optax.lbfgs())(0.1).init(jnp.ones(3))


def test_a_rate_is_a_number_or_a_schedule():
    assert as_learning_rate(0.1) == 0.1
    halved = optax.piecewise_constant_schedule(0.2, {2: 0.5})
    np.testing.assert_allclose(minimised(optax.sgd, halved), 0.8 * 0.8 * 0.9, rtol=1e-6)


def test_two_schedules_that_say_the_same_are_one_program():
    one, same, other = (as_learning_rate(optax.constant_schedule(rate)) for rate in (0.1, 0.1, 0.2))
    assert jax.tree.structure(one) == jax.tree.structure(same) != jax.tree.structure(other)


def test_the_decay_is_half_a_cosine_and_then_stays():
    decay = CosineDecay(initial=0.3, final=0.1, iterations=8)
    expected = [0.3, 0.2, 0.1, 0.1]
    np.testing.assert_allclose([decay(count) for count in (0, 4, 8, 100)], expected, rtol=1e-6)
    np.testing.assert_allclose(
        [decay(count) for count in range(9)],
        [optax.cosine_decay_schedule(0.3, 8, alpha=1 / 3)(count) for count in range(9)],
        rtol=1e-6,
    )


def test_the_numbers_of_the_decay_are_leaves():
    evaluate = jax.jit(lambda decay: as_learning_rate(decay)(jnp.int32(2)))
    rates = [evaluate(CosineDecay(initial, 0.1, 4)) for initial in (0.3, 0.5)]
    np.testing.assert_allclose(rates, [0.2, 0.3], rtol=1e-6)
    assert evaluate._cache_size() == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: as_learning_rate(0.0), r"learning rate is 0\.0; accepted: above 0, up to 1e\+06"),
        (lambda: as_learning_rate(-0.1), r"learning rate is -0\.1; accepted: above 0"),
        (lambda: as_learning_rate(float("nan")), "learning rate is nan; accepted: above 0"),
        (lambda: as_learning_rate("fast"), "learning rate is 'fast'; accepted: above 0"),
        (lambda: as_learning_rate(True), "learning rate is True; accepted: above 0"),
        (lambda: as_optimizer("adam"), "optimizer is 'adam'; accepted: an optax optimiser, like"),
        (lambda: as_optimizer(None), "optimizer is None; accepted: an optax optimiser"),
        (lambda: CosineDecay(initial=0.0), r"initial learning rate is 0\.0; accepted: above 0"),
        (lambda: CosineDecay(final=-1.0), r"final learning rate is -1\.0; accepted: above 0"),
        (lambda: CosineDecay(iterations=0), "iterations of the decay is 0; accepted: from 1 up"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
