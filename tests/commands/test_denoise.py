"""The command from argument to exit status: `main` in this process, and once as a process."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import save
from conftest import make_photograph
from denoising import SMALL, refused, run
from PIL import Image

from drp_jax import read_image
from drp_jax.commands import restoring


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


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
