"""The command from argument to exit status: `main` in this process, and once as a process."""

import dataclasses
import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import command_line
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import save
from conftest import make_photograph
from PIL import Image

from drp_jax import read_image
from drp_jax.commands import arguments, denoise, fit, restoring
from drp_jax.untrained import Objective

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "3"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


run = functools.partial(command_line.run, denoise)


refused = functools.partial(command_line.refused, denoise)


def test_the_default_output_lies_beside_the_input(tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    save("folder/x.png")
    assert run("--image", "folder/x.png", *SMALL) == 0
    assert sorted(os.listdir("folder")) == ["x.png", "x_restored.png"]
    assert read_image("folder/x_restored.png").image.shape == (12, 15, 3)
    out, err = capsys.readouterr()
    assert "The run reached its iteration limit." in out
    assert "wrote folder/x_restored.png" in out
    assert "PSNR" not in out + err
    assert re.search(r"^iteration 1/3  loss 0\.\d+$", err, re.MULTILINE)
    assert re.search(r"^iteration 3/3  loss 0\.\d+  0:00 left$", err, re.MULTILINE)


@pytest.mark.slow
def test_without_flags_the_preset_default_denoises(capsys):
    save("x.png", 24, 20)
    flags = ["--figure", "f.png", "--metrics", "m.json"]
    assert run("--image", "x.png", "--add-noise", "30", *flags) == 0
    metrics = json.loads(Path("m.json").read_text())
    assert (metrics["method"], metrics["preset"]) == ("non-local", "default")
    assert metrics["psnr"] > metrics["psnr_input"] + 3
    assert metrics["iterations"] == 3
    assert metrics["status"] == "completed"
    line = r"^step 2/3 Wiener  residual 0\.\d+  PSNR \d+\.\d\d dB  \d:\d\d left$"
    out, err = capsys.readouterr()
    assert re.search(line, err, re.MULTILINE)
    assert "3 steps in " in out
    assert re.search(r"^noise: \d\d\.\d of 255$", out, re.MULTILINE)
    # One panel more than without an uncertainty map.
    with_map = read_image("f.png").image.shape[1]
    assert run("--image", "x.png", "--add-noise", "30", *flags, *SMALL) == 0
    without = read_image("f.png").image.shape[1]
    np.testing.assert_allclose(with_map / without, 4 / 3, rtol=0.01)
    assert "wrote f.png" in capsys.readouterr().out


def test_a_noise_that_is_stated_is_taken_and_a_strength_multiplies_it(capsys):
    save("x.png", 24, 20)
    short = ["--image", "x.png", "--preset", "fast"]
    for flags in (["--sigma", "10"], ["--sigma", "10", "--strength", "2"]):
        assert run(*short, *flags, "--output", f"{len(flags)}.png") == 0
        assert "noise: 10.0 of 255\n" in capsys.readouterr().out
    once, twice = (np.ravel(read_image(f"{count}.png").image) for count in (2, 4))
    assert np.abs(np.diff(twice)).sum() < np.abs(np.diff(once)).sum()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--sigma", "0"], "--sigma is 0; accepted: above 0, up to 255"),
        (["--sigma", "300"], "--sigma is 300; accepted: above 0, up to 255"),
        (["--sigma", "5", *SMALL], "--sigma is 5, and method drp-dd takes none; accepted: method"),
        (["--strength", "-1"], "--strength: strength is -1.0; accepted: above 0"),
        (["--strength", "2", *SMALL], "--strength is 2.0, and method drp-dd takes none; accepted"),
    ],
)
def test_a_noise_that_means_nothing_is_refused(capsys, flags, message):
    save("x.png")
    assert message in refused(capsys, "--image", "x.png", *flags)


