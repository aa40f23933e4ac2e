import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SMALL, compilations, make_photograph

from drp_jax import InputError, Problem, begin, restore, resume
from drp_jax.stopping import Plateau
from drp_jax.untrained import Objective, SelfTuned

KEY = jax.random.key(0)
NETWORK = SMALL.adjusted(iterations=5)
IMAGE = make_photograph(12, 10, 1)
TUNED = SelfTuned(NETWORK, weights=(0.1, 0.8, 0.2), search_iterations=3, projectors=1)


def transform(image):
    return jnp.fft.fft2(image[..., 0], norm="ortho")[::2]


PROBLEM = Problem(
    np.asarray(transform(jnp.asarray(IMAGE))), transform, image_shape=IMAGE.shape, reference=IMAGE
)


@functools.cache
def tuned(projectors=1):
    return restore(PROBLEM, key=KEY, method=dataclasses.replace(TUNED, projectors=projectors))


def test_the_search_goes_through_the_weights_and_the_fit_takes_the_best():
    result = tuned()
    assert result.iterations == 3 * 3 + 5
    history = result.history["weight"]
    np.testing.assert_allclose(history[:9], np.repeat([0.8, 0.2, 0.1], 3))
    errors = result.run.state.method.errors
    best = np.float32([0.8, 0.2, 0.1][int(np.argmin(errors))])
    np.testing.assert_array_equal(history[9:], np.full(5, best))


def test_every_weight_is_a_fit_to_what_was_kept():
    """The losses of the search are those of plain fits to a problem with zeros for what is out."""
    result = tuned()
    held_out = result.run.state.method.held_out
    assert held_out.sum() == round(0.06 * held_out.size)
    kept = jnp.asarray(1 - held_out)
    partial = Problem(
        kept * PROBLEM.observation,
        lambda image: kept * transform(image),
        image_shape=IMAGE.shape,
    )
    for number, weight in enumerate((0.8, 0.2, 0.1)):
        method = NETWORK.adjusted(regularizer_weight=weight, iterations=3)
        plain = restore(partial, key=KEY, method=method)
        # The operator's gain, by which residuals are divided, is that of all measurements.
        np.testing.assert_allclose(
            result.history["regularizer"][3 * number : 3 * number + 3],
            plain.history["regularizer"],
            rtol=0.05,
        )
        np.testing.assert_allclose(
            result.history["residual"][3 * number], plain.history["residual"][0], rtol=1e-3
        )


def test_the_error_is_that_of_the_average_image_on_what_was_kept_out():
    run = begin(PROBLEM, method=dataclasses.replace(TUNED, search_iterations=1), key=KEY)
    state = TUNED.init(PROBLEM, KEY)
    stage = run.method.stages(PROBLEM)[0]
    state = jax.jit(stage.step)(PROBLEM, state)
    image = jnp.clip(state.search.image, 0, 1)  # the average of one
    held_out = np.asarray(state.held_out)
    difference = held_out * (np.asarray(transform(image)) - PROBLEM.observation)
    units = state.search.units
    expected = np.sqrt(np.mean(np.abs(difference) ** 2)) / (units.gain * units.span)
    np.testing.assert_allclose(state.errors[0], expected, rtol=1e-4)
    assert np.isinf(state.errors[1:]).all()


def test_the_fit_is_that_of_the_network_alone_with_the_weight():
    result = tuned()
    weight = float(result.history["weight"][-1])
    plain = restore(PROBLEM, key=KEY, method=NETWORK.adjusted(regularizer_weight=weight))
    np.testing.assert_allclose(result.history["loss"][9:], plain.history["loss"], rtol=1e-4)
    np.testing.assert_allclose(result.image, plain.image, atol=1e-4)
    for ours, alone in zip(
        jax.tree.leaves(result.trees.frozen), jax.tree.leaves(plain.trees.frozen), strict=True
    ):
        np.testing.assert_array_equal(ours, alone)


