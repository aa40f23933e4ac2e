"""The steps of `Untrained`, and what it makes of problems that are no pictures."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import SMALL, make_photograph
from flax import nnx

from drp_jax import InputError, Loop, Problem, advance, begin
from drp_jax.untrained import (
    CosineDecay,
    FixedSeed,
    Jitter,
    NormAffine,
    NormalSeed,
    Objective,
    Seed,
    Untrained,
    Weight,
    anisotropic_tv,
    mse,
)

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 15, 3)
METHOD = dataclasses.replace(SMALL, objective=Objective(mse, None))


class Network(nnx.Module):
    """A generator as a user writes one."""

    def __init__(self, seed_shape, image_shape, *, rngs):
        self.conv = nnx.Conv(seed_shape[2], 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, use_running_average=False, rngs=rngs)
        self.out = nnx.Linear(4, image_shape[2], rngs=rngs)

    def __call__(self, seed):
        return self.out(nnx.relu(self.norm(self.conv(seed))))


OWN = Untrained(Network, NormalSeed(2), (Weight, NormAffine), objective=Objective(mse, None))


def after(method, problem, iterations):
    """The run after so many iterations, and its history."""
    run, history = advance(begin(problem, method=method, key=KEY), until=iterations)
    return run, {name: values[:iterations] for name, values in history.items()}


@jax.jit
def generated(run):
    """What the network gives."""
    return run.trees.model()()


def test_steps_are_those_of_optax_adam():
    method = dataclasses.replace(METHOD, learning_rate=0.05)
    run = begin(Problem(IMAGE), method=method, key=KEY)
    trees = run.trees

    @jax.jit
    @jax.value_and_grad
    def loss(trained):
        image = jax.nn.sigmoid(nnx.merge(trees.structure, trained, trees.frozen)())
        return jnp.mean((image - IMAGE) ** 2)

    trained, adam = trees.trained, optax.adam(0.05)
    moments, losses, norms = adam.init(trained), [], []
    for _ in range(3):
        value, gradient = loss(trained)
        updates, moments = adam.update(gradient, moments)
        trained = optax.apply_updates(trained, updates)
        losses.append(value)
        norms.append(optax.tree.norm(gradient))

    _, history = advance(run, until=3)
    np.testing.assert_allclose(history["loss"][:3], losses, rtol=1e-4)
    np.testing.assert_allclose(history["gradient_norm"][:3], norms, rtol=1e-3)


def test_an_image_is_that_of_the_network_before_its_step():
    run = begin(Problem(IMAGE), method=METHOD, key=KEY)
    first = jax.nn.sigmoid(generated(run))
    run, history = advance(run, until=1)
    np.testing.assert_allclose(run.image, first, atol=1e-5)
    np.testing.assert_allclose(history["loss"][0], np.mean((first - IMAGE) ** 2), rtol=1e-4)


def test_without_the_sigmoid_the_network_ends_in_the_range_itself():
    method = dataclasses.replace(METHOD, sigmoid=False)
    run = begin(Problem(IMAGE), method=method, key=KEY)
    raw = generated(run)
    assert raw.min() < 0 or raw.max() > 1
    run, _ = advance(run, until=1)
    np.testing.assert_allclose(run.image, jnp.clip(raw, 0, 1), atol=1e-5)


def test_the_history_has_the_terms_and_the_residual_in_units_of_the_observation():
    method = dataclasses.replace(METHOD, objective=Objective(mse, anisotropic_tv, 0.2))
    problem = Problem(100 + 50 * IMAGE, value_range=(100, 150))
    run, history = after(method, problem, 1)
    difference = (np.asarray(run.image) - problem.observation) / 50
    np.testing.assert_allclose(history["fidelity"], np.mean(difference**2), rtol=1e-4)
    np.testing.assert_allclose(history["residual"], 50 * np.sqrt(np.mean(difference**2)), rtol=1e-4)
    unit = (run.image - 100) / 50
    np.testing.assert_allclose(history["regularizer"], anisotropic_tv(unit), rtol=1e-4)
    expected = history["fidelity"] + 0.2 * history["regularizer"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_a_complex_image_has_twice_the_channels():
    signal = IMAGE[..., :1] * np.exp(1j * np.linspace(0, 1, 15))[None, :, None]
    method = dataclasses.replace(METHOD, loop=Loop(60))
    run, _ = after(method, Problem(signal, complex_image=True), 60)
    assert run.image.shape == signal.shape
    assert run.image.dtype == jnp.complex64
    assert jax.eval_shape(lambda trees: trees.model()(), run.trees).shape == (12, 15, 2)
    error = np.mean(np.abs(run.image - signal) ** 2)
    assert error < 0.1 * np.mean(np.abs(signal) ** 2)


def test_a_module_of_ones_own_generates():
    run, history = after(OWN, Problem(IMAGE), 60)
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    affines = nnx.to_flat_state(nnx.state(run.trees.model(), NormAffine))
    assert {path[1] for path, _ in affines} == {"norm"}


def test_jitter_is_new_at_every_iteration_and_stays_out_of_the_variables():
    """With no steps taken, images differ by the jitter alone."""
    still = dataclasses.replace(METHOD, optimizer=optax.set_to_zero(), jitters=(Jitter(Seed, 0.1),))
    run = begin(Problem(IMAGE), method=still, key=KEY)
    seed = run.trees.model().seed[...]
    first, _ = advance(run, until=1)
    second, _ = advance(run, until=2)
    assert np.abs(first.image - second.image).max() > 1e-3
    np.testing.assert_array_equal(second.trees.model().seed[...], seed)


def test_adjusting_replaces_what_is_given_and_nothing_else():
    method = dataclasses.replace(METHOD, learning_rate=CosineDecay(0.1, 0.01, 6))
    assert method.adjusted() is method
    longer = method.adjusted(iterations=50)
    assert longer == dataclasses.replace(
        method, loop=Loop(50), learning_rate=CosineDecay(0.1, 0.01, 50)
    )
    weighted = method.adjusted(regularizer_weight=0.3)
    assert weighted.objective == Objective(mse, anisotropic_tv, 0.3)
    assert method.adjusted(ema_decay=0.9).loop == Loop(6, ema_decay=0.9)
    assert method.adjusted(width=9).generator == method.generator.with_width(9)
    assert method.adjusted(upsamplings=2).generator.upsamplings == 2
    assert isinstance(method.adjusted(seed=IMAGE).seed, FixedSeed)
    with pytest.raises(InputError, match="has no with_width; accepted: no width"):
        OWN.adjusted(width=4)
    with pytest.raises(InputError, match="has no with_upsamplings; accepted: no upsampl"):
        OWN.adjusted(upsamplings=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": 3}, "generator is 3; accepted: a class or function called as"),
        ({"generator": lambda *_, rngs: None}, "the generator gives a NoneType; accepted: an nnx"),
        ({"generator": lambda shape: None}, "the generator cannot be made: .*accepted: called as"),
        ({"seed": NormalSeed}, "seed is NormalSeed; accepted: NormalSeed"),
        ({"trainable": ()}, "nothing trains"),
        ({"objective": mse}, "objective is mse; accepted: Objective"),
        ({"loop": 100}, "loop is 100; accepted: Loop"),
        ({"learning_rate": 0}, "learning rate is 0; accepted: above 0"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; accepted: an optax optimiser"),
        ({"jitters": (0.1,)}, r"jitter.* is .*0\.1.*; accepted: .*Jitter"),
        ({"compute": "fast"}, "compute is 'fast'; accepted: Compute"),
    ],
)
def test_bad_values_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        begin(Problem(IMAGE), method=dataclasses.replace(METHOD, **changes), key=KEY)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda image: image[1:],
            r"the generator gives shape \(11, 15, 32\) for a seed .*accepted",
        ),
        (
            lambda image: image @ jnp.ones((9, 3)),
            r"the generator fails for a seed \(12, 15, 32\): ",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_named(network, message):
    class Wrong(nnx.Module):
        def __init__(self, seed_shape, image_shape, *, rngs):
            self.weight = Weight(jnp.ones(seed_shape[-1]))

        def __call__(self, seed):
            return network(seed * self.weight[...][None, None])

    method = dataclasses.replace(METHOD, generator=Wrong, trainable=(Seed, Weight))
    with pytest.raises(InputError, match=message):
        begin(Problem(IMAGE), method=method, key=KEY)
