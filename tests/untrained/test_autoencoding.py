"""Networks whose input is an image: their objective, and how the input moves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import make_photograph
from flax import nnx

from drp_jax import InputError, Loop, Problem, advance, begin, restore
from drp_jax.operators import Mask, filled_back_projection
from drp_jax.untrained import (
    AutoencodingSequential,
    DeepDecoderConfig,
    FixedSeed,
    HourglassConfig,
    NormAffine,
    NormalSeed,
    Objective,
    Seed,
    SelfGuided,
    Weight,
    anisotropic_tv,
    mse,
)
from drp_jax.untrained.partition import seed_of, with_seed

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 10, 2)
KNOWN = (np.random.default_rng(0).random((12, 10, 1)) < 0.6).astype(np.float32)
PROBLEM = Problem(KNOWN * IMAGE, Mask(jnp.asarray(KNOWN)), reference=IMAGE)
RATE, SEED_RATE, WEIGHT = 0.02, 0.05, 0.5


class Network(nnx.Module):
    """A small generator without normalisation."""

    def __init__(self, seed_shape, image_shape, *, rngs):
        self.first = nnx.Conv(seed_shape[2], 4, (3, 3), rngs=rngs)
        self.second = nnx.Linear(4, image_shape[2], rngs=rngs)

    def __call__(self, seed):
        return self.second(nnx.tanh(self.first(seed)))


ABOUT = {
    "objective": Objective(mse, anisotropic_tv, 0.3),
    "learning_rate": RATE,
    "loop": Loop(6),
    "autoencoding_weight": WEIGHT,
}
GUIDED = SelfGuided(Network, seed_learning_rate=SEED_RATE, noise=0.0, draws=2, **ABOUT)
SEQUENTIAL = AutoencodingSequential(Network, inner_steps=2, **ABOUT)


def after(method, iterations, problem=PROBLEM):
    """The run after so many iterations, and its history."""
    run, history = advance(begin(problem, method=method, key=KEY), until=iterations)
    return run, {name: values[:iterations] for name, values in history.items()}


def seed_in(run):
    trained = seed_of(run.trees.trained)
    return seed_of(run.trees.frozen) if trained is None else trained


@jax.jit
def by_hand(trees, trained, seed):
    """The image, the loss and the loss's gradients, from the formula."""

    def loss(trained, seed):
        where = (with_seed(tree, seed) for tree in (trained, trees.frozen))
        image = jax.nn.sigmoid(nnx.merge(trees.structure, *where)())
        fidelity = jnp.mean((KNOWN * image - PROBLEM.observation) ** 2)
        distance = jnp.mean((image - seed) ** 2)
        value = fidelity + 0.3 * anisotropic_tv(image) + WEIGHT * distance
        return value, (image, fidelity, distance)

    return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(trained, seed)


@pytest.mark.parametrize("method", [GUIDED, SEQUENTIAL], ids=["self-guided", "sequential"])
def test_the_input_starts_at_the_back_projection_and_the_loss_is_the_formula(method):
    run, history = after(method, 1)
    start = begin(PROBLEM, method=method, key=KEY)
    seed = filled_back_projection(PROBLEM.operator, PROBLEM.observation, PROBLEM.image)
    np.testing.assert_allclose(seed_in(start), seed, atol=1e-6)
    (loss, (image, fidelity, distance)), _ = by_hand(start.trees, start.trees.trained, seed)
    np.testing.assert_allclose(run.image, image, atol=1e-5)
    np.testing.assert_allclose(history["fidelity"][0], fidelity, rtol=1e-4)
    np.testing.assert_allclose(history["autoencoding"][0], distance, rtol=1e-4)
    np.testing.assert_allclose(history["loss"][0], loss, rtol=1e-4)


def test_the_guiding_input_takes_steps_of_an_adam_of_its_own():
    start = begin(PROBLEM, method=GUIDED, key=KEY)
    trees, trained, seed = start.trees, start.trees.trained, seed_in(start)
    adams = optax.adam(RATE), optax.adam(SEED_RATE)
    moments = [adam.init(tree) for adam, tree in zip(adams, (trained, seed), strict=True)]
    for _ in range(3):
        _, gradients = by_hand(trees, trained, seed)
        updates, moments = zip(
            *(a.update(g, m) for a, g, m in zip(adams, gradients, moments, strict=True)),
            strict=True,
        )
        trained, seed = optax.apply_updates((trained, seed), updates)
    run, _ = after(GUIDED, 3)
    np.testing.assert_allclose(seed_in(run), seed, atol=1e-5)
    np.testing.assert_allclose(
        run.trees.trained["generator"]["second"]["kernel"][...],
        trained["generator"]["second"]["kernel"][...],
        atol=1e-5,
    )


