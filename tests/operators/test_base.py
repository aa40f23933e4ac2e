import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import InputError
from drp_jax.operators import (
    Blur,
    Boundary,
    Composition,
    Downsample,
    Function,
    Identity,
    Mask,
    Resampling,
    adjoint,
    as_operator,
    back_projection,
    filled_back_projection,
    gain,
    is_seen,
)

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.uniform(0, 1, (3, 4)).astype(np.float32)  # neither symmetric nor square
MASK = RANDOM.random((12, 24, 1)) < 0.6
MASK_PER_CHANNEL = RANDOM.random((12, 24, 3)) < 0.6

LINEAR = {
    "identity": Identity(),
    "mask": Mask(MASK.astype(np.float32)),
    "mask per channel": Mask(MASK_PER_CHANNEL.astype(np.float32)),
    **{f"blur {boundary.name}": Blur(KERNEL, boundary=boundary) for boundary in Boundary},
    **{
        f"blur {boundary} off centre": Blur(KERNEL, centre=(2, 0), boundary=boundary)
        for boundary in (*Boundary, None)
    },
    **{
        f"downsample {factor} {resampling}": Downsample(factor, resampling)
        for factor in (2, 3, 4)
        for resampling in Resampling
    },
    "composition": Composition((Blur(KERNEL), Downsample(4))),
    "function": Function(lambda image: image[::-1] * 2),
}

IMAGE = jax.ShapeDtypeStruct((12, 24, 3), jnp.float32)
COMPLEX = jax.ShapeDtypeStruct((12, 24, 3), jnp.complex64)


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)


@pytest.fixture(scope="module", params=LINEAR.values(), ids=LINEAR)
def applied(request):
    """A linear operator, and what comes of it in one program."""
    operator = request.param
    image, constant = uniform(12, 24, 3, seed=1), np.full((12, 24, 3), 0.3, np.float32)
    observation = uniform(*jax.eval_shape(operator, image).shape, seed=2)

    @jax.jit
    def run(operator):
        return (
            operator(image),
            adjoint(operator, observation, IMAGE),
            back_projection(operator, operator(constant), IMAGE),
        )

    return operator, image, observation, *(np.asarray(one, np.float64) for one in run(operator))


def test_the_adjoint_is_the_transpose(applied):
    _, image, observation, predicted, transposed, _ = applied
    assert transposed.shape == image.shape
    forward, backward = np.vdot(predicted, observation), np.vdot(image, transposed)
    assert abs(forward - backward) / abs(forward) < 1e-5


def test_back_projection_recovers_a_constant_where_it_was_seen(applied):
    operator, _, _, _, _, image = applied
    if isinstance(operator, Blur):  # of which a corner past the edges may be next to unseen
        np.testing.assert_allclose(operator.observed_part(image), 0.3, rtol=1e-4)
        return
    seen = np.broadcast_to(getattr(operator, "mask", 1), image.shape) > 0
    np.testing.assert_allclose(image[seen], 0.3, rtol=1e-4)
    np.testing.assert_array_equal(image[~seen], 0)
    np.testing.assert_array_equal(is_seen(operator, IMAGE), seen)


def matrix(operator, image):
    """The dense matrix of an operator that is linear over complex numbers."""
    basis = np.eye(image.size, dtype=image.dtype).reshape(image.size, *image.shape)
    columns = [jax.tree.leaves(operator(jnp.asarray(one))) for one in basis]
    return np.stack([np.concatenate([np.ravel(leaf) for leaf in one]) for one in columns], axis=1)


def coils(image):
    """Some of two spectra, as a pytree."""
    spectrum = jnp.fft.fft2(image[..., 0])
    return {"rows": 1j * spectrum[:2], "rest": (2 - 1j) * spectrum[3:, :2]}


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_the_adjoint_of_complex_measurements_is_the_conjugate_transpose(dtype):
    """For a real image its real part."""
    image = np.zeros((4, 3, 1), dtype)
    measured = jax.tree.map(
        lambda one: (uniform(*one.shape) + 1j * uniform(*one.shape, seed=1)).astype(np.complex64),
        jax.eval_shape(coils, image),
    )
    found = adjoint(coils, measured, jax.ShapeDtypeStruct(image.shape, dtype))
    vector = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(measured)])
    expected = (matrix(coils, image).conj().T @ vector).reshape(image.shape)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected.real if dtype == np.float32 else expected, atol=1e-4)


