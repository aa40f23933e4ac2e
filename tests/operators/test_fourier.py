import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import Gaussian, InputError, Problem
from drp_jax.operators import FourierMagnitude, MaskedFourier, back_projection, from_fft2

RANDOM = np.random.default_rng(0)
MASK = RANDOM.random((9, 14)) < 0.5
COLUMNS = RANDOM.random((1, 14)) < 0.5
SHAPE = jax.ShapeDtypeStruct((9, 14), jnp.complex64)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def complex_normal(*shape):
    return (normal(*shape) + 1j * normal(*shape)).astype(np.complex64)


COILS = complex_normal(3, 9, 14)


def spectrum(image):
    """The definition, in matrices: both indices are counted from N // 2."""

    def transform(size):
        index = np.arange(size) - size // 2
        return np.exp(-2j * np.pi * np.outer(index, index) / size) / np.sqrt(size)

    return transform(image.shape[-2]) @ image @ transform(image.shape[-1])


@pytest.mark.parametrize("shape", [(8, 14), (9, 14), (3, 7, 5)])
def test_what_numpy_gives_becomes_centred_and_orthonormal(shape):
    images = complex_normal(*shape)
    np.testing.assert_allclose(from_fft2(np.fft.fft2(images)), spectrum(images), atol=1e-4)


def test_entries_without_a_sample_stay_zero():
    converted = from_fft2(np.where(MASK, complex_normal(9, 14), 0))
    np.testing.assert_array_equal(np.asarray(converted) != 0, np.fft.fftshift(MASK))


def test_images_without_channels_are_refused():
    with pytest.raises(InputError, match=r"image has shape \(9, 14\); accepted: \(H, W, 1\)"):
        MaskedFourier(MASK)(normal(9, 14))


@pytest.mark.parametrize("image", [normal(9, 14, 1), complex_normal(8, 5, 1), normal(1, 6, 1)])
def test_it_is_the_centred_orthonormal_transform(image):
    measured = MaskedFourier(np.ones((1, image.shape[1])))(image)
    np.testing.assert_allclose(measured, spectrum(image[..., 0]), atol=1e-5)
    library = np.fft.fft2(np.fft.ifftshift(image[..., 0]), norm="ortho")
    np.testing.assert_allclose(measured, np.fft.fftshift(library), atol=1e-5)


@pytest.mark.parametrize("mask", [MASK, MASK.astype(np.float32), COLUMNS, COLUMNS[:, :1] | True])
def test_what_was_not_sampled_is_zero(mask):
    image = complex_normal(9, 14, 1)
    np.testing.assert_allclose(
        MaskedFourier(mask)(image), mask * spectrum(image[..., 0]), atol=1e-5
    )


def test_each_coil_sees_the_image_by_its_sensitivity():
    image = complex_normal(9, 14, 1)
    expected = np.stack([COLUMNS * spectrum(one * image[..., 0]) for one in COILS])
    np.testing.assert_allclose(MaskedFourier(COLUMNS, COILS)(image), expected, atol=1e-5)


@pytest.mark.parametrize("sensitivities", [None, COILS])
def test_what_lies_where_nothing_was_sampled_is_not_looked_at(sensitivities):
    operator = MaskedFourier(MASK, sensitivities)
    measured = operator(normal(9, 14, 1))
    spoiled = jnp.where(jnp.broadcast_to(MASK, measured.shape), measured, jnp.nan)
    np.testing.assert_array_equal(operator.known(spoiled), measured)
    problem = Problem(np.asarray(spoiled), operator, Gaussian(0.1))
    np.testing.assert_array_equal(problem.observation, measured)
    assert problem.image_shape == (9, 14, 1)


def test_back_projection_of_several_coils_undoes_their_sensitivities():
    image = complex_normal(9, 14, 1)
    operator = MaskedFourier(np.ones((9, 1), bool), COILS)
    found = back_projection(
        operator, operator(image), jax.ShapeDtypeStruct(image.shape, image.dtype)
    )
    np.testing.assert_allclose(found, image, atol=1e-4)


def test_masks_and_sensitivities_are_swept_over():
    image, masks = normal(9, 14, 1), np.stack([COLUMNS, ~COLUMNS])
    sweep = jax.jit(jax.vmap(lambda mask: MaskedFourier(mask, COILS)(image)))(masks)
    for mask, measured in zip(masks, sweep, strict=True):
        np.testing.assert_allclose(measured, MaskedFourier(mask, COILS)(image), atol=1e-5)


