import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import InputError
from drp_jax.untrained import Jitter, NormAffine, Seed, Weight
from drp_jax.untrained.jitter import perturb


class Model(nnx.Module):
    """Every type of variable, two of them weights of the same shape."""

    def __init__(self, size=4):
        self.first = Weight(jnp.full((size, size), 2.0))
        self.second = Weight(jnp.full((size, size), 2.0))
        self.affine = NormAffine(jnp.ones(3))
        self.seed = Seed(jnp.full((size, size, 2), 0.5))


def noise(jitters, *, iteration=0, key=0, size=4):
    """What `perturb` adds to every variable of the model, by name."""
    before = nnx.state(Model(size))
    after = perturb(before, jitters, jnp.int32(iteration), jax.random.key(key))
    assert type(after) is type(before)
    return {
        path[0]: np.asarray(variable[...] - dict(nnx.to_flat_state(before))[path][...])
        for path, variable in nnx.to_flat_state(after)
    }


@pytest.mark.parametrize(
    ("kind", "changed"),
    [(Weight, {"first", "second"}), (Seed, {"seed"}), (NormAffine, {"affine"})],
)
def test_only_the_named_type_changes(kind, changed):
    added = noise((Jitter(kind, 0.1),))
    assert set(added) == {"first", "second", "affine", "seed"}
    assert {name for name, values in added.items() if np.any(values != 0)} == changed


def test_each_type_has_its_own_level():
    added = noise((Jitter(Weight, 0.1), Jitter(Seed, 2.0)), size=300)
    np.testing.assert_allclose(added["first"].std(), 0.1, rtol=0.04)
    np.testing.assert_allclose(added["seed"].std(), 2.0, rtol=0.04)
    assert not added["affine"].any()


def test_the_noise_is_normal_with_the_stated_deviation():
    added = noise((Jitter(Seed, 0.3),), size=300)["seed"] / 0.3
    assert added.size == 180_000
    np.testing.assert_allclose(added.mean(), 0, atol=5 / np.sqrt(added.size))
    np.testing.assert_allclose(added.std(), 1, rtol=0.01)
    for distance, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        np.testing.assert_allclose(np.mean(np.abs(added) < distance), share, atol=0.006)


def test_two_variables_and_two_keys_get_different_noise():
    jitters = (Jitter(Weight, 0.1),)
    one, same, other = (noise(jitters, key=key) for key in (0, 0, 1))
    np.testing.assert_array_equal(one["first"], same["first"])
    assert np.abs(one["first"] - other["first"]).max() > 0.01
    assert np.abs(one["first"] - one["second"]).max() > 0.01


def test_the_variables_themselves_stay():
    state = nnx.state(Model())
    perturb(state, (Jitter(Weight, 1.0),), jnp.int32(0), jax.random.key(0))
    for _, variable in nnx.to_flat_state(state):
        assert np.ptp(variable[...]) == 0


def test_a_constant_jitter_does_not_depend_on_the_iteration():
    jitters = (Jitter(Seed, 0.2),)
    late = noise(jitters, iteration=10_000)["seed"]
    np.testing.assert_array_equal(noise(jitters)["seed"], late)


@pytest.mark.parametrize(
    ("iteration", "factor"), [(0, 1), (10, 0.5), (20, 0.25), (5, np.sqrt(0.5))]
)
def test_the_half_life_halves_the_level(iteration, factor):
    jitter = Jitter(Seed, 0.2, half_life=10)
    np.testing.assert_allclose(jitter.level(jnp.int32(iteration)), 0.2 * factor, rtol=1e-6)
    start = noise((jitter,))["seed"]
    now = noise((jitter,), iteration=iteration)["seed"]
    np.testing.assert_allclose(now, factor * start, atol=1e-6)


def test_without_variables_or_jitters_nothing_happens():
    assert not nnx.to_flat_state(
        perturb(nnx.State({}), (Jitter(Weight, 1.0),), jnp.int32(0), jax.random.key(0))
    )
    assert not any(values.any() for values in noise(()).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "seed"}, "jitter kind is 'seed'; accepted: a type of variables, like Seed or"),
        ({"kind": int}, "jitter kind is <class 'int'>; accepted: a type of variables"),
        ({"std": 0.0}, "jitter std is 0.0; accepted: above 0"),
        ({"std": -0.1}, "jitter std is -0.1; accepted: above 0"),
        ({"std": float("nan")}, "jitter std is nan; accepted: above 0"),
        ({"half_life": 0}, "jitter half_life is 0; accepted: above 0"),
        ({"half_life": -5}, "jitter half_life is -5; accepted: above 0"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Jitter(**({"kind": Seed, "std": 1.0} | arguments))


def test_levels_are_leaves_and_kinds_are_not():
    """Another level is the same program; another kind is not."""
    one, louder, other = Jitter(Seed, 0.1), Jitter(Seed, 0.2), Jitter(Weight, 0.1)
    assert jax.tree.structure(one) == jax.tree.structure(louder) != jax.tree.structure(other)
    swept = jax.vmap(lambda std: Jitter(Seed, std).level(jnp.int32(3)))(jnp.array([0.1, 0.4]))
    np.testing.assert_allclose(swept, [0.1, 0.4], rtol=1e-6)
