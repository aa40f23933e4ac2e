import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import compilations, make_photograph
from flax import nnx

from drp_jax import InputError, Loop, Problem, Status, begin, preset, restore, resume
from drp_jax.metrics import psnr
from drp_jax.stopping import Discrepancy, ExponentialVariance
from drp_jax.untrained import NormAffine, Seed

KEY = jax.random.key(3)


def assert_close(one, other):
    for a, b in ((one.image, other.image), (one.history, other.history)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), a, b)
    assert one.iterations == other.iterations


def test_a_run_reduces_the_loss_and_reports_itself(small_method, photograph):
    result = restore(photograph, key=KEY, method=small_method)
    assert result.image.shape == photograph.shape
    assert result.image.dtype == jnp.float32
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert "psnr" not in result.history
    assert result.iterate == "last"
    assert result.iterations == result.image_iteration == 6
    assert result.status == Status.ITERATION_LIMIT
    assert result.message == "The run reached its iteration limit."


def test_it_denoises():
    """Noise is removed for real: closer to the clean image than the observation is."""
    clean = np.broadcast_to(np.linspace(0.2, 0.8, 24)[:, None, None], (24, 24, 3))
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    noisy = np.clip(clean + noise, 0, 1).astype(np.float32)
    method = preset("paper").adjusted(width=8, iterations=120)
    result = restore(noisy, key=KEY, method=method, reference=jnp.asarray(clean, jnp.float32))
    assert result.history["psnr"][-1] > psnr(noisy, clean.astype(np.float32)) + 4


def test_the_same_key_gives_the_same_result_and_another_does_not(small_method, photograph):
    first = restore(photograph, key=KEY, method=small_method)
    again = restore(photograph, key=KEY, method=small_method)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.history["loss"], again.history["loss"])
    other = restore(photograph, key=jax.random.key(4), method=small_method)
    assert np.abs(first.image - other.image).max() > 1e-3


@pytest.mark.parametrize(("callback", "height"), [(None, 13), (lambda _: None, 14)])
def test_a_second_call_does_not_compile_again(small_method, callback, height):
    lighter = small_method.adjusted(regularizer_weight=0.1)
    first, second = (make_photograph(height, 11, 3, seed=seed) for seed in (1, 2))
    other_key = jax.random.key(9)
    with compilations() as programs:
        restore(first, key=KEY, method=small_method, callback=callback)
    assert programs
    with compilations() as programs:
        restore(second, key=other_key, method=lighter, callback=callback)
    assert not programs


def test_a_callback_sees_progress_and_does_not_change_the_result(small_method, photograph):
    reports = []
    arguments = {"key": KEY, "method": small_method, "reference": photograph}
    watched = restore(photograph, callback=reports.append, **arguments)
    assert_close(watched, restore(photograph, **arguments))
    assert reports[0].iteration == 1
    assert reports[-1].iteration == reports[-1].iterations == 6
    last = reports[-1]
    np.testing.assert_allclose(last.measures["loss"], watched.history["loss"][-1])
    np.testing.assert_allclose(last.measures["psnr"], watched.history["psnr"][-1])
    np.testing.assert_array_equal(last.image, watched.image)


def test_a_callback_ends_the_run(small_method, photograph):
    result = restore(photograph, key=KEY, method=small_method, callback=lambda _: True)
    assert result.status == Status.INTERRUPTED
    assert result.iterations == 1
    assert result.image.min() > 0


def test_a_callback_at_the_end_does_not_hide_why_the_run_ended(small_method, photograph):
    result = restore(
        photograph,
        key=KEY,
        method=small_method,
        callback=lambda progress: progress.iteration == progress.iterations,
    )
    assert result.status == Status.ITERATION_LIMIT


