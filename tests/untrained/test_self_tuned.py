import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SMALL, compilations, make_photograph

from drp_jax import InputError, Problem, advance, begin, restore, resume
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


def test_the_search_tries_all_weights_and_the_fit_takes_the_best():
    result = tuned()
    assert result.iterations == 3 + 5
    history = result.history["weight"]
    np.testing.assert_allclose(history[:3], 0.2)  # the middle one is shown
    errors = result.run.state.method.errors
    best = np.float32([0.8, 0.2, 0.1][int(np.argmin(errors))])
    np.testing.assert_array_equal(history[3:], np.full(5, best))


def test_every_weight_is_a_fit_to_what_was_kept():
    """The images of the search are those of plain fits to a problem with zeros for what is out."""
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
        searched = jax.tree.map(lambda leaf, n=number: leaf[n], result.run.state.method.searches)
        np.testing.assert_allclose(jnp.clip(searched.image, 0, 1), plain.image, atol=1e-4)
        if weight == 0.2:
            for name in ("regularizer", "residual"):
                np.testing.assert_allclose(result.history[name][:3], plain.history[name], rtol=1e-3)


def test_the_error_is_that_of_the_average_image_on_what_was_kept_out():
    run = begin(PROBLEM, method=dataclasses.replace(TUNED, search_iterations=1), key=KEY)
    state = TUNED.init(PROBLEM, KEY)
    stage = run.method.stages(PROBLEM)[0]
    state = jax.jit(stage.step)(PROBLEM, state)
    held_out = np.asarray(state.held_out)
    units = state.fits.units
    for image, error in zip(state.searches.image, state.errors, strict=True):
        image = jnp.clip(image, 0, 1)  # the average of one
        difference = held_out * (np.asarray(transform(image)) - PROBLEM.observation)
        expected = np.sqrt(np.mean(np.abs(difference) ** 2)) / (units.gain[0] * units.span[0])
        np.testing.assert_allclose(error, expected, rtol=1e-4)


def test_no_error_is_known_before_the_search_has_ended():
    run = begin(PROBLEM, method=TUNED, key=KEY)
    for _ in range(2):
        assert np.isinf(run.state.method.errors).all()
        run, _ = advance(run, until=int(run.state.iteration) + 1)
    run, _ = advance(run, until=3)
    assert np.isfinite(run.state.method.errors).all()


def test_all_weights_as_one_batch_are_the_same(monkeypatch):
    def searched():
        step = jax.jit(lambda state: TUNED.stages(PROBLEM)[0].step(PROBLEM, state))
        state = TUNED.init(PROBLEM, KEY)
        for _ in range(3):
            state = step(state)
        return state

    in_turn = searched()
    monkeypatch.setattr("drp_jax.untrained.self_tuned.each", jax.vmap)  # as on accelerators
    at_once = searched()
    np.testing.assert_allclose(at_once.searches.image, in_turn.searches.image, atol=1e-3)
    np.testing.assert_allclose(at_once.errors, in_turn.errors, rtol=1e-2)


def test_the_fit_is_that_of_the_network_alone_with_the_weight():
    result = tuned()
    weight = float(result.history["weight"][-1])
    plain = restore(PROBLEM, key=KEY, method=NETWORK.adjusted(regularizer_weight=weight))
    np.testing.assert_allclose(result.history["loss"][3:], plain.history["loss"], rtol=1e-4)
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
    with pytest.raises(InputError, match="iterations is 2, and the search takes 3; accepted: from"):
        resume(first, iterations=2)
    whole = resume(first, iterations=8)
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
    assert (longer.search_iterations, longer.loop.iterations) == (6, 6 + 10)
    assert TUNED.adjusted(iterations=1).loop.iterations == 1 + 1
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
