import numpy as np
from scipy.ndimage import zoom

from drp_jax.non_local.scales import doubled, halved

RANDOM = np.random.default_rng(0)


def test_half_a_picture_is_the_mean_of_four_pixels_and_an_odd_row_counts_twice():
    image = RANDOM.random((5, 4, 3)).astype(np.float32)
    small = np.asarray(halved(image))
    assert small.shape == (3, 2, 3)
    np.testing.assert_allclose(small[0, 1], image[:2, 2:].mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(small[2, 0], image[4, :2].mean(0), rtol=1e-6)


def test_a_doubled_picture_is_that_of_scipy():
    image = RANDOM.random((6, 7, 2)).astype(np.float32)
    expected = zoom(image, (2, 2, 1), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(doubled(image, 12, 14), expected, atol=1e-6)
    np.testing.assert_allclose(doubled(image, 11, 13), expected[:11, :13], atol=1e-6)