@pytest.mark.parametrize("oversampling", [1, 2, 3])
def test_magnitudes_of_the_padded_image(oversampling):
    image = complex_normal(5, 6, 1)
    rows, columns = 5 * oversampling, 6 * oversampling
    measured = FourierMagnitude(oversampling=oversampling)(image)
    expected = np.fft.fftshift(np.abs(np.fft.fft2(image[..., 0], (rows, columns), norm="ortho")))
    np.testing.assert_allclose(measured, expected, atol=1e-5)
    assert FourierMagnitude(oversampling=oversampling).image_shape(measured) == (5, 6, 1)


def test_magnitudes_of_coded_copies():
    image, masks = normal(5, 6, 1), complex_normal(3, 5, 6)
    operator = FourierMagnitude(masks)
    coded = np.fft.fft2(masks * image[..., 0], (10, 12), norm="ortho")
    expected = np.fft.fftshift(np.abs(coded), (1, 2))
    np.testing.assert_allclose(operator(image), expected, atol=1e-5)
    assert operator.image_shape(expected) == (5, 6, 1)


def test_magnitudes_do_not_know_turns_and_phases():
    image, operator = complex_normal(5, 6, 1), FourierMagnitude()
    for same in (image * 1j, image[::-1, ::-1].conj()):
        np.testing.assert_allclose(operator(same), operator(image), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_the_gradient_is_finite_where_a_magnitude_is_zero(dtype):
    def energy(image):
        return jnp.sum(jnp.square(FourierMagnitude()(image) - 1.0))

    gradient = jax.jit(jax.grad(energy))
    black, flat = np.zeros((4, 4, 1), dtype), np.ones((4, 4, 1), dtype)
    assert jnp.isfinite(gradient(black)).all()
    assert jnp.isfinite(gradient(flat)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaskedFourier([1, 0]), r"k-space mask is \[1, 0\]; accepted: an array"),
        (lambda: MaskedFourier(0 * MASK), "k-space mask is 0 everywhere; accepted: some entries 1"),
        (lambda: MaskedFourier(0.5 * MASK), "k-space mask has values beside 0 and 1 "),
        (lambda: MaskedFourier(MASK * np.nan), "k-space mask has values beside 0 and 1 "),
        (lambda: MaskedFourier(MASK, 3), r"sensitivities is 3; accepted: an array \[coils, H, W\]"),
        (lambda: MaskedFourier(MASK, COILS * np.nan), "sensitivities has NaN or infinity in"),
        (lambda: MaskedFourier(MASK, COILS > 0), "sensitivities have type bool; accepted: an arr"),
        (
            lambda: MaskedFourier(MASK.T).image_shape(SHAPE),
            r"k-space mask has shape \(14, 9\); accepted: \(9, 14\), \(1, 14\) or \(9, 1\), for "
            r"the observation \(9, 14\)",
        ),
        (
            lambda: MaskedFourier(MASK, COILS).image_shape(SHAPE),
            r"observation is .*; accepted: a complex array \[coils, H, W\]",
        ),
        (
            lambda: MaskedFourier(MASK).image_shape(COILS),
            r"observation is .*; accepted: a complex array \[H, W\]",
        ),
        (
            lambda: MaskedFourier(MASK, COILS[:2]).image_shape(COILS),
            r"sensitivities have shape \(2, 9, 14\); accepted: \(3, 9, 14\), the observation's",
        ),
        (
            lambda: FourierMagnitude(oversampling=0),
            "oversampling is 0; accepted: whole numbers from",
        ),
        (
            lambda: FourierMagnitude([1.0]),
            r"coding masks is \[1.0\]; accepted: an array \[K, H, W\]",
        ),
        (lambda: FourierMagnitude(COILS * np.nan), "coding masks has NaN or infinity in"),
        (
            lambda: FourierMagnitude().image_shape(np.zeros((9, 14))),
            r"observation has shape \(9, 14\); accepted: rows and columns that are multiples of",
        ),
        (
            lambda: FourierMagnitude().image_shape(COILS),
            r"observation is .*; accepted: a real array \[rows, columns\]",
        ),
        (
            lambda: FourierMagnitude(COILS).image_shape(np.zeros((3, 10, 14))),
            r"coding masks have shape \(3, 9, 14\); accepted: \(3, 5, 7\), for the observation",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