def test_a_stopping_rule_returns_its_best_iterate(small_method, photograph):
    def stopped_by(rule):
        method = dataclasses.replace(small_method, loop=Loop(300, stopping=rule))
        return restore(photograph, key=KEY, method=method)

    result = stopped_by(ExponentialVariance(decay=0.5, patience=4))
    assert result.iterate == "best by the stopping rule"
    assert result.status == Status.STOPPED_BY_RULE
    assert result.iterations == result.image_iteration + 4 < 300
    assert np.isnan(result.history["loss"][result.iterations :]).all()

    residual = 0.2
    result = stopped_by(Discrepancy(residual))
    assert result.iterations == result.image_iteration < 300
    distance = np.sqrt(np.mean((np.asarray(result.image) - photograph) ** 2))
    assert 0.5 * residual < distance <= residual


def test_lbfgs_of_optax_minimises_too(small_method, photograph):
    method = dataclasses.replace(small_method, loop=Loop(8), optimizer=optax.lbfgs())
    loss = restore(photograph, key=KEY, method=method).history["loss"]
    assert loss[-1] < 0.8 * loss[0]
    assert (np.diff(loss) <= 1e-6).all()


def test_an_equal_optimiser_or_another_number_in_it_does_not_compile(small_method, photograph):
    def run(optimizer):
        method = dataclasses.replace(small_method, optimizer=optimizer)
        return restore(photograph, key=KEY, method=method).image

    run(optax.chain(optax.clip(1.0), optax.adam(0.1)))
    run(jax.tree_util.Partial(optax.adamw, weight_decay=0.1))
    with compilations() as programs:
        run(optax.chain(optax.clip(1.0), optax.adam(0.1)))
        run(jax.tree_util.Partial(optax.adamw, weight_decay=0.5))
    assert not programs


def test_the_learning_rate_may_be_a_schedule(small_method, photograph):
    """A rate that falls to zero after two steps leaves the outputs as they are."""

    def restored(rate):
        method = dataclasses.replace(small_method, loop=Loop(5), learning_rate=rate)
        return restore(photograph, key=KEY, method=method).history["loss"]

    constant = restored(0.1)
    falling = restored(optax.piecewise_constant_schedule(0.1, {2: 0.0}))
    np.testing.assert_allclose(falling[:3], constant[:3], rtol=1e-4)
    np.testing.assert_allclose(falling[3:], falling[2], rtol=1e-5)
    assert constant[-1] < falling[-1]


@dataclasses.dataclass(frozen=True)
class Guided:
    """A regularizer that holds an image: a plain dataclass."""

    guide: jax.Array

    def __call__(self, image):
        return jnp.mean(jnp.square(image - self.guide))


def test_another_guide_image_in_a_regularizer_does_not_compile(small_method, photograph):
    def run(value):
        objective = dataclasses.replace(
            small_method.objective, regularizer=Guided(jnp.full(photograph.shape, value))
        )
        method = dataclasses.replace(small_method, objective=objective)
        return restore(photograph, key=KEY, method=method).image

    dark = run(0.1)
    with compilations() as programs:
        bright = run(0.9)
    assert not programs
    assert dark.mean() < bright.mean()


def test_a_given_seed_is_used(small_method, photograph):
    seed = make_photograph(12, 15, 2, seed=5)
    result = restore(photograph, key=KEY, method=small_method.adjusted(seed=seed))
    other = restore(photograph, key=KEY, method=small_method.adjusted(seed=1 - seed))
    assert np.abs(result.image - other.image).max() > 1e-3
    with pytest.raises(InputError, match=r"seed has shape \(11, 15, 2\); accepted: .*\(12, 15\)"):
        restore(photograph, key=KEY, method=small_method.adjusted(seed=seed[1:]))


def test_a_plain_function_is_an_operator(small_method, photograph):
    mirrored = restore(
        photograph[:, ::-1].copy(), key=KEY, method=small_method, operator=lambda x: x[:, ::-1]
    )
    assert_close(mirrored, restore(photograph, key=KEY, method=small_method))


