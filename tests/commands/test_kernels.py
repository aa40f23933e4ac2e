"""Kernels against scipy, sums over fine grids, and what geometry says."""

import numpy as np
import pytest
from command_line import save
from conftest import make_photograph
from PIL import Image
from scipy import ndimage

from drp_jax import InputError
from drp_jax.commands.kernels import kernel_of
from drp_jax.operators import Blur


def made(text, height=40, width=50):
    kernel = kernel_of(text, height, width)
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


def test_a_kernel_comes_from_an_image_or_an_array(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)
    np.save("k.npy", numbers)
    Image.fromarray(numbers).save("k.png")
    for name in ("k.npy", "k.png"):
        np.testing.assert_allclose(made(name), numbers / np.float32(10), rtol=1e-6)


def test_a_kernel_may_be_as_large_as_the_image_and_no_larger(tmp_path):
    image = make_photograph(12, 15, 1)
    for shape in ((12, 15), (11, 15), (12, 1)):
        np.save(tmp_path / "k.npy", np.random.default_rng(0).random(shape))
        kernel = made(str(tmp_path / "k.npy"), *image.shape[:2])
        expected = ndimage.convolve(image[..., 0], kernel, mode="mirror")
        np.testing.assert_allclose(Blur(kernel)(image)[..., 0], expected, atol=1e-5)
    for rows, columns in ((13, 15), (12, 16)):
        np.save(tmp_path / "k.npy", np.ones((rows, columns)))
        with pytest.raises(
            InputError, match=f": {columns} x {rows} pixels; accepted: up to 15 x 12"
        ):
            made(str(tmp_path / "k.npy"), *image.shape[:2])


FORMS = "gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS, or an image or .npy file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"--kernel is {text!r}, neither shape nor file; accepted: {FORMS}")
            for text in (
                "box:3",
                "Motion:9,30",
                " disk:4",
                "gaussian=2",
                "none.png",
                "none.npy",
                "",
            )
        ),
        *(
            (text, f"--kernel is {text}; accepted: {form}")
            for form, texts in (
                (
                    "gaussian:SIGMA, finite numbers, like gaussian:1.6",
                    ("", ":", ":1,2", ":nan", ":x"),
                ),
                (
                    "motion:LENGTH,ANGLE, finite numbers, like motion:9,30",
                    ("", ":", ":9", ":9,", ":9,3,4", ":9;3", ":9 3", ":x,3", ":nan,0", ":9,inf"),
                ),
                (
                    "disk:RADIUS, finite numbers, like disk:4",
                    ("", ":", ":,", ":4,5", ":4px", ":inf"),
                ),
            )
            for text in [form.partition(":")[0] + text for text in texts]
        ),
        ("gaussian:-1", "--kernel gaussian:-1: SIGMA is -1; accepted: above 0, up to 1000000, in"),
        ("motion:-9,0", "--kernel motion:-9,0: LENGTH is -9; accepted: above 0, up to 1000000"),
        ("disk:0", "--kernel disk:0: RADIUS is 0; accepted: above 0, up to 1000000, in"),
        ("disk:21", "--kernel disk:21: 43 x 43 pixels; accepted: up to 50 x 40, the size of the"),
        ("gaussian:1e5", "800001 x 800001 pixels; accepted: up to 50 x 40, the size of the image"),
        ("motion:1e6,0", "1000001 x 1 pixels; accepted: up to 50 x 40, the size of the image"),
        *(
            (
                f"{text}:1e308{rest}",
                f"{name} is 1e+308; accepted: above 0, up to 1000000, in pixels",
            )
            for text, name, rest in (
                ("gaussian", "SIGMA", ""),
                ("motion", "LENGTH", ",0"),
                ("disk", "RADIUS", ""),
            )
        ),
        ("zero.npy", "--kernel zero.npy: sums to 0; accepted: a sum above 0"),
        (
            "line.npy",
            "--kernel line.npy: has type float64 and shape (3,); accepted: real, [rows, columns]",
        ),
        ("nan.npy", "--kernel nan.npy: has NaN or infinity in"),
        ("infinite.npy", "--kernel infinite.npy: has NaN or infinity in 1 of 2 values"),
        ("objects.npy", "--kernel objects.npy: cannot be read as an array: ValueError: "),
        ("words.npy", "--kernel words.npy: has type <U1; accepted: numbers"),
        ("large.npy", "--kernel large.npy: 51 x 2 pixels; accepted: up to 50 x 40"),
        ("colour.png", "colour.png: has colours; accepted: a gray image"),
        (".", ".: not a file"),
    ],
)
def test_what_is_no_kernel_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    np.save("zero.npy", np.zeros((3, 3)))
    np.save("line.npy", np.ones(3))
    np.save("nan.npy", np.full((3, 3), np.nan))
    np.save("infinite.npy", np.array([[np.inf, 1.0]]))
    np.save("objects.npy", np.array([[None]]), allow_pickle=True)
    np.save("words.npy", np.array([["a"]]))
    np.save("large.npy", np.ones((2, 51)))
    save("colour.png")
    with pytest.raises(InputError) as refused:
        kernel_of(text, 40, 50)
    assert message in str(refused.value)


def test_a_file_of_floats_is_taken_in_its_own_unit(tmp_path):
    numbers = np.float32([[2, 2, 9], [2, 9, 2], [2, 2, 2]])  # none of which is nothing
    Image.fromarray(numbers).save(tmp_path / "k.tif")
    np.testing.assert_allclose(made(str(tmp_path / "k.tif")), numbers / numbers.sum(), rtol=1e-5)
