import functools
import json
from pathlib import Path

import command_line
import numpy as np
import pytest
from PIL import Image

from drp_jax import preset
from drp_jax.stopping import WindowedVariance
from experiments import early_stopping

run = functools.partial(command_line.run, early_stopping)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("benchmarks/results").mkdir(parents=True)


def test_the_published_settings_with_the_rule_and_without_the_average():
    method = early_stopping.dip(early_stopping.Arguments(patience=7))
    assert method.loop.stopping == WindowedVariance(window=30, patience=7)
    assert method.loop.ema_decay is None
    assert method.learning_rate == 0.01
    assert method.name == "dip"


def test_curves_page_and_figure_come_from_the_runs(monkeypatch):
    monkeypatch.setattr(early_stopping, "CROPS", {"coffee.png": (0, 0), "chelsea.png": (0, 0)})
    monkeypatch.setattr(early_stopping, "SIDE", 16)
    rule = WindowedVariance(window=2, patience=3)
    small = preset("paper").adjusted(width=4, iterations=9, stopping=rule)
    monkeypatch.setattr(early_stopping, "dip", lambda parsed: small)
    assert run("--window", "2", "--patience", "3") == 0
    runs = json.loads(Path("benchmarks/results/early_stopping.json").read_text())["runs"]
    assert [(one["image"], one["sigma"]) for one in runs] == [
        (name, sigma) for name in ("coffee.png", "chelsea.png") for sigma in (25, 50)
    ]
    for one in runs:
        assert len(one["psnr"]) == one["iterations"] <= 9
        assert one["peak_psnr"] == pytest.approx(max(one["psnr"]), abs=1e-3)
        assert one["peak_iteration"] == np.argmax(one["psnr"]) + 1
        returned = one["psnr"][one["returned_iteration"] - 1]
        assert one["returned_psnr"] == pytest.approx(returned, abs=1e-3)
    page = Path("docs/early_stopping.md").read_text()
    assert "window 2, patience 3" in page
    assert page.count("| coffee.png |") == page.count("| chelsea.png |") == 2
    with Image.open("docs/early_stopping.png") as figure:
        assert figure.width > figure.height > 300
