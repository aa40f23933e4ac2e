"""What `denoise` says of bad input and of runs that fail, and what it leaves behind."""

import dataclasses
import os
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import save
from denoising import SMALL, refused, run
from PIL import Image

from drp_jax import read_image
from drp_jax.commands import arguments, fit
from drp_jax.untrained import Objective


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (None, ["--image", "none.png"], "none.png: no such file"),
        (lambda: Path("x.png").write_text("text"), ["--image", "x.png"], "not an image"),
        (lambda: Path("x.png").touch(), ["--image", "x.png"], "the file is empty"),
        (
            lambda: os.truncate(save("x.png", 99, 99), 4000),
            ["--image", "x.png"],
            "cannot be read as an image",
        ),
        (
            lambda: Path("x.ppm").write_text("P6 0 0 255\n"),
            ["--image", "x.ppm"],
            "x.ppm: not an image",
        ),
        (
            lambda: save("x.png", 7, 12),
            ["--image", "x.png"],
            "x.png: 12 x 7 RGB pixels; accepted: a picture from 8 x 8 up",
        ),
        (
            lambda: Image.fromarray(np.full((9, 9), np.nan, np.float32)).save("x.tif"),
            ["--image", "x.tif"],
            "x.tif: has NaN or infinity in",
        ),
        (
            lambda: save("y.png", 12, 14),
            ["--image", save, "--reference", "y.png"],
            "y.png: 14 x 12 RGB pixels; accepted: 15 x 12 RGB pixels, the size of the image",
        ),
        (
            lambda: save("y.png", channels=1),
            ["--image", save, "--reference", "y.png"],
            "y.png: 15 x 12 gray pixels; accepted: 15 x 12 RGB pixels",
        ),
        (None, ["--image", save, "--output", "no/o.png"], "the folder no does not exist"),
        (None, ["--image", save, "--metrics", "no/m.json"], "the folder no does not exist"),
        (None, ["--image", save, "--figure", "no/f.png"], "the folder no does not exist"),
        (None, ["--image", save, "--output", "o.xyz"], "unknown image format '.xyz'"),
        (None, ["--image", save, "--figure", "f.gif"], "--figure is f.gif; accepted: a path"),
        (
            None,
            ["--image", save, "--iterations", "0"],
            "iterations is 0; accepted: whole",
        ),
        (
            None,
            ["--image", save, "--iterations", "-3"],
            "iterations is -3; accepted: whole",
        ),
        (None, ["--image", save, "--iterations", "x"], "--iterations: 'x' is not a whole number"),
        (
            None,
            ["--image", save, "--preset", "paper", "--width", "0"],
            "width is 0; accepted: whole",
        ),
        (
            None,
            ["--image", save, "--precision", "half"],
            "--precision is 'half'; accepted: float32, tf32, bfloat16",
        ),
        (
            None,
            ["--image", save, "--preset", "paper", "--learning-rate", "0"],
            "learning rate is 0.0; accepted: ",
        ),
        (
            None,
            ["--image", save, "--preset", "paper", "--tv-weight", "nan"],
            "--tv-weight: regularizer weight is nan; accepted: from 0 to",
        ),
        (
            None,
            ["--image", save, "--seed", "-1"],
            "--seed: '-1' is not a whole number from 0 to 4294967295",
        ),
        (None, ["--image", save, "--add-noise", "0"], "--add-noise is 0.0; accepted: above 0"),
        (
            None,
            ["--image", save, "--add-noise", "9", "--reference", "y.png"],
            "--add-noise makes its own reference; leave out --reference",
        ),
        (None, ["--reference", "y.png"], "--reference needs --image"),
        (None, ["--method", "drp"], "--method is 'drp'; accepted: non-local, drp-dip, drp-dd, dip"),
        (
            None,
            ["--method", "tv"],
            "--method is 'tv'; accepted: non-local, drp-dip, drp-dd, dip, dd",
        ),
        (None, ["--preset", "slow"], "unknown preset of non-local denoise: 'slow'; accepted: def"),
        (None, ["--image", save, "--width", "8"], "--width is 8, and method non-local takes none"),
        (
            None,
            ["--image", save, "--tv-weight", "1"],
            "--tv-weight is 1.0, and method non-local takes none; accepted: --iterations, --str",
        ),
        (None, ["--precision", "tf32"], "--precision is tf32, and method non-local takes none"),
        (None, ["--rematerialise"], "--rematerialise is True, and method non-local takes none"),
        (
            None,
            ["--image", save, "--seed-image", "y.png"],
            "--seed-image is y.png, and method non-local takes none",
        ),
        (
            None,
            ["--image", save, "--seed-image", "y.png", "--method", "dip"],
            "y.png: no such file",
        ),
        (
            None,
            ["--image", save, "--preset", "paper", "--ema-decay", "1"],
            "--ema-decay: ema_decay is 1.0; accepted: in [0, 1)",
        ),
        (
            None,
            ["--iteration", "3"],
            "denoise: error: Unrecognized options: --iteration (did you mean --iterations?); "
            "accepted: flags and their values, like --image PATH (see --help)\n",
        ),
        (
            None,
            ["--image", save, "--preset", "paper", "--learning-rate", "1e39"],
            "learning rate is 1e+39; accepted",
        ),
        (None, ["--image", save, "--iterations", "99999999999"], "iterations is 99999999999; acc"),
        (None, ["--image", save, "--output", "y.png", "--figure", "y.png"], "y.png: is another"),
        (None, ["--image", save, "--metrics", "x.png"], "x.png: is an input too; accepted: a path"),
        (lambda: os.mkfifo("pipe.png"), ["--image", save, "--output", "pipe.png"], "not a regular"),
        (
            lambda: os.symlink("none/o.png", "link.png"),
            ["--image", save, "--output", "link.png"],
            "none does not exist",
        ),
        (None, ["--image", 300 * "x" + ".png"], "cannot be read as an image: "),
        (None, ["--image", save, "--output", 300 * "x" + ".png"], "cannot write there: "),
        (None, ["--image", "two\nlines.png"], "two\\nlines.png: no such file"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, make, arguments, message):
    if make is not None:
        make()
    arguments = [save("x.png") if argument is save else argument for argument in arguments]
    before = sorted(os.listdir())
    assert message in refused(capsys, *arguments)
    assert sorted(os.listdir()) == before


