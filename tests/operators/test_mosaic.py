import jax
import numpy as np
import pytest

from drp_jax import InputError, Problem
from drp_jax.operators import Bayer, Blur, Composition, adjoint, back_projection, gain

IMAGE = np.random.default_rng(0).uniform(size=(9, 14, 3)).astype(np.float32)
SHAPE = jax.ShapeDtypeStruct(IMAGE.shape, np.float32)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_each_pixel_has_the_colour_of_the_pattern(pattern):
    measured = np.asarray(Bayer(pattern)(IMAGE))
    back = np.asarray(adjoint(Bayer(pattern), measured, SHAPE))
    assert measured.shape == (9, 14, 1)
    for (row, column), value in np.ndenumerate(measured[..., 0]):
        color = "RGB".index(pattern[2 * (row % 2) + column % 2])
        assert value == IMAGE[row, column, color]
        assert back[row, column].tolist() == [value * (color == one) for one in range(3)]


def test_a_pattern_is_that_of_the_pixels_at_the_upper_left():
    red, green, blue = np.eye(3, dtype=np.float32)
    image = np.broadcast_to(red, (4, 4, 3))
    assert np.argwhere(np.asarray(Bayer("GBRG")(image))[:2, :2, 0]).tolist() == [[1, 0]]
    assert np.asarray(Bayer()(np.broadcast_to(green, (4, 4, 3)))).sum() == 8
    assert np.asarray(Bayer()(np.broadcast_to(blue, (4, 4, 3))))[1::2, 1::2].sum() == 4


def test_it_maps_pictures_to_pictures():
    operator = Bayer()
    assert operator.maps_pictures
    assert gain(operator, SHAPE) == 1
    problem = Problem(np.asarray(operator(IMAGE)), operator)
    assert problem.image_shape == IMAGE.shape
    blurred = Composition((Blur(np.ones((3, 3), np.float32) / 9), operator))
    assert blurred.image_shape(operator(IMAGE)) == IMAGE.shape
    rough = np.asarray(back_projection(operator, operator(IMAGE), SHAPE))
    np.testing.assert_allclose(rough, np.where(rough > 0, IMAGE, 0), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bayer("RGBG"), "pattern is 'RGBG'; accepted: RGGB, BGGR, GRBG, GBRG"),
        (lambda: Bayer(3), "pattern is 3; accepted: RGGB"),
        (lambda: Bayer()(IMAGE[..., :1]), r"image has shape \(9, 14, 1\); accepted: \(H, W, 3\)"),
        (lambda: Bayer().image_shape(IMAGE), r"observation has shape \(9, 14, 3\); accepted: \(H"),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
