"""docs/photographs.md: its code runs as it is written, and its flags are the command's."""

import re
from pathlib import Path

import numpy as np
import pytest
from code_blocks import run_python
from conftest import make_photograph
from PIL import Image

from drp_jax.commands.denoise import denoise

PAGE = "docs/photographs.md"


@pytest.mark.slow
def test_the_example(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / PAGE).resolve()
    noise = np.random.default_rng(0).normal(0, 12, (40, 44, 3))
    clean = 255 * np.asarray(make_photograph(40, 44, 3))
    monkeypatch.chdir(tmp_path)
    for name, image in (("photo", clean), ("wall", 128 + 0 * clean)):
        pixels = np.clip(image + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(f"{name}.jpg", quality=95)
    names = run_python(text)
    assert names["cleaned"].shape == names["same"].shape == (40, 44, 3)


@pytest.mark.parametrize("flag", ["--strength", "--sigma", "--image"])
def test_the_flags_are_there(flag):
    text = (Path(__file__).parents[2] / PAGE).read_text()
    assert re.search(rf"{flag}\b", text)
    assert flag in [option for parameter in denoise.params for option in parameter.opts]