def test_the_weight_is_swept_by_vmap(small_method, photograph):
    weights = jnp.array([0.0, 2.0])

    def loss(weight):
        method = small_method.adjusted(regularizer_weight=weight)
        return restore(photograph, key=KEY, method=method).history["regularizer"][-1]

    rough, smooth = jax.vmap(loss)(weights)
    assert smooth < rough


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3), (8, 31, 4)])
def test_shapes_and_channel_counts(shape):
    image = jnp.asarray(make_photograph(*shape))
    assert (
        jax.eval_shape(lambda: restore(image, key=KEY, method=preset("paper"))).image.shape == shape
    )


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (np.zeros((16, 16, 3), np.uint8), r"observation has type uint8; accepted: float, values"),
        (np.zeros((16, 16)), r"observation has shape \(16, 16\); accepted: \(H, W, C\)"),
        (np.zeros((7, 16, 3)), r"image has shape \(7, 16, 3\); accepted: .* from 8 up"),
        (np.zeros((16, 16, 0)), r"observation has shape \(16, 16, 0\); accepted:"),
        (
            np.full((8, 8, 1), 255.0),
            r"values from 255 to 255; accepted: \[0, 1\], or a little more",
        ),
        (np.full((8, 8, 1), np.nan), "observation has NaN or infinity in"),
    ],
)
def test_bad_observations_are_named(observation, message):
    with pytest.raises(InputError, match=message):
        restore(observation, key=KEY)


def test_a_reference_of_another_shape_is_named(photograph):
    with pytest.raises(InputError, match=r"reference has shape \(12, 14, 3\); accepted: \(12, 15"):
        restore(photograph, key=KEY, reference=photograph[:, 1:])


def test_a_callback_under_a_transformation_is_refused(small_method, photograph):
    with pytest.raises(InputError, match=r"a callback cannot be called under jax\.jit"):
        jax.jit(lambda y: restore(y, key=KEY, method=small_method, callback=print))(photograph)


def test_the_trees_are_in_reach_before_during_and_after(small_method, photograph):
    run = begin(Problem(photograph), method=small_method, key=KEY)
    sizes = []
    result = restore(
        photograph,
        key=KEY,
        method=small_method,
        callback=lambda progress: sizes.append(progress.run.trees.summary()),
    )
    before, after = run.trees, result.trees
    assert before.summary() == sizes[0] == after.summary()
    # Adam keeps two values for each that trains, and a count.
    assert after.summary().optimizer.values == 2 * after.summary().trained.values + 1
    assert after.summary().trained.bytes == 4 * after.summary().trained.values
    jax.tree.map(np.testing.assert_array_equal, before.frozen, after.frozen)
    moved = [
        np.abs(a - b).max() > 0
        for a, b in zip(*map(jax.tree.leaves, (before.trained, after.trained)), strict=True)
    ]
    assert any(moved)
    kinds = {type(variable) for _, variable in nnx.to_flat_state(after.trained)}
    assert kinds == {Seed, NormAffine}
    assert after.model()().shape == photograph.shape
    assert str(after.summary()).splitlines()[1].startswith("frozen")


def test_resume_refuses_what_it_cannot_do(small_method, photograph):
    result = restore(photograph, key=KEY, method=small_method)
    with pytest.raises(InputError, match="iterations is 5; accepted: whole numbers from 6"):
        resume(result, iterations=5)
    done = restore(make_photograph(16, 16, 1), key=KEY, method=preset("fast"))
    with pytest.raises(InputError, match="this run of method non-local has 2 steps; accepted: 2"):
        resume(done, iterations=9)


def test_a_run_without_a_finite_image_says_so(small_method, photograph):
    """Also with the RMSE, whose root is guarded."""
    result = restore(
        photograph, key=KEY, method=small_method, operator=lambda image: image / (image - image)
    )
    assert result.status == Status.NON_FINITE
    assert result.image_iteration == 0
    assert result.message == (
        "Values became non-finite; the image is the last finite one. "
        "A smaller learning rate or regularizer weight may help."
    )
