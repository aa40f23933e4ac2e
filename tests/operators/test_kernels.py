"""Kernels against scipy, sums over fine grids, and what geometry says."""

import numpy as np
import pytest
from scipy import ndimage

from drp_jax import InputError
from drp_jax.operators.kernels import KernelShape, names_shape


def made(text, height=40, width=50):
    kernel = KernelShape(text).sampled(height, width)
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-6)
    return kernel


def spread(kernel):
    """Mean squares of rows and of columns about the centre, and their mean product."""
    rows, columns = (np.arange(n) - n // 2 for n in kernel.shape)
    rows, columns = np.meshgrid(rows, columns, indexing="ij")
    return [float((kernel * one).sum()) for one in (rows**2, columns**2, rows * columns)]


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.6])
def test_a_gaussian_is_that_of_scipy(sigma):
    point = np.zeros((41, 41))
    point[20, 20] = 1
    kernel = made(f"gaussian:{sigma}")
    margin = (41 - len(kernel)) // 2
    expected = np.pad(kernel, margin)
    np.testing.assert_allclose(ndimage.gaussian_filter(point, sigma), expected, atol=1e-7)


def test_a_motion_along_an_axis_is_a_row_or_a_column():
    np.testing.assert_allclose(made("motion:9,0"), np.full((1, 9), 1 / 9), rtol=1e-6)
    np.testing.assert_allclose(made("motion:9,90"), np.full((9, 1), 1 / 9), rtol=1e-6)
    ends = made("motion:8,180")  # the outermost pixels are half covered
    np.testing.assert_allclose(ends[0], [0.5, *[1] * 7, 0.5] / np.float32(8), rtol=0.05)


def test_a_motion_has_the_spread_of_its_line():
    # A line of length L and width 1: L^2 / 12 along it, 1 / 12 across, and 1 / 12 of the pixel.
    along, across = 81 / 12, 1 / 12
    turn = np.radians(30)
    kernel = made("motion:9,30")
    expected = [
        along * np.sin(turn) ** 2 + across * np.cos(turn) ** 2 + 1 / 12,
        along * np.cos(turn) ** 2 + across * np.sin(turn) ** 2 + 1 / 12,
        -(along - across) * np.sin(turn) * np.cos(turn),  # counterclockwise: up to the right
    ]
    np.testing.assert_allclose(spread(kernel), expected, rtol=0.02)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)


def test_a_disk_has_soft_edges_and_the_area_of_a_circle():
    kernel = made("disk:4")
    assert kernel.shape == (9, 9)
    np.testing.assert_allclose(kernel[4, 4], 1 / (16 * np.pi), rtol=0.01)
    np.testing.assert_allclose(spread(kernel)[:2], [16 / 4 + 1 / 12] * 2, rtol=0.01)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-7)
    assert len(np.unique(kernel.round(5))) > 4


def test_shapes_smaller_than_a_pixel_leave_the_image_as_it_is():
    for text in ("motion:0.5,0", "disk:0.4", "gaussian:0.1", "gaussian:1e-300"):
        np.testing.assert_array_equal(made(text), [[1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("box:3", "kernel is 'box:3'; accepted: gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS"),
        ("motion:9", "kernel is motion:9; accepted: motion:LENGTH,ANGLE, finite numbers, like"),
        ("disk:0", "kernel disk:0: RADIUS is 0; accepted: above 0, up to 1000000, in pixels"),
    ],
)
def test_a_text_is_checked_before_there_is_an_image(text, message):
    with pytest.raises(InputError) as refused:
        KernelShape(text)
    assert str(refused.value).startswith(message)


def test_a_kernel_fits_in_the_image():
    assert KernelShape("motion:9,0").sampled(8, 9).shape == (1, 9)
    with pytest.raises(InputError, match="kernel motion:9,0: 9 x 1 pixels; accepted: up to 8 x 9"):
        KernelShape("motion:9,0").sampled(9, 8)


def test_paths_name_no_shape():
    assert names_shape("disk:x")
    assert not names_shape("disk.npy")
