import numpy as np
import scipy.fft

from drp_jax.non_local.opponent import OPPONENT, cosines, from_opponent, to_opponent

RANDOM = np.random.default_rng(0)


def test_the_opponent_colours_are_orthonormal_and_begin_with_brightness():
    np.testing.assert_allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(OPPONENT @ np.ones(3), [np.sqrt(3), 0, 0], atol=1e-6)


def test_there_and_back_is_the_image():
    for channels in (1, 3, 5):
        image = RANDOM.random((4, 5, channels)).astype(np.float32)
        np.testing.assert_allclose(from_opponent(to_opponent(image)), image, atol=1e-6)


def test_the_cosine_transform_is_that_of_scipy():
    signal = RANDOM.random(7)
    np.testing.assert_allclose(cosines(7) @ signal, scipy.fft.dct(signal, norm="ortho"), atol=1e-6)
