import functools
from pathlib import Path

import command_line
import numpy as np
import pytest
from command_line import pixels_of

from experiments import gallery

refused = functools.partial(command_line.refused, gallery)


@pytest.mark.parametrize("name", gallery.EXHIBITS)
def test_every_exhibit_degrades_its_picture_and_names_existing_files(name):
    if name == "camera":
        pytest.importorskip("cv2", reason="needs the extra bench")
    files = gallery.EXHIBITS[name].degrade()
    flags = gallery.EXHIBITS[name].flags.split()
    degraded, clean = files[flags[flags.index("--image") + 1]], files["clean.png"]
    assert degraded.size == clean.size == (192, 192)
    assert degraded.mode == clean.mode == "RGB"
    # A JPEG is degraded where it is written.
    assert name.startswith("jpeg") or (np.asarray(degraded) != np.asarray(clean)).any()
    assert all(flag in files for flag in flags if flag.endswith((".png", ".jpg")))


def test_text_is_of_one_colour_that_the_picture_lacks():
    files = gallery.EXHIBITS["text"].degrade()
    degraded, clean = np.asarray(files["x.png"]), np.asarray(files["clean.png"])
    written = (degraded == np.array(gallery.MAGENTA)).all(axis=-1)
    np.testing.assert_array_equal(written, (degraded != clean).any(axis=-1))
    assert 0.02 < written.mean() < 0.5


def test_an_exhibit_is_written_restored_and_shown(tmp_path, monkeypatch):
    seen = {}

    def restored(words):
        flags = dict(zip(words[::2], words[1::2], strict=True))
        degraded, clean = pixels_of(flags["--image"]), pixels_of(flags["--reference"])
        seen["differ"] = degraded.shape == clean.shape and (degraded != clean).any()
        Path(flags["--metrics"]).write_text('{"psnr_input": 1.0, "psnr": 2.0, "iterations": 3}')
        return 0

    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    monkeypatch.setattr(gallery.denoise, "main", restored)
    assert command_line.run(gallery, "--only", "jpeg") == 0
    assert seen["differ"]
    assert "1.00 dB before, 2.00 dB after 3 iterations" in (tmp_path / "README.md").read_text()


def test_the_page_shows_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    (tmp_path / "hole.json").write_text('{"psnr_input": 20.0, "psnr": 31.5, "iterations": 7}')
    gallery.write_page()
    page = (tmp_path / "README.md").read_text()
    assert "## A large hole" in page
    assert "20.00 dB before, 31.50 dB after 7 iterations" in page
    assert "python -m experiments.inpaint --image x.png --mask mask.png" in page
    assert "JPEG" not in page


def test_an_unknown_exhibit_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(capsys, "--only", "rain")
    assert "--only is 'rain'; accepted: camera, jpeg-filter, jpeg, text, hole, flash" in message
    assert not list(Path().iterdir())