def test_added_noise_is_scored_and_reported(capsys):
    save("x.png")
    flags = ["--figure", "f.png", "--metrics", "m.json", "--output", "o.png", "--seed", "5"]
    assert run("--image", "x.png", "--add-noise", "30", *flags, *SMALL) == 0
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["psnr"] > 5
    assert metrics["iterations"] == metrics["image_iteration"] == 3
    assert metrics["status"] == "iteration_limit"
    assert metrics["message"] == "The run reached its iteration limit."
    assert metrics["iterate"] == "last"
    assert (metrics["method"], metrics["preset"]) == ("drp-dd", "fast")
    assert metrics["settings"]["generator"]["width"] == 4
    assert metrics["settings"]["objective"]["fidelity"] == "rmse"
    assert metrics["seconds"] > 0
    assert metrics["compile_seconds"] >= 0
    assert metrics["first_iteration_seconds"] > 0
    assert metrics["device"].startswith("cpu")
    assert {"python", "jax", "flax", "optax", "drp_jax"} <= set(metrics["versions"])
    # Noise of standard deviation 30 of 255, less what clipping takes.
    assert abs(metrics["psnr_input"] - 20 * np.log10(255 / 30)) < 1
    with Image.open("f.png") as figure:
        assert figure.width > figure.height > 300
    assert f"-> restored {metrics['psnr']:.2f}" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_file(capsys):
    save("x.png")
    outputs = []
    for seed in (1, 1, 2):
        run("--image", "x.png", "--add-noise", "10", "--seed", seed, "--output", "o.png", *SMALL)
        outputs.append(Path("o.png").read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


def test_a_reference_is_scored_against(capsys):
    save("noisy.png", seed=0)
    save("clean.png", seed=1)
    assert run("--image", "noisy.png", "--reference", "clean.png", *SMALL) == 0
    out = capsys.readouterr().out
    assert re.search(r"^PSNR in dB: input [\d.]+ -> restored [\d.]+$", out, re.MULTILINE)
    assert re.search(r"^SSIM: input -?[\d.]+ -> restored -?[\d.]+$", out, re.MULTILINE)


def test_the_output_has_the_mode_and_alpha_of_the_input():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 15, 2), np.uint8)
    Image.fromarray(pixels).save("x.png")
    assert run("--image", "x.png", *SMALL) == 0
    with Image.open("x_restored.png") as written:
        assert written.mode == "LA"
        np.testing.assert_array_equal(np.asarray(written)[..., 1], pixels[..., 1])


def test_a_float_image_is_answered_with_a_float_image():
    Image.fromarray(make_photograph(12, 15, 1)[..., 0]).save("x.tif")
    assert run("--image", "x.tif", *SMALL) == 0
    assert read_image("x_restored.tif").depth == "float32"


def test_without_an_image_it_shows_a_bundled_photograph(tmp_path, monkeypatch, capsys):
    small = tmp_path / "data"
    small.mkdir()
    save("data/chelsea.png")
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    assert run(*SMALL) == 0
    assert sorted(os.listdir()) == ["chelsea_figure.png", "chelsea_restored.png", "data"]
    assert "PSNR" in capsys.readouterr().out


def test_the_bundled_photograph_is_in_the_package():
    assert restoring.bundled_photograph().image.shape == (300, 451, 3)


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
            "accepted: flags and their values, like --image x.png (see --help)\n",
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


def test_a_bar_is_drawn_on_a_terminal(capsys, monkeypatch):
    save("x.png")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("--image", "x.png", *SMALL) == 0
    err = capsys.readouterr().err
    assert "━" in err
    assert "3/3" in err
    assert "iteration 3/3" not in err


def test_help_shows_flags_with_defaults(capsys):
    assert run("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--add-noise X" in text
    assert "0-255 scale" in text
    assert "(default: default; fast for a network)" in text


def test_ctrl_c_saves_the_image_and_exits_130():
    save("x.png", 64, 64)
    command = [sys.executable, "-m", "drp_jax", "denoise", "--image", "x.png"]
    process = subprocess.Popen(
        [*command, "--preset", "paper", "--iterations", "1000000", "--metrics", "m.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("iteration 1/"):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert re.search(r"^Interrupted after iteration \d+; its image is kept\.$", out, re.MULTILINE)
    assert "wrote x_restored.png" in out
    assert read_image("x_restored.png").image.shape == (64, 64, 3)
    assert json.loads(Path("m.json").read_text())["status"] == "interrupted"
