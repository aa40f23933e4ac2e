import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from drp_jax import InputError
from drp_jax.metrics import (
    luma,
    luma_psnr,
    luma_without_border,
    psnr,
    psnr_where,
    ssim,
    uncertainty_correlation,
    within_two_spreads,
)


@pytest.mark.parametrize("channels", [1, 3])
def test_values_agree_with_scikit_image(channels):
    image = make_photograph(40, 33, channels, seed=0)
    reference = make_photograph(40, 33, channels, seed=1)
    expected = peak_signal_noise_ratio(reference, image, data_range=1)
    np.testing.assert_allclose(psnr(image, reference), expected, atol=1e-4)
    expected = structural_similarity(
        reference,
        image,
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    np.testing.assert_allclose(ssim(image, reference), expected, atol=1e-4)


def test_equal_images():
    image = make_photograph(16, 16, 3)
    assert psnr(image, image) == np.inf
    np.testing.assert_allclose(ssim(image, image), 1, atol=1e-6)


def test_ssim_needs_its_window():
    image = make_photograph(10, 20, 1)
    with pytest.raises(InputError, match=r"image has shape \(10, 20, 1\); accepted: .* from 11 up"):
        ssim(image, image)


def test_luma_of_one_pixel():
    pixel = np.array([0.2, 0.4, 0.6], np.float32).reshape(1, 1, 3)
    expected = (16 + 65.481 * 0.2 + 128.553 * 0.4 + 24.966 * 0.6) / 255
    np.testing.assert_allclose(luma(pixel), [[[expected]]], rtol=1e-6)
    for value, level in ((0, 16), (1, 235)):
        np.testing.assert_allclose(luma(np.full((1, 1, 3), value, np.float32)), level / 255, 1e-6)


def test_luma_agrees_with_scikit_image():
    image = make_photograph(9, 11, 3)
    expected = rgb2ycbcr(image.astype(np.float64))[..., :1] / 255
    np.testing.assert_allclose(luma(image), expected, atol=1e-6)


def test_a_gray_image_is_its_own_luma():
    image = make_photograph(9, 11, 1)
    np.testing.assert_array_equal(luma(image), image)


def test_the_border_is_cut_from_luma_unless_the_image_is_small():
    image = make_photograph(20, 23, 1)
    np.testing.assert_array_equal(luma_without_border(image), image[4:-4, 4:-4])
    np.testing.assert_array_equal(luma_without_border(image, border=2), image[2:-2, 2:-2])
    small = image[:16]
    np.testing.assert_array_equal(luma_without_border(small), small)


@pytest.mark.parametrize("channels", [1, 3])
def test_luma_psnr_agrees_with_scikit_image(channels):
    image = make_photograph(20, 23, channels, seed=0)
    reference = make_photograph(20, 23, channels, seed=1)
    cut = np.s_[4:-4, 4:-4]
    if channels == 3:
        planes = [rgb2ycbcr(one.astype(np.float64))[cut][..., 0] for one in (reference, image)]
        expected = peak_signal_noise_ratio(*planes, data_range=255)
    else:
        expected = peak_signal_noise_ratio(reference[cut], image[cut], data_range=1)
    np.testing.assert_allclose(luma_psnr(image, reference), expected, atol=1e-3)


def test_luma_psnr_does_not_see_a_border_of_four_pixels():
    reference = make_photograph(20, 23, 3)
    image = np.array(reference)
    image[4:-4, 4:-4] += 0.01
    score = luma_psnr(image, reference)
    # Adding 0.01 to all channels adds 0.01 * 219 / 255 to Y.
    np.testing.assert_allclose(score, -20 * np.log10(0.01 * 219 / 255), atol=1e-3)
    image[:4], image[-4:], image[:, :4], image[:, -4:] = 0, 1, 0, 1
    np.testing.assert_array_equal(luma_psnr(image, reference), score)


def test_psnr_of_the_selected_pixels():
    reference = make_photograph(6, 7, 3)
    selected = np.zeros((6, 7, 1), bool)
    selected[2:4, 3] = True
    image = reference + np.where(selected, 0.1, 0.5).astype(np.float32)
    np.testing.assert_allclose(psnr_where(image, reference, selected), 20, atol=1e-4)
    np.testing.assert_allclose(
        psnr_where(image, reference, ~selected), -20 * np.log10(0.5), atol=1e-4
    )


def test_psnr_of_selected_values_of_channels():
    reference = make_photograph(6, 7, 3)
    image = make_photograph(6, 7, 3, seed=1)
    selected = np.random.default_rng(0).random((6, 7, 3)) < 0.3
    expected = -10 * np.log10(np.mean((image - reference)[selected] ** 2))
    np.testing.assert_allclose(psnr_where(image, reference, selected), expected, atol=1e-4)
    everything = np.ones((6, 7, 1), bool)
    expected = psnr(image, reference)
    np.testing.assert_allclose(psnr_where(image, reference, everything), expected, atol=1e-4)


def test_psnr_where_refuses_shapes_that_would_broadcast():
    image = make_photograph(9, 11, 3)
    with pytest.raises(InputError, match="image has shape"):
        psnr_where(image, image[..., :1], np.ones((9, 11, 1), bool))


def test_uncertainty_beside_the_error():
    draw = np.random.default_rng(3)
    image, reference = draw.random((2, 9, 7, 3), dtype=np.float32)
    uncertainty = draw.random((9, 7), dtype=np.float32) / 3
    error = np.abs(image - reference).mean(-1)
    given = [jnp.asarray(one) for one in (image, reference, uncertainty)]
    expected = np.corrcoef(error.ravel(), uncertainty.ravel())[0, 1]
    np.testing.assert_allclose(uncertainty_correlation(*given), expected, atol=1e-5)
    share = np.mean([e <= 2 * u for e, u in zip(error.ravel(), uncertainty.ravel(), strict=True)])
    assert 0.1 < share < 0.9
    np.testing.assert_allclose(within_two_spreads(*given), share, rtol=1e-6)
    np.testing.assert_allclose(uncertainty_correlation(*given[:2], error), 1, rtol=1e-5)
    with pytest.raises(InputError, match=r"uncertainty has shape \(9, 7, 3\); accepted: \(9, 7\)"):
        within_two_spreads(*given[:2], given[0])
