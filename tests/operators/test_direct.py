"""Direct reconstructions against NumPy, SciPy's least squares and what is known of the image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError
from drp_jax.operators import (
    FanBeam,
    FourierMagnitude,
    Identity,
    Mask,
    MaskedFourier,
    Matrix,
    Radon,
    as_operator,
    direct_reconstruction,
    filled_back_projection,
    filtered_back_projection,
)

IMAGE = make_photograph(12, 10, 1)
SHAPE = jax.ShapeDtypeStruct(IMAGE.shape, jnp.float32)


def direct(operator, image=SHAPE):
    @jax.jit
    def measured_and_reconstructed(clean):
        return direct_reconstruction(operator, operator(clean), image)

    return np.asarray(measured_and_reconstructed(IMAGE))


def test_k_space_is_filled_with_zeros():
    mask = (np.arange(12) % 3 == 0)[:, None]
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(IMAGE[..., 0])))
    expected = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(mask * spectrum)))
    np.testing.assert_allclose(direct(MaskedFourier(mask))[..., 0], expected.real, atol=1e-5)
    complex_image = jax.ShapeDtypeStruct(IMAGE.shape, jnp.complex64)
    found = direct(MaskedFourier(mask), complex_image)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)


def test_coils_that_see_all_of_k_space_give_the_image():
    draw = np.random.default_rng(0)
    seen = draw.normal(size=(3, 12, 10)) + 1j * draw.normal(size=(3, 12, 10))
    found = direct(MaskedFourier(np.ones((12, 1)), seen.astype(np.complex64)))
    np.testing.assert_allclose(found, IMAGE, atol=1e-4)


def test_tomography_is_filtered():
    angles = np.arange(8) * np.pi / 8
    for beam in (
        Radon(angles, shape=(12, 10)),
        FanBeam(2 * angles, shape=(12, 10), source_distance=30, detector_distance=10),
    ):
        expected = jax.jit(lambda image, beam=beam: filtered_back_projection(beam, beam(image)))
        np.testing.assert_allclose(direct(beam), expected(IMAGE), atol=1e-6)


def test_a_matrix_gives_the_smallest_image_that_fits():
    matrix = np.random.default_rng(0).normal(size=(15, 120)).astype(np.float32)
    expected = np.linalg.lstsq(matrix, matrix @ IMAGE.ravel(), rcond=None)[0]
    np.testing.assert_allclose(direct(Matrix(matrix, (12, 10))).ravel(), expected, atol=1e-3)
    products = as_operator(lambda image: matrix @ image.ravel() + 3)
    np.testing.assert_allclose(direct(products).ravel(), expected, atol=1e-3)


def test_pictures_are_themselves_with_their_gaps_filled():
    np.testing.assert_allclose(direct(Identity()), IMAGE, atol=1e-6)
    mask = Mask(np.random.default_rng(0).random((12, 10, 1)) < 0.5)
    expected = jax.jit(lambda image: filled_back_projection(mask, mask(image), SHAPE))
    np.testing.assert_allclose(direct(mask), expected(IMAGE), atol=1e-6)


def test_what_is_not_linear_has_none():
    with pytest.raises(InputError, match="the operator cannot be transposed"):
        direct(FourierMagnitude())


def test_an_image_may_stand_for_its_shape_and_type():
    operator, image = MaskedFourier(np.ones((1, 6))), np.ones((4, 6, 1), np.float32)
    found = direct_reconstruction(operator, operator(image), image)
    np.testing.assert_allclose(found, image, atol=1e-5)
    with pytest.raises(InputError, match=r"image is .*; accepted: shape \(H, W, C\) and type, as"):
        direct_reconstruction(operator, operator(image), (4, 6))
