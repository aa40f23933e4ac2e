import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from jax.experimental.sparse import BCOO

from drp_jax import Gaussian, InputError, Problem
from drp_jax.operators import Matrix, Radon, adjoint, back_projection, from_scico

RANDOM = np.random.default_rng(0)
DENSE = RANDOM.normal(size=(20, 8 * 9 * 2)).astype(np.float32)
IMAGE = RANDOM.normal(size=(8, 9, 2)).astype(np.float32)
SHAPE = jax.ShapeDtypeStruct(IMAGE.shape, jnp.float32)


def test_the_image_is_a_vector_row_by_row():
    expected = np.einsum("mhwc,hwc->m", DENSE.reshape(20, 8, 9, 2), IMAGE)
    operator = Matrix(DENSE, (8, 9, 2))
    np.testing.assert_allclose(operator(IMAGE), expected, rtol=1e-4)
    problem = Problem(expected, operator, Gaussian(0.1))
    assert problem.image_shape == (8, 9, 2)
    gray = Matrix(DENSE, (8, 18))
    np.testing.assert_allclose(gray(IMAGE.reshape(8, 18, 1)), expected, rtol=1e-4)
    assert gray.image_shape(expected) == (8, 18, 1)


def test_a_sparse_matrix_equals_scipy():
    sparse = scipy.sparse.random_array((20, 144), density=0.1, rng=RANDOM).astype(np.float32)
    operator = Matrix(BCOO.from_scipy_sparse(sparse), (8, 9, 2))
    measured = RANDOM.normal(size=20).astype(np.float32)

    @jax.jit
    def run(operator):
        return operator(IMAGE), adjoint(operator, measured, SHAPE)

    forward, backward = run(operator)
    np.testing.assert_allclose(forward, sparse @ IMAGE.ravel(), atol=1e-5)
    np.testing.assert_allclose(backward.ravel(), sparse.T @ measured, atol=1e-5)
    assert operator.image_shape(forward) == (8, 9, 2)


def test_matrices_are_swept_over():
    batch = np.stack([DENSE, -2 * DENSE])
    measured = jax.jit(jax.vmap(lambda matrix: Matrix(matrix, (8, 9, 2))(IMAGE)))(batch)
    np.testing.assert_allclose(measured[1], -2 * measured[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Matrix([[1.0]], (1, 1)), r"matrix is \[\[1.0\]\]; accepted: an array"),
        (lambda: Matrix(DENSE, 144), r"shape is 144; accepted: \(H, W, C\) or \(H, W\)"),
        (lambda: Matrix(DENSE, (8, 9.0, 2)), r"shape is \(8, 9.0, 2\); accepted: \(H, W, C\)"),
        (
            lambda: Matrix(DENSE, (8, 9)),
            r"matrix has shape \(20, 144\); accepted: \(M, 72\), for an image \(8, 9, 1\)",
        ),
        (lambda: Matrix(DENSE > 0, (8, 9, 2)), "matrix has type bool; accepted: numbers"),
        (lambda: Matrix(DENSE * np.nan, (8, 9, 2)), "matrix has NaN or infinity in"),
        (
            lambda: Matrix(BCOO.fromdense(DENSE) * np.inf, (8, 9, 2)),
            "matrix has NaN or infinity in",
        ),
        (
            lambda: Matrix(DENSE, (8, 9, 2)).image_shape(np.zeros(21)),
            r"observation has shape \(21,\); accepted: \(20,\), one number per row",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """A stand-in for a linear operator of SCICO: some weighted Fourier coefficients."""

    weights: jax.Array
    input_shape: tuple[int, ...]

    def __call__(self, image):
        return self.weights * jnp.fft.fft2(image, axes=(0, 1))

    def adj(self, observation):
        size = self.input_shape[0] * self.input_shape[1]
        return jnp.fft.ifft2(jnp.conj(self.weights) * observation, axes=(0, 1)) * size


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 2)])
def test_an_operator_of_scico(shape):
    given = Spectrum(jnp.asarray(RANDOM.normal(size=shape) + 1j), shape)
    operator = from_scico(given)
    image = IMAGE[..., : (1 if len(shape) == 2 else 2)]
    measured = operator(image)
    np.testing.assert_allclose(measured, given(image.reshape(shape)), atol=1e-4)
    assert Problem(measured, operator, Gaussian(0.1)).image_shape == image.shape
    for dtype, part in ((np.complex64, np.asarray), (np.float32, np.real)):
        found = adjoint(operator, measured, jax.ShapeDtypeStruct(image.shape, dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, part(given.adj(measured)).reshape(image.shape), atol=1e-2)
    rough = back_projection(operator, measured, jax.ShapeDtypeStruct(image.shape, np.complex64))
    assert rough.shape == image.shape


def test_an_operator_of_scico_keeps_its_own_adjoint_and_checks_its_output():
    class Doubled:
        input_shape, output_shape = (4, 5), (20,)

        def __call__(self, image):
            return 2 * image.ravel()

        def adj(self, observation):
            return 3 * observation.reshape(4, 5)  # which is wrong, and so tells that it was asked

    operator = from_scico(Doubled())
    found = adjoint(operator, jnp.ones(20), jax.ShapeDtypeStruct((4, 5, 1), jnp.float32))
    np.testing.assert_array_equal(found, 3)
    with pytest.raises(InputError, match=r"observation has shape \(19,\); accepted: \(20,\), the"):
        operator.image_shape(np.zeros(19))


@pytest.mark.parametrize("given", [3, jnp.sin, Radon(np.zeros(1), (8, 8))])
def test_what_has_no_such_interface_is_refused(given):
    with pytest.raises(InputError, match=r"operator is .*; accepted: a linear operator with input"):
        from_scico(given)