def test_the_image_is_a_mean_over_noise_of_the_inputs_size():
    run, _ = after(dataclasses.replace(GUIDED, noise=0.5, draws=32), 1)
    start = begin(PROBLEM, method=GUIDED, key=KEY)
    seed = seed_in(start)
    # The noise is not centred: its mean is half of its greatest value.
    inputs = (seed, seed + 0.25 * jnp.max(jnp.abs(seed)))
    plain, shifted = (by_hand(start.trees, start.trees.trained, one)[0][1][0] for one in inputs)
    assert np.abs(run.image - shifted).mean() < 0.3 * np.abs(run.image - plain).mean()


def test_the_output_becomes_the_input_after_every_second_step():
    inputs, outputs = [seed_in(begin(PROBLEM, method=SEQUENTIAL, key=KEY))], []
    for count in range(1, 5):
        run, _ = after(SEQUENTIAL, count)
        inputs.append(seed_in(run))
        outputs.append(run.image)
    np.testing.assert_array_equal(inputs[1], inputs[0])
    np.testing.assert_allclose(inputs[2], outputs[1], atol=1e-6)
    np.testing.assert_array_equal(inputs[3], inputs[2])
    np.testing.assert_allclose(inputs[4], outputs[3], atol=1e-6)
    assert np.abs(inputs[4] - inputs[2]).max() > 1e-3


@pytest.mark.parametrize("method", [GUIDED, SEQUENTIAL], ids=["self-guided", "sequential"])
def test_a_complex_image_is_found_in_any_units(method):
    waves = np.exp(1j * np.linspace(0, 2, 10))[None, :, None]
    signal = (50 * IMAGE * waves).astype(np.complex64)
    about = {"operator": sampled_fourier, "image_shape": signal.shape, "complex_image": True}
    problem = Problem(np.asarray(sampled_fourier(signal)), **about)
    method = method.adjusted(iterations=80)
    run, history = after(method, 80, problem)
    assert seed_in(run).shape == (12, 10, 4)
    assert run.image.dtype == jnp.complex64
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    np.testing.assert_allclose(np.abs(run.image - signal).mean(), 0, atol=0.6 * 50)
    if method.name == "aseqdip":
        output = run.image / run.state.method.units.span
        expected = np.concatenate([output.real, output.imag], axis=-1)
        np.testing.assert_allclose(seed_in(run), expected, atol=1e-5)


def sampled_fourier(image):
    """Two of three rows of k-space."""
    rows = jnp.asarray([row for row in range(12) if row % 3])
    return jnp.fft.fft2(image, axes=(0, 1), norm="ortho")[rows]


@pytest.mark.parametrize("method", [GUIDED, SEQUENTIAL], ids=["self-guided", "sequential"])
def test_a_batch_over_weights_and_rates_equals_single_runs(method):
    def run(number):
        changed = method.adjusted(autoencoding_weight=number, learning_rate=0.1 * number)
        if isinstance(changed, SelfGuided):
            changed = changed.adjusted(seed_learning_rate=0.1 * number)
        return restore(PROBLEM, key=KEY, method=changed).image

    batch = jax.jit(jax.vmap(run))(jnp.array([0.2, 0.7], jnp.float32))
    for index, number in enumerate((0.2, 0.7)):
        np.testing.assert_allclose(batch[index], run(number), atol=1e-3)


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        (GUIDED, {"autoencoding_weight": -1}, "autoencoding weight is -1; accepted: from 0 to"),
        (GUIDED, {"draws": 0}, "draws is 0; accepted: whole numbers from 1 to 1000"),
        (GUIDED, {"noise": -0.1}, r"noise is -0\.1; accepted: from 0 up"),
        (GUIDED, {"seed_learning_rate": 0}, "learning rate is 0; accepted: above 0"),
        (SEQUENTIAL, {"inner_steps": 0}, "inner_steps is 0; accepted: whole numbers from 1"),
        (SEQUENTIAL, {"seed": 3}, "seed is 3; accepted: NormalSeed"),
    ],
)
def test_wrong_values_are_named(method, changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(method, **changes)


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        (GUIDED, {"trainable": (Weight, NormAffine)}, "the seed does not train, and it is what gu"),
        (SEQUENTIAL, {"trainable": (Weight, Seed)}, "the seed trains, and the output is to take"),
        (GUIDED, {"seed": NormalSeed(3)}, r"seed has shape \(12, 10, 3\); accepted: \(12, 10, 2\)"),
        (SEQUENTIAL, {"seed": FixedSeed(IMAGE[..., :1])}, r"seed has shape \(12, 10, 1\); accept"),
        (
            SEQUENTIAL,
            {"generator": DeepDecoderConfig(width=4, upsamplings=1)},
            r"seed has shape \(6, 5, 2\); accepted: \(12, 10, 2\), the image's",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_named(method, changes, message):
    with pytest.raises(InputError, match=message):
        begin(PROBLEM, method=dataclasses.replace(method, **changes), key=KEY)


def test_an_hourglass_is_adjusted_as_ever():
    method = SelfGuided(HourglassConfig()).adjusted(width=6, iterations=9, precision="bfloat16")
    assert method.generator.widths_up == (6,) * 5
    assert method.loop.iterations == 9
