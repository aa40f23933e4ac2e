"""The command deblur from argument to exit status, on tiny images."""

import functools
import json
import os
import re
from pathlib import Path

import command_line
import jax.numpy as jnp
import measured
import numpy as np
import pytest
from command_line import pixels_of, save
from conftest import make_boxes, make_photograph
from PIL import Image
from scipy import ndimage

from drp_jax import Gaussian, read_image
from drp_jax.commands import deblur
from drp_jax.commands.kernels import described
from drp_jax.commands.restoring import bundled_photograph
from drp_jax.unknown_blur import estimated_kernel

SMALL = ["--preset", "fast", "--iterations", "2"]
KERNEL = ["--kernel", "gaussian:0.7"]

run = functools.partial(command_line.run, deblur)
refused = functools.partial(command_line.refused, deblur)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def job(*flags):
    """The job that flags ask for, without running it."""
    received = []

    @deblur.options.command("deblur", deblur.DeblurArguments, help=None)
    def note(parsed):
        one = parsed.of_one(*parsed.images, *parsed.images) if parsed.images else parsed
        received.append(deblur.job(one))
        return 0

    assert deblur.options.run(note, [*map(str, flags)], program="deblur") == 0
    return received[0]


def test_an_image_is_sharpened_and_scored(capsys):
    clean = np.full((16, 18, 3), 0.2)
    clean[4:11, 5:13] = 0.8, 0.6, 0.4
    blurred = ndimage.gaussian_filter(clean, (1, 1, 0), mode="mirror")
    for name, image in (("clean.png", clean), ("x.png", blurred)):
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(name)
    flags = ["--kernel", "gaussian:1", "--sigma", "1", "--reference", "clean.png"]
    flags += ["--iterations", "10", "--preset", "fast", "--metrics", "m.json", "--figure", "f.png"]
    assert run("--image", "x.png", *flags) == 0
    written = ["clean.png", "f.png", "m.json", "x.png", "x_restored.png"]
    assert sorted(os.listdir()) == written
    out = capsys.readouterr().out
    assert re.search(r"^PSNR in dB: input [\d.]+ -> restored [\d.]+$", out, re.MULTILINE)
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["psnr"] > metrics["psnr_input"] + 0.3
    error = np.mean((pixels_of("x_restored.png") / 255 - pixels_of("clean.png") / 255) ** 2)
    assert metrics["psnr"] == pytest.approx(-10 * np.log10(error), abs=0.03)
    assert (metrics["method"], metrics["preset"]) == ("plug-and-play", "fast")
    with Image.open("f.png") as figure:
        assert figure.width > 3.5 * 400  # kernel, blurred, restored, reference


