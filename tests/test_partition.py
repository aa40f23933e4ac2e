import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import Identity, InputError, Objective, SolverConfig, mse, preset
from drp_jax.partition import NormAffine, Seed, Weight, merge, split
from drp_jax.solver import Problem, init

DRP = (Seed, NormAffine)


@pytest.fixture
def model():
    settings = preset("paper").adjusted(width=5)
    return settings.method.build(jax.random.key(0), (8, 8, 3))


def kinds(state):
    return {type(variable) for _, variable in nnx.to_flat_state(state)}


def test_drp_trains_seed_and_affine_and_freezes_the_weights(model):
    _, trained, frozen = split(model, DRP)
    assert kinds(trained) == {Seed, NormAffine}
    assert kinds(frozen) == {Weight}


@pytest.mark.parametrize("trains", [(Weight,), (Weight, Seed), (Weight, NormAffine, Seed)])
def test_every_combination_puts_each_variable_in_exactly_one_tree(model, trains):
    _, trained, frozen = split(model, trains)
    assert kinds(trained) == set(trains)
    assert not kinds(frozen) & set(trains)
    total = len(jax.tree.leaves(nnx.state(model)))
    assert len(jax.tree.leaves(trained)) + len(jax.tree.leaves(frozen)) == total


def test_merge_is_the_inverse_of_split(model):
    parts = split(model, DRP)
    np.testing.assert_array_equal(merge(*parts)(), model())


def test_gradient_and_adam_state_hold_the_trained_tree_only(model):
    structure, trained, frozen = split(model, DRP)
    gradient = jax.grad(lambda trained: jnp.sum(merge(structure, trained, frozen)()))(trained)
    assert jax.tree.structure(gradient) == jax.tree.structure(trained)

    problem = Problem(
        structure=structure,
        frozen=frozen,
        observation=jnp.zeros((8, 8, 3)),
        operator=Identity(),
        objective=Objective(mse, None, 0.0),
        key=jax.random.key(0),
    )
    moments = init(SolverConfig(), problem, trained).optimizer[0]
    for moment in (moments.mu, moments.nu):
        assert jax.tree.structure(moment) == jax.tree.structure(trained)
    kernels = {leaf.shape for leaf in jax.tree.leaves(frozen) if leaf.ndim == 4}
    assert (3, 3, 9, 5) in kernels  # the joined branches: 4 + 5 channels to 5
    assert not kernels & {leaf.shape for leaf in jax.tree.leaves(moments)}


@pytest.mark.parametrize(
    ("trains", "message"),
    [
        ((), "nothing trains: name at least one of Weight, NormAffine, Seed"),
        ((nnx.BatchStat,), "cannot train .*BatchStat.*; accepted: Weight, NormAffine, Seed"),
    ],
)
def test_a_bad_choice_is_named(model, trains, message):
    with pytest.raises(InputError, match=message):
        split(model, trains)
