"""Arrays as they are looked at: sizes, channels, and where something was painted."""

import numpy as np

from drp_jax.app.pictures import painted_over, shown, uncertainty_shown
from drp_jax.commands.figure import MOST_PIXELS


def test_values_become_whole_numbers_of_three_channels():
    image = np.array([[[-1.0, 0.0, 0.5]], [[1.0, 2.0, 0.25]]])
    assert shown(image).tolist() == [[[0, 0, 128]], [[255, 255, 64]]]
    gray = np.full((2, 2, 1), 0.2)
    assert shown(gray).tolist() == np.full((2, 2, 3), 51).tolist()
    assert shown(np.zeros((2, 2, 5))).shape == (2, 2, 3)


def test_a_large_picture_is_shown_smaller():
    assert shown(np.zeros((2 * MOST_PIXELS, 100, 3))).shape == (MOST_PIXELS, 50, 3)


def test_the_uncertainty_has_a_scale():
    uncertainty = np.zeros((20, 20))
    uncertainty[:, 10:] = 0.1
    picture = uncertainty_shown(uncertainty)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    height, width = picture.shape[:2]
    assert width > height  # beside it there is the scale
    left, right = picture[height // 2, width // 8], picture[height // 2, width // 2]
    # Both ends of the map "inferno".
    np.testing.assert_allclose(left, [0, 0, 3], atol=1)
    np.testing.assert_allclose(right, [252, 255, 164], atol=1)


def test_marks_go_back_to_the_size_of_the_picture():
    layer = np.zeros((4, 6, 4), np.uint8)
    layer[1, 2] = 255, 0, 255, 9
    assert not painted_over([], 8, 12).any()
    found = painted_over([layer, np.zeros_like(layer)], 8, 12)
    expected = np.zeros((8, 12), bool)
    expected[2:4, 4:6] = True
    assert (found == expected).all()
    assert painted_over([layer], 4, 6).sum() == 1
