import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from flax import linen, nnx

from drp_jax import InputError, Loop, Problem, begin, restore
from drp_jax.untrained import (
    Linen,
    NormAffine,
    NormalSeed,
    Objective,
    Seed,
    Untrained,
    Weight,
    mse,
)
from drp_jax.untrained.generators import build

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 10, 3)


class Network(linen.Module):
    """A convolution, a norm with its affine inside another module, and a convolution."""

    upsampled: bool = False
    running: bool = False

    @linen.compact
    def __call__(self, seed):
        image = linen.Conv(4, (3, 3))(seed)
        image = linen.relu(Normed()(image))
        if self.running:
            image = linen.BatchNorm(use_running_average=False)(image[None])[0]
        if self.upsampled:
            image = jnp.repeat(jnp.repeat(image, 2, axis=0), 2, axis=1)
        return linen.Conv(3, (1, 1))(image)


class Normed(linen.Module):
    @linen.compact
    def __call__(self, image):
        return linen.GroupNorm(num_groups=2)(image)


METHOD = Untrained(
    Linen(Network()),
    NormalSeed(2),
    (Weight, NormAffine),
    objective=Objective(mse, None),
    learning_rate=0.05,
    loop=Loop(60),
)


@pytest.fixture(scope="module")
def trained():
    return restore(IMAGE, key=KEY, method=METHOD)


def test_it_trains_like_any_other_generator(trained):
    assert trained.image.shape == IMAGE.shape
    assert trained.history["loss"][-1] < 0.5 * trained.history["loss"][0]


def test_its_norms_have_affines_and_the_rest_are_weights(trained):
    kinds = {
        "/".join(map(str, path)): type(variable)
        for path, variable in nnx.to_flat_state(trained.trees.trained)
    }
    norms = {path for path, kind in kinds.items() if kind is NormAffine}
    assert {path.rpartition("/")[2] for path in norms} == {"scale", "bias"}
    assert len(norms) == 2
    assert all("GroupNorm" in path for path in norms)
    assert len(kinds) == 6
    assert {type(variable) for _, variable in nnx.to_flat_state(trained.trees.frozen)} == {Seed}


def test_it_gives_what_the_linen_module_gives():
    seed = jax.random.normal(KEY, (12, 10, 2))
    model = build(Linen(Network()), seed, (12, 10, 3), normalize_seed=False, rngs=nnx.Rngs(3))
    expected = Network().apply(Network().init(nnx.Rngs(3).params(), seed), seed)
    np.testing.assert_allclose(model(), expected, atol=1e-6)


def test_its_seed_may_be_smaller():
    generator = Linen(Network(upsampled=True), seed_reduction=2)
    run = begin(Problem(IMAGE), method=dataclasses.replace(METHOD, generator=generator), key=KEY)
    assert run.trees.model().seed[...].shape == (6, 5, 2)


def test_running_statistics_are_kept_apart_and_do_not_train():
    seed = jax.random.normal(KEY, (8, 8, 2))
    generator = Linen(Network(running=True))
    model = build(generator, seed, (8, 8, 3), normalize_seed=False, rngs=nnx.Rngs(0))
    assert len(jax.tree.leaves(nnx.state(model, nnx.BatchStat))) == 2
    assert len(jax.tree.leaves(nnx.state(model, NormAffine))) == 4
    before = nnx.state(model, nnx.BatchStat)
    assert model().shape == (8, 8, 3)
    jax.tree.map(np.testing.assert_array_equal, nnx.state(model, nnx.BatchStat), before)


def test_equal_modules_are_one_program():
    assert Linen(Network()) == Linen(Network())
    assert hash(Linen(Network())) == hash(Linen(Network()))
    assert Linen(Network()) != Linen(Network(upsampled=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linen(Network), "module is Network; accepted: a flax.linen.Module"),
        (lambda: Linen(3), "module is 3; accepted: a flax.linen.Module"),
        (
            lambda: build(
                Linen(Network(upsampled=True)),
                jnp.zeros((8, 8, 2)),
                (8, 8, 3),
                normalize_seed=False,
                rngs=nnx.Rngs(0),
            ),
            r"the generator gives shape \(16, 16, 3\) for a seed .*; accepted: \(8, 8, 3\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
