import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax.untrained.generators import layers


def reflect_convolve(image, kernel, stride):
    """The same convolution in NumPy float64, by its definition."""
    size = kernel.shape[0]
    margin = size // 2
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    return np.einsum("hwcij,ijco->hwo", windows[::stride, ::stride], kernel)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("filter_size", [1, 3, 5])
def test_convolution_equals_its_definition(filter_size, stride):
    conv = layers.Conv(3, 4, filter_size=filter_size, stride=stride, rngs=nnx.Rngs(0))
    image = np.random.default_rng(0).normal(size=(9, 12, 3)).astype(np.float32)
    kernel, bias = np.asarray(conv.kernel[...]), np.asarray(conv.bias[...])
    expected = reflect_convolve(image, kernel, stride) + bias
    np.testing.assert_allclose(conv(jnp.asarray(image)), expected, atol=1e-5)


def test_convolution_of_several_images_is_that_of_their_concatenation():
    conv = layers.Conv(7, 4, filter_size=3, rngs=nnx.Rngs(0))
    image = jax.random.normal(jax.random.key(1), (8, 9, 7))
    several = conv(image[..., :4], image[..., 4:5], image[..., 5:])
    np.testing.assert_allclose(several, conv(image), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (9, 12)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("filter_size", [3, 5])
def test_convolution_gradients_equal_those_of_the_plain_form(filter_size, stride, size):
    """The gradients are written by hand; JAX's own of a plain convolution are the judge."""
    image = jax.random.normal(jax.random.key(0), (*size, 2))
    kernel = jax.random.normal(jax.random.key(1), (filter_size, filter_size, 2, 3))

    def plain(image, kernel):
        return jax.lax.conv_general_dilated(
            image[None],
            kernel,
            (stride, stride),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0]

    def ours(image, kernel):
        return layers._convolve_valid(image, kernel, stride)

    expected, pullback = jax.vjp(plain, image, kernel)
    output, ours_pullback = jax.vjp(ours, image, kernel)
    np.testing.assert_allclose(output, expected, atol=1e-5)
    cotangent = jax.random.normal(jax.random.key(2), expected.shape)
    for gradient, judge in zip(ours_pullback(cotangent), pullback(cotangent), strict=True):
        np.testing.assert_allclose(gradient, judge, atol=1e-4)


def test_initialisation_is_uniform_within_the_bound_of_the_fan_in():
    conv = layers.Conv(16, 64, filter_size=3, rngs=nnx.Rngs(0))
    bound = 1 / np.sqrt(16 * 9)
    for variable in (conv.kernel, conv.bias):
        values = np.asarray(variable[...])
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.9 * bound
    deviation = np.asarray(conv.kernel[...]).std()
    np.testing.assert_allclose(deviation, bound / np.sqrt(3), rtol=0.02)


def test_norm_gives_each_channel_mean_zero_and_variance_one():
    image = 5 + 3 * jax.random.normal(jax.random.key(0), (20, 30, 4))
    normed = np.asarray(layers.ImageNorm(4)(image))
    np.testing.assert_allclose(normed.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(normed.var((0, 1)), 1, atol=1e-4)


def test_norm_of_a_single_pixel_is_its_bias():
    norm = layers.ImageNorm(2)
    norm.bias[...] = jnp.array([0.5, -1.0])
    np.testing.assert_allclose(norm(jnp.full((1, 1, 2), 7.0))[0, 0], [0.5, -1.0])


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 4)])
def test_bilinear_doubling_equals_half_pixel_resizing(size):
    height, width = size
    image = jax.random.normal(jax.random.key(0), (height, width, 3))
    expected = jax.image.resize(image, (2 * height, 2 * width, 3), "bilinear")
    np.testing.assert_allclose(layers.upsample_bilinear(image), expected, atol=1e-6)


def test_nearest_doubling_repeats_pixels():
    image = jnp.array([[1.0, 2.0]])[..., None]
    doubled = layers.upsample_nearest(image)[..., 0]
    np.testing.assert_array_equal(doubled, [[1, 1, 2, 2], [1, 1, 2, 2]])


@pytest.mark.parametrize(("size", "first"), [(5, 0), (4, 0), (3, 1)])
def test_centre_crop_keeps_the_middle_and_drops_an_odd_surplus_at_the_end(size, first):
    image = jnp.arange(5.0)[:, None, None] * jnp.ones((1, 5, 1))
    cropped = layers.centre_crop(image, size, size)
    assert cropped.shape == (size, size, 1)
    np.testing.assert_array_equal(cropped[:, 0, 0], np.arange(first, first + size))
