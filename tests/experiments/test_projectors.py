"""The variants of the projector, which a plan runs."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import Problem
from drp_jax.untrained import Untrained
from experiments import projectors

KEY = jax.random.key(0)
PROBLEM = Problem(make_photograph(32, 32, 1))
VARIANTS = [
    function
    for name, function in inspect.getmembers(projectors, inspect.isfunction)
    if function.__module__ == projectors.__name__ and not name.startswith("_")
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
def test_a_variant_is_a_method_that_can_be_run_with_any_weight(variant):
    method = variant().adjusted(regularizer_weight=0.3)
    assert isinstance(method, Untrained)
    before = jax.eval_shape(method.init, PROBLEM, KEY)
    after = jax.eval_shape(method.step, PROBLEM, before)
    assert after.image.shape == PROBLEM.image.shape
    assert jax.tree.structure(after.optimizer) == jax.tree.structure(before.optimizer)


def test_filters_begin_to_train_late():
    transformation = projectors._late_for_weights(0.1)
    variables = {"filter": jnp.ones((1, 1, 2, 2)), "seed": jnp.ones((2, 2, 1))}
    state = transformation.init(variables)

    def update(state, _):
        steps, state = transformation.update(variables, state, variables)
        return state, jax.tree.map(jnp.max, steps)

    _, steps = jax.lax.scan(update, state, length=projectors.ITERATIONS)
    np.testing.assert_allclose(steps["seed"], -0.1, rtol=1e-3)
    rates = np.where(np.arange(projectors.ITERATIONS) < 250, 0.0, -0.002)
    np.testing.assert_allclose(steps["filter"], rates, rtol=1e-3)


def test_what_is_smooth_already_is_near_its_denoised_image():
    flat = jnp.full((16, 16, 1), 0.5)
    noise = 0.05 * jax.random.normal(KEY, flat.shape)
    assert projectors._from_denoised(flat) < 1e-4
    assert projectors._from_denoised(flat + noise) > 0.02