def test_several_projectors_are_averaged_and_their_spread_is_the_uncertainty():
    result = tuned(3)
    images = np.asarray(result.run.state.method.fits.image)
    assert images.shape == (3, *IMAGE.shape)
    assert result.uncertainty.shape == IMAGE.shape[:2]
    np.testing.assert_allclose(result.uncertainty, images.std(0, ddof=1)[..., 0], atol=1e-6)
    np.testing.assert_allclose(result.image, images.mean(0), atol=1e-5)
    # The first of them is the one that there would be alone.
    np.testing.assert_allclose(images[0], tuned(1).image, atol=1e-4)
    assert tuned(1).uncertainty is None


def test_one_weight_is_no_search():
    method = TUNED.adjusted(regularizer_weight=0.3)
    result = restore(PROBLEM, key=KEY, method=method)
    plain = restore(PROBLEM, key=KEY, method=NETWORK.adjusted(regularizer_weight=0.3))
    assert result.iterations == 5
    np.testing.assert_allclose(result.image, plain.image, atol=1e-4)


def test_a_run_continued_in_its_search_is_the_same():
    method = dataclasses.replace(TUNED, projectors=1)
    first = restore(PROBLEM, key=KEY, method=method, callback=lambda progress: True)
    assert first.iterations == 1
    with pytest.raises(InputError, match="iterations is 7, and the search takes 9; accepted: from"):
        resume(first, iterations=7)
    whole = resume(first, iterations=14)
    np.testing.assert_array_equal(whole.image, tuned().image)
    np.testing.assert_array_equal(whole.history["weight"], tuned().history["weight"])


def test_other_weights_do_not_compile_and_a_batch_chooses_for_each():
    tuned()
    other = dataclasses.replace(TUNED, weights=(0.4, 0.05, 0.9))
    with compilations() as programs:
        restore(PROBLEM, key=KEY, method=other)
    assert not programs
    keys = jax.random.split(KEY, 2)
    batch = jax.jit(jax.vmap(lambda key: restore(PROBLEM, key=key, method=TUNED)))(keys)
    assert batch.image.shape == (2, *IMAGE.shape)
    for key, image in zip(keys, batch.image, strict=True):
        single = restore(PROBLEM, key=key, method=TUNED)
        np.testing.assert_allclose(image, single.image, atol=2e-3)


def test_values_that_are_not_finite_lose():
    """A weight whose image cannot be compared is not chosen."""
    errors = jnp.array([jnp.inf, 0.2, 0.3])
    state = dataclasses.replace(tuned().run.state.method, errors=errors)
    np.testing.assert_allclose(TUNED.weight(state), 0.2)


def test_adjusting_keeps_the_share_of_the_search():
    longer = TUNED.adjusted(iterations=10)
    assert (longer.search_iterations, longer.loop.iterations) == (6, 3 * 6 + 10)
    assert TUNED.adjusted(iterations=1).loop.iterations == 3 * 1 + 1
    assert TUNED.adjusted(iterations=5) == TUNED
    assert TUNED.adjusted(learning_rate=0.3).method.learning_rate == 0.3
    assert TUNED.adjusted(projectors=2).projectors == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfTuned("drp-dip"), "method is 'drp-dip'; accepted: an Untrained"),
        (lambda: SelfTuned(NETWORK, weights=()), r"weights is \(\); accepted: a tuple of numbers"),
        (lambda: SelfTuned(NETWORK, weights=(0.1, -1)), "regularizer weight is -1; accepted"),
        (lambda: SelfTuned(NETWORK, held_out=1.0), "held_out is 1.0; accepted: between 0 and 1"),
        (lambda: SelfTuned(NETWORK, search_iterations=0), "search_iterations is 0; accepted"),
        (lambda: SelfTuned(NETWORK, projectors=0), "projectors is 0; accepted"),
        (lambda: TUNED.adjusted(iterations=0), "iterations is 0; accepted"),
        (lambda: TUNED.adjusted(stopping=Plateau()), "stopping is .*takes none; accepted: iter"),
        (
            lambda: SelfTuned(NETWORK.adjusted(stopping=Plateau())),
            "a stopping rule would watch the search; accepted: none",
        ),
        (
            lambda: SelfTuned(
                dataclasses.replace(NETWORK, objective=Objective(regularizer=None, weight=0.0))
            ),
            "the objective has no regularizer, whose weight is to be found",
        ),
    ],
)
def test_what_it_cannot_take_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
