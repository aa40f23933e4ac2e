"""Files of all kinds through a command: what it says of them, and what it writes."""

import functools
import json
import os
from pathlib import Path

import command_line
import numpy as np
import pytest
import tifffile
from command_line import save
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError, read_image, write_image
from drp_jax.commands import denoise, rescue, restoring
from drp_jax.images import Picture

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "2"]
GUESSED = "values from -1000 to 2000, taken as black and white unless --range is given\n"


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


run = functools.partial(command_line.run, denoise)
refused = functools.partial(command_line.refused, denoise)


def scan():
    """A gray image from -1000 to 2000."""
    image = make_photograph(12, 15, 1)[..., 0]
    image = (image - image.min()) / np.ptp(image)
    return np.rint(image * 3000 - 1000).astype(np.float32)


def test_a_guessed_range_is_said_and_the_result_in_its_unit(capsys):
    tifffile.imwrite("x.tif", scan())
    assert run("--image", "x.tif", *SMALL) == 0
    assert GUESSED in capsys.readouterr().out
    written = tifffile.imread("x_restored.tif")
    assert written.dtype == np.float32
    assert -1000 <= written.min() < 0 < 500 < written.max() <= 2000


def test_a_given_range_is_taken(capsys):
    tifffile.imwrite("x.tif", scan())
    tifffile.imwrite("clean.tif", scan() * 0.9)  # whose own range would be another
    flags = ["--reference", "clean.tif", "--metrics", "m.json"]
    assert run("--image", "x.tif", "--range", "-1000,2000", *flags, *SMALL) == 0
    assert "taken as black and white" not in capsys.readouterr().out
    error = np.mean((scan() * 0.1 / 3000) ** 2)
    psnr = json.loads(Path("m.json").read_text())["psnr_input"]
    assert psnr == pytest.approx(-10 * np.log10(error), abs=0.01)


def test_the_reference_is_read_in_the_range_that_was_guessed():
    tifffile.imwrite("x.tif", scan())
    tifffile.imwrite("clean.tif", scan() * 0.9)
    assert run("--image", "x.tif", "--reference", "clean.tif", "--metrics", "m.json", *SMALL) == 0
    error = np.mean((scan() * 0.1 / 3000) ** 2)
    psnr = json.loads(Path("m.json").read_text())["psnr_input"]
    assert psnr == pytest.approx(-10 * np.log10(error), abs=0.01)


def test_pages_of_a_stack_are_restored_together():
    pages = np.rint(make_photograph(12, 15, 3) * 65535).astype(np.uint16).transpose(2, 0, 1)
    tifffile.imwrite("x.tif", pages, photometric="minisblack")
    assert run("--image", "x.tif", "--pages", "0,2", *SMALL) == 0
    written = tifffile.imread("x_restored.tif")
    assert (written.dtype, written.shape) == (np.uint16, (2, 12, 15))


def test_an_array_of_many_channels_is_restored():
    np.save("x.npy", make_photograph(12, 15, 5))
    assert run("--image", "x.npy", "--figure", "f.png", *SMALL) == 0
    assert np.load("x_restored.npy").shape == (12, 15, 5)
    assert read_image("f.png").image.shape[0] > 100


def test_16_bits_stay_16_bits_and_a_jpeg_keeps_its_quality():
    deep = np.rint(make_photograph(12, 15, 3) * 65535).astype(np.uint16)
    write_image("x.png", Picture(make_photograph(12, 15, 3), "uint16"))
    np.testing.assert_allclose(read_image("x.png").stored(), deep, atol=1)
    assert run("--image", "x.png", *SMALL) == 0
    assert read_image("x_restored.png").depth == "uint16"
    Image.fromarray((deep >> 8).astype(np.uint8)).save("x.jpg", quality=31)
    assert run("--image", "x.jpg", "--output", "o.jpg", *SMALL) == 0
    with Image.open("x.jpg") as before, Image.open("o.jpg") as after:
        assert after.quantization == before.quantization
    assert run("--image", "x.jpg", "--output", "q.jpg", "--quality", "90", *SMALL) == 0
    with Image.open("x.jpg") as before, Image.open("q.jpg") as after:
        assert after.quantization[0][0] < before.quantization[0][0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--range", "3"], "--range: '3' is not two numbers, the smaller first, like"),
        (["--range", "3,1"], "--range: '3,1' is not two numbers"),
        (["--range", "0,nan"], "--range: '0,nan' is not two numbers"),
        (["--pages", "a"], "--pages: 'a' is not whole numbers from 0 up, like 0 or 0,1,2"),
        (["--pages", "-1"], "--pages: '-1' is not whole numbers from 0 up"),
        (["--pages", "4"], "pages is 4, and x.png has 1 page; accepted: from 0 to 0"),
        (["--quality", "0"], "--quality is 0; accepted: from 1 to 100"),
    ],
)
def test_wrong_flags_of_files_are_named(capsys, flags, message):
    save("x.png")
    assert message in refused(capsys, "--image", "x.png", *flags)


def fails(*_, **__):
    raise InputError("o.png: cannot be written: No space left on device; accepted: another")


@pytest.mark.parametrize(
    ("asked", "is_demonstration", "expected"),
    [
        (None, True, Path("a/b_figure.png")),
        (None, False, None),
        (Path("c.png"), True, Path("c.png")),
        (Path("c.png"), False, Path("c.png")),
    ],
)
def test_only_a_demonstration_has_a_figure_unasked(asked, is_demonstration, expected):
    path = Path("a/b.tif")
    assert restoring.figure_path(asked, path, is_demonstration=is_demonstration) == expected


def test_a_picture_that_cannot_be_written_is_kept_elsewhere(capsys, monkeypatch, tmp_path):
    save("x.png")
    writes = iter([fails, write_image])
    monkeypatch.setattr(rescue, "write_image", lambda *a, **b: next(writes)(*a, **b))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run("--image", "x.png", "--output", "o.png", *SMALL) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
    assert "No space left on device" in line
    kept = line.rpartition("; the picture is kept as ")[2]
    assert read_image(kept).image.shape == (12, 15, 3)
    assert not Path("o.png").exists()


def test_where_nothing_can_be_written_the_first_reason_is_said(capsys, monkeypatch):
    save("x.png")
    monkeypatch.setattr(rescue, "write_image", fails)
    assert run("--image", "x.png", "--output", "o.png", *SMALL) == 2
    assert capsys.readouterr().err.endswith("No space left on device; accepted: another\n")


@pytest.mark.parametrize(
    ("name", "flag"), [("save_figure", "--figure"), ("write_json", "--metrics")]
)
def test_if_only_the_figure_or_the_metrics_fail_the_picture_is_there(
    capsys, monkeypatch, name, flag
):
    save("x.png")
    monkeypatch.setattr(restoring, name, fails)
    assert run("--image", "x.png", flag, "f.png", *SMALL) == 2
    assert capsys.readouterr().err.endswith("; the restored image is there: x_restored.png\n")
    assert sorted(os.listdir()) == ["x.png", "x_restored.png"]
