import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import Problem
from drp_jax.operators import Blur, Composition, Downsample, Identity, Mask, as_operator, gain
from drp_jax.units import Units

RANDOM = np.random.default_rng(0)
REAL = jax.ShapeDtypeStruct((8, 8, 1), jnp.float32)
COMPLEX = jax.ShapeDtypeStruct((8, 8, 1), jnp.complex64)


def found(operator, image=REAL):
    return float(jax.jit(lambda: gain(as_operator(operator), image))())


def scaled_fourier(image):
    return 30 * jnp.fft.fft2(image[..., 0], norm="ortho")


def matrix_times(matrix):
    return lambda image: jnp.dot(matrix, image.ravel(), precision="highest")


@pytest.mark.parametrize("image", [REAL, COMPLEX])
def test_the_gain_of_a_scaled_orthonormal_transform_is_its_scale(image):
    np.testing.assert_allclose(found(scaled_fourier, image), 30, rtol=1e-4)
    # As much where it comes in pieces.
    halves = lambda image: jnp.split(scaled_fourier(image), 2)  # noqa: E731
    np.testing.assert_allclose(found(halves, image), 30, rtol=1e-4)


@pytest.mark.parametrize(("measurements", "dtype"), [(20, float), (64, float), (90, complex)])
def test_the_gain_of_a_matrix_is_its_greatest_singular_value(measurements, dtype):
    """Between root mean squares, which is times the root of pixels over measurements."""
    matrix = RANDOM.normal(size=(measurements, 64)) + (
        1j * RANDOM.normal(size=(measurements, 64)) if dtype is complex else 0
    )
    greatest = np.linalg.svd(matrix, compute_uv=False)[0] * np.sqrt(64 / measurements)
    kind = jnp.complex64 if dtype is complex else jnp.float32
    image = COMPLEX if dtype is complex else REAL
    estimate = found(matrix_times(jnp.asarray(matrix, kind)), image)
    np.testing.assert_allclose(estimate, greatest, rtol=0.02)


def test_the_gain_of_a_nonlinear_function_is_that_of_its_derivative_at_gray():
    np.testing.assert_allclose(found(lambda image: 4 * image**3), 4 * 3 * 0.5**2, rtol=1e-4)
    np.testing.assert_allclose(found(lambda image: jnp.exp(2 * image)), 2 * np.e, rtol=1e-4)


def test_the_gain_of_picture_operators_is_1():
    mask = Mask((RANDOM.random((8, 8, 1)) < 0.5).astype(np.float32))
    blur, smaller = Blur(jnp.ones((3, 3)) / 9), Downsample(2)
    for operator in (Identity(), mask, blur, smaller, Composition((blur, smaller))):
        assert gain(operator, REAL) == 1


def test_what_gives_nothing_has_gain_1():
    assert found(lambda image: 0 * image) == 1


def test_the_units_of_a_picture_are_its_range():
    problem = Problem(200 + 50 * RANDOM.random((8, 8, 1)), value_range=(200, 250))
    units = Units.of(problem)
    assert (units.low, units.span, units.gain) == (200, 50, 1)
    image = jnp.linspace(200, 250, 5)
    np.testing.assert_allclose(units.unit(image), [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    np.testing.assert_allclose(units.image(units.unit(image)), image, rtol=1e-6)
    np.testing.assert_allclose(units.measured({"counts": image})["counts"], image / 50)


def test_without_a_range_the_observation_says_how_large_the_image_is():
    image = RANDOM.normal(size=(8, 8, 1)) + 1j * RANDOM.normal(size=(8, 8, 1))
    problem = Problem(
        np.asarray(scaled_fourier(jnp.asarray(7 * image, jnp.complex64))),
        operator=scaled_fourier,
        image_shape=(8, 8, 1),
        complex_image=True,
    )
    units = Units.of(problem)
    assert units.low == 0
    np.testing.assert_allclose(units.gain, 30, rtol=1e-4)
    np.testing.assert_allclose(units.span, 7 * np.sqrt(np.mean(np.abs(image) ** 2)), rtol=1e-3)
    unit = units.measured(problem.observation)
    np.testing.assert_allclose(np.mean(np.abs(unit) ** 2), 1, rtol=1e-3)


def test_an_observation_of_nothing_has_span_1():
    units = Units.of(Problem(np.zeros((8, 8, 1)), value_range=None))
    assert units.span == 1


def test_the_range_of_a_complex_image_is_that_of_both_parts():
    problem = Problem(np.zeros((8, 8, 1), complex), complex_image=True, value_range=(-2, 3))
    units = Units.of(problem)
    np.testing.assert_allclose(units.image(jnp.array(0.2 + 0.4j)), -1 + 0j, atol=1e-6)
    np.testing.assert_allclose(units.unit(jnp.array(-1 + 0j)), 0.2 + 0.4j, atol=1e-6)
