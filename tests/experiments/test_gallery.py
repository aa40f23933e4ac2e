import functools
from pathlib import Path

import commands
import numpy as np
import pytest
from commands import pixels_of

from experiments import gallery

refused = functools.partial(commands.refused, gallery)


@pytest.mark.parametrize("exhibit", gallery.EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_every_exhibit_damages_its_picture_and_names_existing_files(tmp_path, exhibit):
    exhibit.damage(tmp_path)
    damaged = pixels_of(tmp_path / exhibit.flags[exhibit.flags.index("--image") + 1])
    clean = pixels_of(tmp_path / "clean.png")
    assert damaged.shape == clean.shape == (192, 192, 3)
    assert (damaged != clean).any()
    for flag in exhibit.flags:
        if flag.endswith((".png", ".jpg")):
            assert (tmp_path / flag).exists()


def test_text_is_of_one_colour_that_the_picture_lacks(tmp_path):
    gallery._write_over(tmp_path)
    damaged, clean = pixels_of(tmp_path / "x.png"), pixels_of(tmp_path / "clean.png")
    written = (damaged == np.array(gallery.MAGENTA)).all(axis=-1)
    np.testing.assert_array_equal(written, (damaged != clean).any(axis=-1))
    assert 0.02 < written.mean() < 0.5


def test_the_page_shows_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    (tmp_path / "hole.json").write_text('{"psnr_input": 20.0, "psnr": 31.5, "iterations": 7}')
    page = gallery._page()
    assert "## A large hole" in page
    assert "20.00 dB before, 31.50 dB after 7 iterations" in page
    assert "python -m experiments.inpaint --image x.png --mask mask.png" in page
    assert "JPEG" not in page


def test_an_unknown_exhibit_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(capsys, "--only", "rain")
    assert "--only is 'rain'; accepted: jpeg, text, hole, flash" in message
    assert not list(Path().iterdir())