def test_a_photograph_shows_a_part_of_what_was_blurred():
    save("x.png")
    save("y.png")
    asked = job("--image", "x.png", "--reference", "y.png", "--kernel", "motion:5,30")
    problem, kernel = asked.problem, np.asarray(asked.problem.operator.kernel)
    rows, columns = kernel.shape
    assert problem.image.shape == (12 + rows - 1, 15 + columns - 1, 3)
    scene = make_photograph(*problem.image.shape)
    middle = np.s_[rows // 2 : rows // 2 + 12, columns // 2 : columns // 2 + 15]
    expected = ndimage.convolve(scene[..., 1], kernel, mode="mirror")[middle]
    np.testing.assert_allclose(np.asarray(problem.operator(scene))[..., 1], expected, atol=1e-6)
    np.testing.assert_array_equal(asked.shown_part(scene), scene[middle])
    reference = read_image("y.png").image
    np.testing.assert_array_equal(asked.shown_part(problem.reference), reference)
    of_all = -10 * np.log10(np.mean((scene[middle] - reference) ** 2))
    followed = problem.metric(jnp.asarray(scene), problem.reference)
    assert followed == pytest.approx(of_all, abs=1e-3)
    assert problem.metric_name == "psnr"


def test_what_lies_past_the_edges_makes_no_rings(capsys):
    scene = np.array(make_photograph(48, 52, 1))[..., 0]
    scene[:, :9], scene[:, -9:] = 1, 0  # bright and dark beside what the photograph shows
    kernel = np.ones((1, 9)) / 9
    blurred = ndimage.convolve(scene, kernel, mode="mirror")[:, 10:-10]
    for name, image in (("clean.png", scene[:, 10:-10]), ("x.png", blurred)):
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(name)
    np.save("k.npy", kernel)
    flags = ["--kernel", "k.npy", "--sigma", "1", "--reference", "clean.png", "--preset", "fast"]
    assert run("--image", "x.png", *flags, "--metrics", "m.json") == 0
    assert "k.npy: a kernel of 9 x 1 pixels\n" in capsys.readouterr().out
    clean, restored, before = map(pixels_of, ("clean.png", "x_restored.png", "x.png"))

    def error_at_edges(image):
        difference = image.astype(float) - clean
        return np.sqrt(np.mean(np.square(np.c_[difference[:, :3], difference[:, -3:]])))

    assert restored.shape == clean.shape
    assert error_at_edges(restored) < 0.8 * error_at_edges(before)


def test_a_kernel_that_is_not_known_is_found(capsys):
    blurred = ndimage.convolve(make_boxes(70, 76), np.ones((1, 5)) / 5)
    Image.fromarray(np.rint(blurred * 255).astype(np.uint8)).save("x.png")
    asked = job("--image", "x.png", "--kernel", "unknown:7", "--sigma", "1")
    assert capsys.readouterr().out == "looking for the kernel ...\n"
    kernel = estimated_kernel(jnp.asarray(read_image("x.png").image), 7)
    np.testing.assert_array_equal(asked.problem.operator.kernel, kernel)
    assert asked.problem.operator.boundary is None
    assert asked.remarks == (described(np.asarray(kernel)),)
    np.testing.assert_allclose(
        asked.panels["estimated kernel"][..., 0], kernel / kernel.max(), rtol=1e-6
    )


def test_a_demonstration_finds_its_kernel(tmp_path, monkeypatch, capsys):
    small = tmp_path / "data"
    small.mkdir()
    save("data/chelsea.png", height=40, width=42)
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    assert run("--kernel", "unknown:7", *SMALL) == 0
    out = capsys.readouterr().out
    assert "kernel estimated, " in out
    assert "scores count it as an error if the picture has moved" in out


def test_the_noise_is_told_or_estimated():
    noisy = 0.5 + 10 / 255 * np.random.default_rng(0).normal(size=(64, 64))
    Image.fromarray(np.rint(noisy * 255).astype(np.uint8)).save("x.png")
    told = job("--image", "x.png", *KERNEL, "--sigma", "3").problem.noise
    assert isinstance(told, Gaussian)
    np.testing.assert_allclose(told.level, 3 / 255)
    estimated = job("--image", "x.png", *KERNEL)
    np.testing.assert_allclose(255 * estimated.problem.noise.level, 10, rtol=0.1)
    line = r"noise estimated to have a standard deviation of [\d.]+ of 255"
    assert re.fullmatch(line, estimated.note)
    rounded = job("--image", "x.png", *KERNEL, "--sigma", "0").problem.noise
    np.testing.assert_allclose(255 * rounded.level, 12**-0.5)
    Image.fromarray(noisy.astype(np.float32)).save("x.tif")
    exact = job("--image", "x.tif", *KERNEL, "--sigma", "0").problem.noise
    np.testing.assert_allclose(exact.level, deblur.LEAST_NOISE)


@pytest.mark.slow
def test_a_network_can_be_asked_for():
    save("x.png", height=16, width=18)
    flags = [*measured.NETWORK, "--metrics", "m.json"]
    assert run("--image", "x.png", *KERNEL, *flags) == 0
    metrics = json.loads(Path("m.json").read_text())
    assert (metrics["method"], metrics["preset"]) == ("drp-dip", "default")
    assert pixels_of("x_restored.png").shape == (16, 18, 3)


def test_without_an_image_a_bundled_photograph_is_blurred(tmp_path, monkeypatch, capsys):
    small = tmp_path / "data"
    small.mkdir()
    save("data/chelsea.png", height=20, width=22)
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    assert run(*SMALL) == 0
    assert sorted(os.listdir()) == ["chelsea_figure.png", "chelsea_restored.png", "data"]
    assert "PSNR in dB: input " in capsys.readouterr().out


def test_of_the_bundled_photograph_the_middle_is_restored():
    whole, side = bundled_photograph().image, deblur.DEMONSTRATION_SIDE
    sharp = job().template.image
    top, left = ((length - side) // 2 for length in whole.shape[:2])
    margin = (side - len(sharp)) // 2
    assert 0 < margin < 10
    middle = whole[top + margin :, left + margin :][: len(sharp), : len(sharp)]
    np.testing.assert_array_equal(sharp, middle)


def test_help_says_what_a_kernel_is(capsys):
    assert run("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS, unknown:SIDE, or an image or .npy file",
        "in pixels, the angle in degrees counterclockwise",
        "--method drp-dip --preset default",
        "--method plug-and-play --preset default, fast",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no kernel is given; accepted: --kernel with gaussian:SIGMA, motion"),
        (
            ["--kernel", "box:3"],
            "--kernel is 'box:3', neither shape nor file; accepted: gaussian:SIGMA, motion",
        ),
        (
            ["--kernel", "unknown:9"],
            "--kernel unknown:9: the side is 9; accepted: an odd number of pixels from 3 to 3, a",
        ),
        (["--kernel", "unknown"], "--kernel unknown: the side is ''; accepted: an odd number"),
        (["--kernel", "disk:8"], "--kernel disk:8: 17 x 17 pixels; accepted: up to 15 x 12"),
        (["--kernel", "gaussian:-1"], "SIGMA is -1; accepted: above 0"),
        (["--kernel", "zero.npy"], "--kernel zero.npy: sums to 0"),
        ([*KERNEL, "--sigma", "-1"], "--sigma is -1.0; accepted: from 0 to 255"),
        ([*KERNEL, "--sigma", "nan"], "--sigma is nan; accepted: from 0 to 255"),
        ([*KERNEL, "--preset", "slow"], "unknown preset of plug-and-play reconstruct: 'slow'"),
        (
            [*KERNEL, "--method", "drp-dd"],
            "--method is 'drp-dd'; accepted: drp-dip, drp-pnp",
        ),
        (["--kernel", "k.npy", "--output", "k.npy"], "k.npy: is an input too"),
        ([*KERNEL, "--output", "x.png"], "x.png: is an input too"),
        ([*KERNEL, "--reference", "y.png"], "y.png: no such file"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, arguments, message):
    save("x.png")
    np.save("zero.npy", np.zeros((3, 3)))
    np.save("k.npy", np.ones((3, 3)))
    before = sorted(os.listdir())
    assert message in refused(capsys, "--image", "x.png", "--sigma", "1", *arguments)
    assert sorted(os.listdir()) == before
