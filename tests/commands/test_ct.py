"""The command reconstruct ct: geometry, units, and what does not fit."""

import functools
import os

import command_line
import numpy as np
import pytest
from measured import SMALL, save_sinogram
from skimage.transform import radon

from drp_jax import Problem
from drp_jax.commands import ct, options, reconstruct
from drp_jax.commands.slices import direct
from drp_jax.operators import FanBeam, Radon

run = functools.partial(command_line.run, reconstruct, "ct")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def measurement(*flags):
    """The measurement that flags ask for, without running it."""
    received = []

    @options.command("ct", ct.CtArguments, help=None)
    def note(parsed):
        received.append(ct._measurement(parsed))
        return 0

    assert options.run(note, [*map(str, flags)], program="ct") == 0
    return received[0]


def gaussian(side=16):
    """The image whose views `save_sinogram` writes: height 1, variance 4."""
    places = np.arange(side) - (side - 1) / 2
    return np.exp(-(places[:, None] ** 2 + places**2) / 8)


def test_views_are_spread_evenly_over_half_a_turn_and_a_fan_over_a_whole(capsys):
    save_sinogram("s.npy")
    beam = measurement("--sinogram", "s.npy", "--views", 12).operator(0)
    assert isinstance(beam, Radon)
    np.testing.assert_allclose(beam.angles, np.pi * np.arange(12) / 12, rtol=1e-6)
    assert capsys.readouterr().out == "s.npy: 12 views, 16 detectors; an image of 16 x 16\n"
    fan = ["--fan", "30,20", "--spacing", "2", "--offset", "0.5"]
    beam = measurement("--sinogram", "s.npy", "--views", 12, *fan).operator(0)
    assert isinstance(beam, FanBeam)
    np.testing.assert_allclose(beam.angles, 2 * np.pi * np.arange(12) / 12, rtol=1e-6)
    assert (beam.source_distance, beam.detector_distance) == (30, 20)
    assert (beam.spacing, beam.offset) == (2, 0.5)
    assert beam.shape == (19, 19)  # 16 detectors of 2 pixels, 30 / 50 of that at the centre


def test_the_image_has_the_unit_of_the_sinogram_per_pixel():
    sinogram = save_sinogram("s.npy")
    one = measurement("--sinogram", "s.npy", "--views", 12)
    predicted = one.operator(0)(gaussian().astype(np.float32)[..., None])
    np.testing.assert_allclose(predicted, sinogram, atol=0.1)
    problem = Problem(sinogram, one.operator(0), value_range=None)
    np.testing.assert_allclose(direct(problem)[..., 0], gaussian(), atol=0.06)


def test_a_sinogram_of_scikit_image_is_transposed():
    image = np.zeros((17, 17))
    image[3:7, 8:12] = 1.0
    angles = np.pi * np.arange(20) / 20
    np.save("s.npy", radon(image, np.rad2deg(angles), circle=True).T)
    np.save("a.npy", angles)
    one = measurement("--sinogram", "s.npy", "--angles", "a.npy")
    predicted = np.asarray(one.operator(0)(image.astype(np.float32)[..., None]))
    assert np.corrcoef(predicted.ravel(), np.load("s.npy").ravel())[0, 1] > 0.99


