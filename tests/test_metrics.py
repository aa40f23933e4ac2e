import numpy as np
import pytest
from conftest import make_photograph
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from drp_jax import InputError, psnr, ssim


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
    with pytest.raises(InputError, match="SSIM of a 10 x 20 image; accepted: from 11 x 11 up"):
        ssim(image, image)