@pytest.mark.parametrize("operator", [Function(jnp.sin), jnp.abs, lambda image: image**2])
def test_the_adjoint_of_a_nonlinear_function_is_refused(operator):
    with pytest.raises(
        InputError, match=r"the operator cannot be transposed .*; accepted: a linear"
    ):
        adjoint(operator, uniform(12, 24, 3), IMAGE)


@jax.custom_vjp
def tripled(image):
    """With a derivative of its own, and so without a transpose in JAX."""
    return 3 * image


tripled.defvjp(lambda image: (3 * image, None), lambda _, cotangent: (3 * cotangent,))


def test_functions_with_derivatives_of_their_own_have_an_adjoint_and_a_gain():
    def function(image):
        return 1j * jnp.where(image > -9, tripled(2 * image[::-1]), 1.0)

    with pytest.raises(
        InputError, match=r"the operator cannot be transposed .*; accepted: a linear"
    ):
        adjoint(function, 1j * uniform(12, 24, 3), IMAGE)
    observation = uniform(12, 24, 3)
    found = adjoint(lambda image: 1j * tripled(2 * image[::-1]), 1j * observation, IMAGE)
    np.testing.assert_allclose(found, 6 * observation[::-1], rtol=1e-6)
    np.testing.assert_allclose(gain(lambda image: tripled(2 * image), IMAGE), 6, rtol=1e-5)


@pytest.mark.parametrize("function", [lambda x: tripled(jnp.sin(x)), lambda x: tripled(x) * x])
def test_those_that_are_not_linear_are_refused(function):
    with pytest.raises(
        InputError, match=r"the operator cannot be transposed .*; accepted: a linear"
    ):
        adjoint(function, uniform(12, 24, 3), IMAGE)


def test_affine_functions_are_taken_without_their_constant():
    def affine(image):
        return 2 * image + jnp.arange(24.0)[None, :, None]

    image = uniform(12, 24, 3)
    np.testing.assert_allclose(adjoint(affine, image, IMAGE), 2 * image, rtol=1e-6)
    np.testing.assert_allclose(back_projection(affine, affine(image), IMAGE), image, atol=1e-5)
    assert is_seen(affine, IMAGE).all()
    np.testing.assert_allclose(gain(affine, IMAGE), 2, rtol=1e-5)


def test_back_projection_ignores_what_lies_in_the_holes():
    observation = np.where(MASK, np.float32(0.3), np.nan) * np.ones((1, 1, 3), np.float32)
    image = back_projection(Mask(MASK.astype(np.float32)), observation, IMAGE)
    np.testing.assert_allclose(image, np.where(MASK, 0.3, 0) * np.ones((1, 1, 3)), rtol=1e-6)


def test_filled_back_projection_has_no_gaps():
    mask = np.ones((12, 24, 1), np.float32)
    mask[4:7, 5:9] = 0
    plane = (np.arange(12)[:, None, None] * 0.02 + np.zeros((12, 24, 3))).astype(np.float32)
    filled = jax.jit(
        lambda y, image: filled_back_projection(Mask(mask), y, image), static_argnums=1
    )
    np.testing.assert_allclose(filled(mask * plane, IMAGE), plane, atol=2e-3)
    turned = plane * np.complex64(1 - 2j)
    np.testing.assert_allclose(filled(mask * turned, COMPLEX), turned, atol=4e-3)


def test_what_can_stand_for_an_operator():
    assert as_operator(None) == Identity()
    mask = Mask(np.ones((6, 5, 1)))
    assert as_operator(mask) is mask
    wrapped = as_operator(jnp.sin)
    assert isinstance(wrapped, Function)
    np.testing.assert_allclose(wrapped(jnp.full((1, 1, 1), 0.5)), math.sin(0.5), rtol=1e-6)
    with pytest.raises(InputError, match="operator is 3; accepted: a function"):
        as_operator(3)


def test_a_function_says_its_image_shape_or_keeps_that_of_an_image():
    observation = jax.ShapeDtypeStruct((6, 5, 3), jnp.float32)
    assert Function(jnp.sin).image_shape(observation) == (6, 5, 3)
    assert Function(jnp.sin).image_shape(jax.ShapeDtypeStruct((6, 5), jnp.float32)) is None
    assert Function(jnp.sin).image_shape({}) is None

    def cropped(image):
        return image[:6]

    cropped.image_shape = (8, 5, 3)
    assert Function(cropped).image_shape(observation) == (8, 5, 3)
    np.testing.assert_array_equal(Function(jnp.sin).known(jnp.ones(3)), jnp.ones(3))


def test_equal_functions_are_one_operator():
    def scaled(factor):
        return lambda image: factor * image

    assert as_operator(scaled(2)) == as_operator(scaled(2)) != as_operator(scaled(3))