@pytest.mark.parametrize(("side", "circle"), [(16, True), (17, True), (18, False)])
def test_scikit_image_s_sinogram_and_degrees_are_read_as_they_are(side, circle):
    image = gaussian(side)
    x = np.arange(side) - side // 2
    image = np.where(np.hypot(x, x[:, None]) < side // 2, image, 0)
    degrees = np.arange(0, 180, 15)
    sinogram = radon(image, degrees, circle=circle)
    np.save("s.npy", [sinogram, 2 * sinogram])
    np.save("a.npy", degrees)
    flags = ["--sinogram", "s.npy", "--angles", "a.npy", "--size", f"{side},{side}"]
    one = measurement(*flags, "--scikit-image")
    predicted = np.asarray(one.operator(0)(image.astype(np.float32)[..., None]))
    np.testing.assert_allclose(predicted, sinogram.T, atol=0.02 * sinogram.max())
    np.testing.assert_allclose(one.slices[1], 2 * sinogram.T, rtol=1e-6)


def test_a_stack_and_another_size():
    save_sinogram("s.npy", slices=2)
    one = measurement("--sinogram", "s.npy", "--views", 12, "--size", "10,12")
    assert (one.is_stack, len(one.slices), one.image_shape) == (True, 2, (10, 12, 1))


def test_a_stack_is_reconstructed():
    save_sinogram("s.npy", slices=2)
    flags = ["--views", 12, "--fan", "30,20", "--spacing", "2", "--size", "12,10"]
    assert run("--sinogram", "s.npy", *flags, *SMALL) == 0
    image = np.load("s_restored.npy")
    assert (image.shape, image.dtype) == ((2, 12, 10), np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--views", "12"], "--sinogram none.npy: no such file; accepted: a file with an array"),
        (
            ["--sinogram", "complex.npy", "--views", "12"],
            "--sinogram complex.npy: has type complex128 and",
        ),
        (
            ["--sinogram", "line.npy", "--views", "12"],
            "--sinogram line.npy: has type float32 and shape (16,)",
        ),
        (
            ["--sinogram", "nan.npy", "--views", "12"],
            "--sinogram nan.npy: has NaN or infinity in 192 of 192 values; accepted: finite number",
        ),
        (
            ["--sinogram", "s.npy"],
            "the angles are not known; accepted: --angles a.npy, or --views N",
        ),
        (
            ["--sinogram", "s.npy", "--views", "12", "--angles", "a.npy"],
            "--angles and --views are given; accepted: one of them",
        ),
        (
            ["--sinogram", "s.npy", "--views", "16"],
            "--sinogram s.npy: has shape (12, 16), and there are 16 angles; accepted: "
            "[..., 16, detectors]; transposed?",
        ),
        (
            ["--sinogram", "s.npy", "--views", "12", "--scikit-image"],
            "--sinogram s.npy: has shape (12, 16), and there are 12 angles; accepted: "
            "[..., detectors, 12]; transposed?",
        ),
        (
            ["--sinogram", "s.npy", "--views", "16", "--scikit-image", "--fan", "30,20"],
            "--fan and --scikit-image are given; accepted: one of them",
        ),
        (["--scikit-image"], "--scikit-image needs --sinogram; what is simulated has its own"),
        (
            ["--sinogram", "s.npy", "--views", "11"],
            "--sinogram s.npy: has shape (12, 16), and there are 11 angles; accepted: "
            "[..., 11, detectors]\n",
        ),
        (
            ["--sinogram", "s.npy", "--angles", "degrees.npy"],
            "--angles degrees.npy: reach 165, which looks like degrees; accepted: an array [views] "
            "of radians from -2 pi to 2 pi, which are pi / 180 times degrees\n",
        ),
        (
            ["--sinogram", "s.npy", "--angles", "hole.npy"],
            "--angles hole.npy: has NaN or infinity in 2 of 12 values; accepted: finite numbers",
        ),
        (
            ["--sinogram", "s.npy", "--angles", "s.npy"],
            "--angles s.npy: has type float32 and shape (12, 16); accepted: real, [views]",
        ),
        (["--sinogram", "s.npy", "--views", "12", "--spacing", "0"], "--spacing is 0.0; accepted"),
        (
            ["--sinogram", "s.npy", "--views", "12", "--offset", "nan"],
            "--offset is nan; accepted: p",
        ),
        (
            ["--sinogram", "s.npy", "--views", "12", "--size", "16"],
            "--size: '16' is not two whole numbers from 1 up, like 256,256",
        ),
        (
            ["--sinogram", "s.npy", "--views", "12", "--size", "4,4"],
            "--size: image has shape (4, 4, 1); a",
        ),
        (
            ["--sinogram", "s.npy", "--views", "12", "--fan", "8,5"],
            "--fan: SOURCE is 8.0; accepted: 8.1 pixels or more, so that the source is outside",
        ),
        *(
            (
                ["--sinogram", "s.npy", "--views", "12", "--fan", text],
                f"--fan: '{text}' is not two finite numbers, SOURCE above 0 and DETECTOR from 0 "
                "up, like 500,300\n",
            )
            for text in ("5", "-30,20", "30,-30", "inf,5", "30,inf", "nan,5", "1,2,3", "a,b")
        ),
        (["--angles", "a.npy"], "--angles needs --sinogram; what is simulated has its own"),
        (["--size", "9,9"], "--size needs --sinogram; what is simulated has its own"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, arguments, message):
    sinogram = save_sinogram("s.npy")
    angles = np.pi * np.arange(12) / 12
    np.save("a.npy", angles)
    np.save("hole.npy", [*angles[:10], np.nan, np.inf])
    np.save("degrees.npy", np.rad2deg(angles))
    np.save("complex.npy", 1j * sinogram.astype(float))
    np.save("line.npy", sinogram[0])
    np.save("nan.npy", np.nan * sinogram)
    before = sorted(os.listdir())
    if "none.npy" in message:
        arguments = ["--sinogram", "none.npy", *arguments]
    assert run(*arguments, *SMALL) == 2
    line = capsys.readouterr().err
    assert message in line
    assert line.startswith("reconstruct ct: error: ")
    assert line.count("\n") == 1
    assert sorted(os.listdir()) == before
