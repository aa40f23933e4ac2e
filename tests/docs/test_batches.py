"""docs/batches.md: its code runs."""

import pytest
from code_blocks import run_python
from command_line import pixels_of, save

import drp_jax
from drp_jax.metrics import psnr
from drp_jax.non_local import Denoise

PAGE = "docs/batches.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The pictures that the page names; they are denoised in one step."""
    short = Denoise(refinements=(), iterations=1)
    monkeypatch.setitem(drp_jax.presets._PRESETS["non-local"]["denoise"], "default", short)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noisy").mkdir()
    for seed, name in enumerate("ab"):
        save(f"noisy/{name}.png", height=16, width=18, seed=seed)
    return tmp_path


@pytest.mark.slow
def test_the_code_runs(folder):
    names = run_python(PAGE)
    two = names["two"]
    assert two.image.shape == (2, 32, 32, 1)
    for image, noisy in zip(two.image, names["noisy"], strict=True):
        assert psnr(image, names["clean"]) > psnr(noisy, names["clean"]) + 1
    assert all(pixels_of(f"restored_{number}.png").shape == (16, 18, 3) for number in range(2))
    assert names["lean"].compute.precision == "bfloat16"
    assert names["lean"].compute.rematerialise