def test_an_output_folder_that_cannot_be_written_is_refused(capsys, monkeypatch):
    save("x.png")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert "cannot write there: Permission denied" in refused(capsys, "--image", "x.png")


def test_an_existing_output_survives_a_failure(capsys, monkeypatch):
    save("x.png")
    Path("o.png").write_text("precious")
    monkeypatch.setattr(fit, "restore_large", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("--image", "x.png", "--output", "o.png", *SMALL)
    assert Path("o.png").read_text() == "precious"


def test_a_run_without_a_finite_image_writes_nothing(capsys, monkeypatch):
    save("x.png")
    nothing = Objective(lambda prediction, observation: jnp.nan * jnp.mean(prediction))
    preset = arguments.preset

    def broken(*args, **options):
        return dataclasses.replace(preset(*args, **options), objective=nothing)

    monkeypatch.setattr(arguments, "preset", broken)
    assert run("--image", "x.png", *SMALL) == 2
    assert "the loss is not finite at the first iteration" in capsys.readouterr().err
    assert os.listdir() == ["x.png"]


def test_a_run_that_diverges_keeps_the_last_finite_image_and_exits_1(capsys, monkeypatch):
    save("x.png")
    monkeypatch.setattr("drp_jax.untrained.optimizers.MOST_LEARNING_RATE", 1e39)
    assert run("--image", "x.png", *SMALL, "--iterations", "9", "--learning-rate", "1e38") == 1
    assert "became non-finite" in capsys.readouterr().out
    assert read_image("x_restored.png").image.max() > 0


def test_an_error_on_a_coloured_terminal_is_still_one_plain_line(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    line = refused(capsys, "--noisy")
    assert line.startswith("denoise: error: Unrecognized options: --noisy")
