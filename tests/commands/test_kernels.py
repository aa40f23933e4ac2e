"""Kernels from files, and what the command refuses."""

import pathlib

import numpy as np
import pytest
from command_line import save
from conftest import make_photograph
from PIL import Image
from scipy import ndimage

from drp_jax import InputError
from drp_jax.commands.kernels import described, described_file, file_of, kernel_of
from drp_jax.operators import Blur
from drp_jax.operators.kernels import KernelShape


def made(text, height=40, width=50):
    kernel = kernel_of(text, height, width)
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-6)
    return kernel


def test_a_kernel_comes_from_a_shape():
    np.testing.assert_array_equal(made("disk:4"), KernelShape("disk:4").sampled(40, 50))


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


@pytest.mark.parametrize(
    ("places", "line"),
    [
        ([(3, 2), (3, 4), (4, 3)], "kernel estimated, 3 x 2 pixels"),
        ([(3, 0), (3, 6)], "kernel estimated, 7 x 1 pixels; a side above 7 may fit better"),
    ],
)
def test_a_kernel_that_was_found_is_described(places, line):
    kernel = np.zeros((7, 7))
    kernel[tuple(np.transpose(places))] = 1 / len(places)
    assert described(kernel) == f"{line}; where it is wrong the picture has stripes or rings"


@pytest.mark.parametrize(
    ("least", "line"),
    [
        (0, "k.npy: a kernel of 5 x 3 pixels"),
        (-1, "k.npy: a kernel of 5 x 3 pixels, some of it negative, which no blur of light is"),
    ],
)
def test_a_kernel_from_a_file_is_described(least, line):
    kernel = np.ones((3, 5))
    kernel[0, 0] = least
    assert described_file(pathlib.Path("k.npy"), kernel) == line


@pytest.mark.parametrize("text", ["gaussian:1.6", "unknown:15"])
def test_a_shape_and_a_kernel_to_be_found_are_no_file(text):
    assert file_of(text) is None
    assert file_of("k.npy") == pathlib.Path("k.npy")


FORMS = "gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS, unknown:SIDE, or an image or .npy file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"--kernel is {text!r}, neither shape nor file{guess}; accepted: {FORMS}")
            for text, guess in (
                ("box:3", ""),
                ("Motion:9,30", " (did you mean motion?)"),
                (" disk:4", " (did you mean disk?)"),
                ("gauss:2", " (did you mean gaussian?)"),
                ("gaussian=2", " (did you mean gaussian?)"),
                ("none.png", ""),
                ("none.npy", ""),
                ("", ""),
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
