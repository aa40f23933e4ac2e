import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import Problem
from drp_jax.held_out import drawn, is_clearly_less, root_mean_square_error, squared_errors, without
from drp_jax.operators import Composition, Identity, MaskedFourier, Offset, Stack, adjoint

KEY = jax.random.key(0)
DRAW = np.random.default_rng(0)


def observed(values):
    """A problem with these measurements."""

    def operator(image):
        return jax.tree.map(lambda one: one * image.sum(), values)

    return Problem(values, operator, image_shape=(8, 8, 1))


def test_a_share_of_every_array_is_drawn_and_of_a_small_one_an_entry():
    masks = drawn(observed((DRAW.normal(size=(5, 7)), np.zeros(3))), 0.2, KEY)
    assert [one.shape for one in masks] == [(5, 7), (3,)]
    assert [float(one.sum()) for one in masks] == [7, 1]
    assert set(np.unique(masks[0])) == {0, 1}


def test_the_strongest_tenth_of_what_was_measured_is_not_drawn():
    values = np.zeros(400)
    values[::2] = DRAW.permutation(np.arange(1, 201)) * np.where(np.arange(200) % 3, 1, -1)
    for seed in range(5):
        mask = np.asarray(drawn(observed(values), 0.5, jax.random.key(seed)))
        assert mask.sum() == 100
        assert not mask[values == 0].any()
        assert not mask[np.abs(values) > 181].any()
        assert mask[(np.abs(values) > 150) & (np.abs(values) < 181)].any()


def test_measurements_of_one_strength_are_all_drawn_from():
    masks = [
        np.asarray(drawn(observed(np.ones(40)), 0.5, jax.random.key(seed))) for seed in range(9)
    ]
    assert np.sum(masks, axis=0).min() > 0


def test_what_all_coils_measure_at_one_place_is_drawn_together():
    mask = np.ones((16, 12), np.float32)
    mask[::2] = 0
    maps = np.ones((4, 16, 12), np.complex64) / 2
    operator = MaskedFourier(mask, maps)
    values = operator(DRAW.random((16, 12, 1)).astype(np.float32))
    offset = Offset(Composition((Identity(), operator)), 0.1)
    for one in (Problem(values, operator), Problem(values, offset, image_shape=(16, 12, 1))):
        held_out = np.asarray(drawn(one, 0.25, KEY))
        np.testing.assert_array_equal(held_out, np.broadcast_to(held_out[:1], (4, 16, 12)))
        assert held_out[0].sum() == 24
        assert not held_out[0][mask == 0].any()
    both = Stack((operator, MaskedFourier(mask)))
    several, single = drawn(Problem(both(np.ones((16, 12, 1), np.float32)), both), 0.25, KEY)
    assert several.shape == (4, 16, 12)
    assert single.shape == (16, 12)


def test_without_them_the_others_are_as_they_were():
    clean = DRAW.random((12, 10, 1)).astype(np.float32)
    rows = np.zeros((12, 1), np.float32)
    rows[::2] = 1
    operator = MaskedFourier(rows)
    problem = Problem(np.asarray(operator(clean)) + 0.1, operator)
    mask = drawn(problem, 0.3, KEY)
    rest = without(problem, mask)
    kept = np.asarray(mask) == 0
    for whole, left in (
        (problem.observation, rest.observation),
        (problem.operator(clean), rest.operator(clean)),
    ):
        np.testing.assert_array_equal(left[kept], whole[kept])
        assert not np.asarray(left)[~kept].any()
    # The adjoint is that of the operator and its transpose alike.
    values = (DRAW.normal(size=(12, 10)) + 1j * DRAW.normal(size=(12, 10))).astype(np.complex64)
    spread = adjoint(rest.operator, jnp.asarray(values), problem.image)
    inner = np.vdot(np.asarray(rest.operator(clean)), values).real
    np.testing.assert_allclose(np.vdot(clean, spread), inner, rtol=1e-4)


def test_the_error_is_of_what_was_held_out():
    observation = (jnp.array([3.0, 1.0]), jnp.array([4.0j, 100.0]))
    masks = (jnp.array([1.0, 0.0]), jnp.array([1.0, 0.0]))
    problem = Problem(
        observation,
        lambda image: (jnp.zeros(2) * image.sum(), jnp.zeros(2, jnp.complex64) * image.sum()),
        image_shape=(8, 8, 1),
    )
    squares = squared_errors(problem, masks, jnp.ones((8, 8, 1)))
    np.testing.assert_allclose(squares, [9.0, 0.0, 16.0, 0.0])


def test_the_mean_of_errors_is_over_what_was_held_out_of_all_arrays():
    values = DRAW.normal(size=(5, 7)), DRAW.normal(size=3) + 1j
    masks = (np.arange(35).reshape(5, 7) < 6).astype(float), np.array([0.0, 1.0, 1.0])
    zero = jnp.zeros((8, 8, 1))
    found = np.concatenate([values[0].ravel()[:6], values[1][1:]])
    expected = np.sqrt(np.mean(np.abs(found) ** 2))
    error = root_mean_square_error(observed(values), masks, zero)
    np.testing.assert_allclose(error, expected, rtol=1e-5)


def test_an_error_is_clearly_less_beyond_the_standard_error_of_the_difference():
    held_out = (jnp.array([1.0, 1.0, 0.0]), jnp.array([1.0, 1.0]))
    others = np.array([2.0, 5.0, 0.0, 3.0, 4.0], np.float32)
    for differences in (
        [1.0, 1.0, 0.0, 1.0, 1.0],
        [3.0, -2.0, 0.0, 3.0, 0.5],
        [3.0, -2.0, 0, 1, 0.5],
    ):
        own = np.delete(np.array(differences), 2)
        expected = own.mean() > own.std() / np.sqrt(4)
        errors = others - np.array(differences, np.float32)
        assert is_clearly_less(jnp.asarray(errors), jnp.asarray(others), held_out) == expected
    assert not is_clearly_less(jnp.asarray(others), jnp.asarray(others), held_out)
