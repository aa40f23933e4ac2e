"""The command super_resolve from argument to exit status, on tiny images."""

import functools
import json
import os
import re
from pathlib import Path

import command_line
import numpy as np
import pytest
from command_line import pixels_of, save
from conftest import make_photograph
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from drp_jax import read_image
from drp_jax.commands import super_resolve

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "3"]  # compiles fastest


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def luma_psnr_of(image, reference):
    """PSNR of Y of two RGB images of bytes, four pixels cut at the border."""
    planes = [rgb2ycbcr(one)[4:-4, 4:-4, 0] for one in (reference, image)]
    return peak_signal_noise_ratio(*planes, data_range=255)


run = functools.partial(command_line.run, super_resolve)


refused = functools.partial(command_line.refused, super_resolve)


def test_the_image_is_enlarged_by_the_factor(capsys):
    save("x.png")
    assert run("--image", "x.png", "--factor", "2", *SMALL) == 0
    assert sorted(os.listdir()) == ["x.png", "x_restored.png"]
    assert pixels_of("x_restored.png").shape == (24, 30, 3)
    out, err = capsys.readouterr()
    assert "The run reached its iteration limit." in out
    assert "wrote x_restored.png" in out
    assert "PSNR" not in out + err


def test_alpha_is_enlarged_with_the_image():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 15, 4), np.uint8)
    Image.fromarray(pixels).save("x.png")
    assert run("--image", "x.png", "--factor", "2", *SMALL) == 0
    with Image.open("x.png") as read, Image.open("x_restored.png") as written:
        assert written.mode == "RGBA"
        assert written.size == (30, 24)
        fine = read.getchannel("A").convert("F").resize((30, 24), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(written.getchannel("A"), np.rint(np.clip(fine, 0, 255)))


@pytest.mark.parametrize(("depth", "suffix"), [("uint16", "png"), ("float32", "tif")])
def test_the_output_has_the_depth_of_the_input(depth, suffix):
    image = make_photograph(12, 15, 1)[..., 0]
    pixels = image if depth == "float32" else np.rint(image * 65535).astype(np.uint16)
    Image.fromarray(pixels).save(f"x.{suffix}")
    assert run("--image", f"x.{suffix}", "--factor", "3", *SMALL) == 0
    written = read_image(f"x_restored.{suffix}")
    assert written.depth == depth
    assert written.image.shape == (36, 45, 1)


def test_a_high_resolution_image_is_made_smaller_and_scored(capsys):
    save("x.png", 25, 31)
    flags = ["--from-high-resolution", "--metrics", "m.json", "--figure", "f.png"]
    assert run("--image", "x.png", "--factor", "2", *flags, *SMALL) == 0
    metrics = json.loads(Path("m.json").read_text())
    restored = pixels_of("x_restored.png")
    # The image is cut to multiples of the factor at the bottom and on the right.
    assert restored.shape == (24, 30, 3)
    reference = pixels_of("x.png")[:24, :30]
    assert metrics["psnr"] == pytest.approx(luma_psnr_of(restored, reference), abs=0.02)
    small = Image.fromarray(reference).resize((15, 12), Image.Resampling.LANCZOS)
    bicubic = np.asarray(small.resize((30, 24), Image.Resampling.BICUBIC))
    # Pillow rounds to bytes between the two passes, the command does not.
    expected = luma_psnr_of(bicubic, reference)
    assert metrics["psnr_bicubic"] == pytest.approx(expected, abs=0.1)
    assert metrics["ssim_bicubic"] > 0.2
    assert metrics["iterations"] == 3
    out = capsys.readouterr().out
    score = f"{metrics['psnr_bicubic']:.2f} -> restored {metrics['psnr']:.2f}"
    assert f"PSNR in dB: bicubic {score}\n" in out
    with Image.open("f.png") as figure:
        assert figure.width > figure.height > 300


def test_a_reference_of_the_enlarged_size_is_scored_against(capsys):
    save("clean.png", 24, 30)
    with Image.open("clean.png") as clean:
        clean.resize((15, 12), Image.Resampling.LANCZOS).save("x.png")
    flags = ["--factor", "2", "--reference", "clean.png", "--metrics", "m.json"]
    assert run("--image", "x.png", *flags, *SMALL) == 0
    out = capsys.readouterr().out
    assert re.search(r"^PSNR in dB: bicubic [\d.]+ -> restored [\d.]+$", out, re.MULTILINE)
    with Image.open("x.png") as small:
        bicubic = np.asarray(small.resize((30, 24), Image.Resampling.BICUBIC))
    expected = luma_psnr_of(bicubic, pixels_of("clean.png"))
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["psnr_bicubic"] == pytest.approx(expected, abs=0.1)


def test_the_same_seed_gives_the_same_file():
    save("x.png")
    outputs = []
    for seed in (1, 1, 2):
        flags = ["--factor", "2", "--seed", seed, "--output", "o.png"]
        assert run("--image", "x.png", *flags, *SMALL) == 0
        outputs.append(Path("o.png").read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


def test_without_an_image_a_bundled_photograph_is_made_smaller(tmp_path, monkeypatch, capsys):
    small = tmp_path / "data"
    small.mkdir()
    save("data/chelsea.png", 24, 31)
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    assert run("--factor", "2", *SMALL) == 0
    assert sorted(os.listdir()) == ["chelsea_figure.png", "chelsea_restored.png", "data"]
    assert pixels_of("chelsea_restored.png").shape == (24, 30, 3)
    assert "PSNR in dB: bicubic " in capsys.readouterr().out


def test_help_shows_flags_with_defaults(capsys):
    assert run("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--factor N" in text
    assert "(default: 4)" in text
    assert "--from-high-resolution" in text


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        *(
            (None, ["--image", save, "--factor", factor], f"--factor is {factor}; accepted: from 2")
            for factor in ("1", "0", "-2", "65", "1000000000000")
        ),
        (None, ["--image", save, "--factor", "x"], "--factor: 'x' is not a whole number"),
        (None, ["--image", save, "--factor", "2.5"], "--factor: '2.5' is not a whole number"),
        (None, ["--image", "none.png"], "none.png: no such file"),
        (
            lambda: save("small.png", 7, 9),
            ["--image", "small.png"],
            "small.png: 9 x 7 RGB pixels; accepted: a picture from 8 x 8 up",
        ),
        (
            lambda: save("y.png"),
            ["--image", save, "--factor", "2", "--reference", "y.png"],
            "y.png: 15 x 12 RGB pixels; accepted: 30 x 24 RGB pixels",
        ),
        (
            lambda: save("y.png", 24, 30, 1),
            ["--image", save, "--factor", "2", "--reference", "y.png"],
            "y.png: 30 x 24 gray pixels; accepted: 30 x 24 RGB pixels",
        ),
        (
            None,
            ["--image", save, "--from-high-resolution", "--factor", "13"],
            "x.png: smaller than --factor 13",
        ),
        (
            None,
            ["--image", save, "--from-high-resolution", "--factor", "7"],
            "the result has 14 x 7 pixels; accepted: from 8 x 8 up",
        ),
        (
            lambda: save("y.png"),
            ["--image", save, "--from-high-resolution", "--reference", "y.png"],
            "--from-high-resolution makes its own reference; leave it out",
        ),
        (None, ["--reference", "y.png"], "--reference needs --image"),
        (None, ["--image", save, "--output", "no/o.png"], "the folder no does not exist"),
        (None, ["--image", save, "--output", "o.xyz"], "unknown image format '.xyz'"),
        (None, ["--image", save, "--figure", "f.gif"], "--figure is f.gif; accepted: a path"),
        (
            None,
            ["--image", save, "--preset", "slow"],
            "unknown preset of drp-dd super-resolve: 'slow'",
        ),
        (None, ["--image", save, "--scale", "2"], "Unrecognized options: --scale"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, make, arguments, message):
    if make is not None:
        make()
    arguments = [save("x.png") if argument is save else argument for argument in arguments]
    before = sorted(os.listdir())
    assert message in refused(capsys, *arguments, *SMALL)
    assert sorted(os.listdir()) == before
