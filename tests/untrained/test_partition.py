import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import InputError, Problem, begin, preset
from drp_jax.untrained import HourglassConfig, NormAffine, Seed, Weight
from drp_jax.untrained.generators import build
from drp_jax.untrained.partition import merge, name_norm_affines, split

DRP = (Seed, NormAffine)
GENERATOR = HourglassConfig(widths_down=(5,), widths_up=(5,), widths_skip=(4,))


@pytest.fixture
def model():
    seed = jax.random.normal(jax.random.key(0), (8, 8, 3))
    return build(GENERATOR, seed, (8, 8, 3), normalize_seed=True, rngs=nnx.Rngs(0))


def kinds(state):
    return {type(variable) for _, variable in nnx.to_flat_state(state)}


def test_drp_trains_seed_and_affine_and_freezes_the_weights(model):
    _, trained, frozen = split(model, DRP)
    assert kinds(trained) == {Seed, NormAffine}
    assert kinds(frozen) == {Weight}


@pytest.mark.parametrize("trainable", [(Weight,), (Weight, Seed), (Weight, NormAffine, Seed)])
def test_every_combination_puts_each_variable_in_exactly_one_tree(model, trainable):
    _, trained, frozen = split(model, trainable)
    assert kinds(trained) == set(trainable)
    assert not kinds(frozen) & set(trainable)
    total = len(jax.tree.leaves(nnx.state(model)))
    assert len(jax.tree.leaves(trained)) + len(jax.tree.leaves(frozen)) == total


def test_any_filter_of_nnx_chooses(model):
    _, trained, _ = split(model, nnx.All(Weight, nnx.PathContains("output")))
    paths = ["/".join(map(str, path)) for path, _ in nnx.to_flat_state(trained)]
    assert paths == ["generator/output/bias", "generator/output/kernel"]


def test_merge_is_the_inverse_of_split(model):
    parts = split(model, DRP)
    generated = jax.jit(lambda model: model())
    np.testing.assert_array_equal(generated(merge(*parts)), generated(model))


def test_gradient_and_adam_state_hold_the_trained_tree_only(model):
    structure, trained, frozen = split(model, DRP)
    total = jax.grad(lambda trained: jnp.sum(merge(structure, trained, frozen)()))
    gradient = jax.eval_shape(total, trained)
    assert jax.tree.structure(gradient) == jax.tree.structure(trained)

    method = preset("paper").adjusted(width=5)
    run = begin(Problem(jnp.zeros((8, 8, 3))), method=method, key=jax.random.key(0))
    trees = run.trees
    assert jax.tree.structure(trees.trained) == jax.tree.structure(trained)
    moments = trees.optimizer[0]
    for moment in (moments.mu, moments.nu):
        assert jax.tree.structure(moment) == jax.tree.structure(trained)
    kernels = {leaf.shape for leaf in jax.tree.leaves(trees.frozen) if leaf.ndim == 4}
    assert (3, 3, 9, 5) in kernels  # the joined branches: 4 + 5 channels to 5
    assert not kernels & {leaf.shape for leaf in jax.tree.leaves(moments)}

    summary = trees.summary()
    values = sum(leaf.size for leaf in jax.tree.leaves(trained))
    assert (summary.trained.values, summary.trained.bytes) == (values, 4 * values)
    assert summary.optimizer.values == 2 * values + 1  # two moments and a count
    assert summary.frozen.values == sum(leaf.size for leaf in jax.tree.leaves(frozen))
    assert f"{values:,}" in str(summary)
    np.testing.assert_array_equal(trees.model().seed[...], trees.trained["seed"][...])


def test_the_norms_of_flax_have_affines():
    class Network(nnx.Module):
        def __init__(self, rngs):
            self.conv = nnx.Conv(2, 4, (3, 3), rngs=rngs)
            self.norms = nnx.List(
                [nnx.GroupNorm(4, num_groups=2, rngs=rngs), nnx.LayerNorm(4, rngs=rngs)]
            )

    network = Network(nnx.Rngs(0))
    name_norm_affines(network)
    affines = nnx.to_flat_state(nnx.state(network, NormAffine))
    assert {path[0] for path, _ in affines} == {"norms"}
    assert len(list(affines)) == 4
    weights = nnx.to_flat_state(nnx.state(network, Weight))
    assert {path[0] for path, _ in weights} == {"conv"}


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        ((), r"nothing trains: trainable is \(\); accepted: an nnx filter, like \(Seed, NormAff"),
        (None, "nothing trains: trainable is None; accepted: an nnx filter"),
        ([Seed], r"trainable is \[.*\]; accepted: a hashable nnx filter"),
        (3, "trainable is 3; accepted: a hashable nnx filter, like"),
        (
            (nnx.BatchStat,),
            r"nothing trains: no variable of the generator is BatchStat; accepted: a filter that "
            r"selects some of what there is: .*Seed \(1\)",
        ),
    ],
)
def test_a_bad_choice_is_named(model, trainable, message):
    with pytest.raises(InputError, match=message):
        split(model, trainable)
