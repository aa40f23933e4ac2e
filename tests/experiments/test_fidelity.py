import functools
import json
from pathlib import Path

import command_line
import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image

from drp_jax import preset
from drp_jax.operators import Downsample
from experiments import fidelity, photographs

run = functools.partial(command_line.run, fidelity)
refused = functools.partial(command_line.refused, fidelity)

SMALL = fidelity.Experiment(
    name="small",
    official=fidelity.Official("denoise", "a small image", photographs.peppers),
    method=preset("paper").adjusted(width=4, iterations=4),
    original="9 dB",
)


@pytest.fixture(autouse=True)
def folder_with_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    for name, seed in (("clean", 0), ("Gaussian_Noise_2", 1)):
        pixels = (make_photograph(12, 14, 3, seed) * 255).astype(np.uint8)
        Path("data/denoise").mkdir(parents=True, exist_ok=True)
        np.savez(f"data/denoise/Peppers_{name}.npz", pixels)
    Path("data/super_resolution").mkdir()
    Image.fromarray(pixels[:, :12]).resize((48, 48)).save("data/super_resolution/baby.png")
    Path("data/inpaint").mkdir()
    gray = (make_photograph(512, 512, 1)[..., 0] * 255).astype(np.uint8)
    Image.fromarray(gray).save("data/inpaint/barbara_img_0.1.png")


def test_an_experiment_is_measured_and_shown_on_the_page(monkeypatch):
    monkeypatch.setattr(fidelity, "EXPERIMENTS", (SMALL,))
    assert run("--data", "data") == 0
    report = json.loads(Path("benchmarks/results/fidelity/small.json").read_text())
    assert report["iterations"] == 4
    assert report["best_psnr"] >= report["psnr"] - 1e-4
    assert report["seconds_per_iteration"] == pytest.approx(report["seconds"] / 4)
    row = Path("docs/fidelity.md").read_text().splitlines()[-1]
    assert f"| {report['psnr']:.2f} |" in row
    assert "width 4, 1 scale(s)" in row
    assert "9 dB" in row


def test_bad_input_is_answered_in_one_line(capsys):
    message = refused(capsys, "--only", "denoise")
    assert "--only is 'denoise'; accepted: denoise-drp-dip, " in message
    assert "--data names the folder" in refused(capsys, "--data", "none", "--only", "denoise-dip")
    Path("docs").rmdir()
    assert "docs: no such folder; run this in the project's folder" in refused(capsys)


def test_every_experiment_has_its_own_name():
    names = [experiment.name for experiment in fidelity.EXPERIMENTS]
    assert len(set(names)) == len(names)


def test_official_images_are_degraded_as_the_programs_do():
    data = Path("data")
    small = photographs.baby(data)
    assert small.observation.shape == (12, 12, 3)
    assert isinstance(small.operator, Downsample)
    assert small.metric_name == "luma_psnr"
    with Image.open("data/super_resolution/baby.png") as opened:
        expected = np.asarray(opened.resize((12, 12), Image.Resampling.LANCZOS)) / 255
    np.testing.assert_allclose(small.observation, expected, atol=1e-6)

    holes = photographs.barbara(data)
    known = holes.operator.mask
    assert holes.reference.shape == (256, 256, 1)
    assert abs(np.mean(known) - 0.5) < 0.01
    np.testing.assert_array_equal(holes.observation, holes.reference * known)
