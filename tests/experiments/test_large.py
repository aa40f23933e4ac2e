import numpy as np

from experiments.benchmark import large


def test_the_picture_is_mirrored_without_a_step_and_has_the_noise():
    picture = large.picture(700, 1100)
    assert picture.shape == (700, 1100, 3)
    np.testing.assert_array_equal(picture[:, 511], picture[:, 512])
    np.testing.assert_array_equal(picture[511], picture[512])
    noisy = large.with_noise(np.full((64, 64, 3), 128, np.uint8))
    np.testing.assert_allclose(noisy.std(), large.SIGMA, rtol=0.03)


def test_a_seam_is_told_from_noise():
    error = np.random.default_rng(0).normal(0, 0.01, (100, 120, 3))
    tiling = {"size": [100, 70], "starts": [[0], [0, 50]]}
    assert large.tiled(tiling) == "2 of 70 x 100"
    np.testing.assert_allclose(large.seam_ratio(error, tiling), 1, atol=0.05)
    error[:, 60:] += 0.5
    assert large.seam_ratio(error, tiling) > 2
