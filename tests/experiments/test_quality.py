import json

import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import preset
from drp_jax.metrics import psnr
from experiments import degradations, photographs
from experiments.benchmark import quality, quality_page
from experiments.benchmark.__main__ import main


def test_every_case_gives_a_row_per_method(tmp_path, capsys, monkeypatch):
    short = preset("fast", task="super-resolve").adjusted(iterations=2)
    monkeypatch.setattr(quality, "preset", lambda *_, **__: short)  # one program for all
    output = tmp_path / "q.json"
    flags = ["--photographs", "1", "--size", "32", "--output", str(output), "--images", "tune"]
    flags += ["--draws", "2"]
    assert main(["quality", "--task", "super-resolve", "--case", "x2", *flags]) == 0
    report = json.loads(output.read_text())
    methods = [row["method"] for row in report["rows"]]
    assert methods == 2 * ["non-local fast", "non-local default", "non-local best", "bicubic"]
    assert [row["seed"] for row in report["rows"]] == [0] * 4 + [1] * 4
    for row in report["rows"]:
        assert (row["task"], row["case"], row["image"]) == ("super-resolve", "x2", "astronaut.png")
        assert 10 < row["psnr"] < 60
        assert row["seconds"] >= 0
    default = report["rows"][1]
    assert default["best_psnr"] >= default["last_psnr"]
    assert -1 <= default["uncertainty_correlation"] <= 1
    assert "| x2 | astronaut.png | bicubic |" in capsys.readouterr().out


def row(method, image, psnr, **more):
    fixed = {"task": "t", "case": "c", "seed": 0, "ssim": 0.5, "seconds": 2.0}
    return {**fixed, "image": image, "method": method, "psnr": psnr, **more}


def test_the_page_has_the_means_and_the_worst(tmp_path, monkeypatch):
    monkeypatch.setattr(quality_page, "RESULTS", tmp_path)
    monkeypatch.setattr(quality_page, "PAGE", tmp_path / "page.md")
    ours = {"best_psnr": 31.5, "uncertainty_correlation": 0.25}
    network = {"best_psnr": 30.5, "best_iteration": 50, "uncertainty_correlation": None}
    rows = [
        row("non-local x", "a", 31.0, last_psnr=31.0, **ours),
        row("theirs", "a", 30.0),
        row("non-local x", "b", 31.5, last_psnr=31.5, **ours),
        row("theirs", "b", 32.0),
        row("net", "a", 30.0, last_psnr=29.0, iterations=100, **network | {"seconds": 90.0}),
        row("net", "b", 33.0, last_psnr=33.0, iterations=100, **network | {"best_psnr": 33.0}),
    ]
    report = {"device": "cpu", "cores": 2, "size": 32, "draws": 1, "rows": rows}
    (tmp_path / "quality-t-report.json").write_text(json.dumps(report))
    quality_page.write()
    page = (tmp_path / "page.md").read_text()
    assert "| c | non-local x | 31.25 | 0.500 | 2.0 | -0.50 | 0.50 | 0.25 |" in page
    assert "| c | theirs | 31.00 | 0.500 | 2.0 |  |  |  |" in page
    assert "2 photographs, 32 x 32 pixels: a, b." in page
    assert "50% of the 2 runs of the presets end within 0.2 dB of their best." in page
    assert (
        "a: net has its best, 30.50 dB, after 45.0 s; non-local x has 31.00 dB after 2.0 s, 1/22"
    ) in page
    assert "b: net has its best, 33.00 dB, after 1.0 s; no preset reaches it." in page


def test_every_noise_is_there_and_could_lie_in_a_file():
    clean = make_photograph(40, 40, 3)
    for name in degradations.NOISES:
        noisy = degradations.add_noise(clean, name, 0)
        assert 8 < psnr(noisy, clean) < 30, name
        np.testing.assert_allclose(noisy * 255, np.rint(noisy * 255), atol=1e-4)
        assert 0 <= noisy.min() <= noisy.max() <= 1


@pytest.mark.parametrize("name", degradations.GAPS)
def test_every_gap_has_its_size(name):
    known = degradations.known_pixels(name, 100, 100, 0)
    assert known.shape == (100, 100, 1)
    expected = {"text": (0.02, 0.3), "hole": (0.04, 0.04)}.get(name)
    low, high = expected or (float(name[:2]) / 100 - 0.02, float(name[:2]) / 100 + 0.02)
    assert low <= 1 - known.mean() <= high + 1e-6


def test_crops_stay_inside_and_small_photographs_stay_out(tmp_path):
    squares = photographs.crops("tune", 400, tmp_path)
    assert {name: square.shape for name, square in squares.items()} == {
        "astronaut.png": (400, 400, 3),
        "coffee.png": (400, 400, 3),
    }


def test_the_methods_are_the_presets_and_a_network_if_asked_for():
    few = quality._methods(quality.Arguments())
    assert list(few) == ["non-local fast", "non-local default", "non-local best"]
    more = quality._methods(quality.Arguments(network="drp-dip", iterations=7))
    assert list(more)[3:] == ["non-local, its first step", "drp-dip paper"]
    assert more["drp-dip paper"].loop.iterations == 7
    assert more["non-local, its first step"].loop.iterations == 1
    dip = quality._methods(quality.Arguments(task="inpaint", network="dip"))["dip fast"]
    assert dip == preset("fast", method="dip", task="inpaint")
