"""The page's photographs without a browser: every task, what is refused, and the file."""

from types import SimpleNamespace

import numpy as np
import pytest
from command_line import pixels_of, save
from conftest import make_photograph
from gradual import Broken, Certain, Gradual, take
from PIL import Image

from drp_jax import preset, read_image, write_image
from drp_jax.app import photographs
from drp_jax.app.photographs import TASKS, Asked
from drp_jax.images import Metadata, Picture
from drp_jax.presets import names

LIMIT = 2.0


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    take(monkeypatch, Gradual())


def restored(asked, limit=LIMIT):
    """All that is shown, and the picture in the file as it was there to be fetched."""
    every, picture = [], None
    for one in photographs.restored(asked, [], limit):
        every.append(one)
        if one.file is not None:
            picture = SimpleNamespace(name=one.file.name, picture=read_image(one.file))
            kept = one.file
    if picture is not None:
        assert not kept.exists()  # nothing is left behind
    assert [one.has_ended for one in every] == [False] * (len(every) - 1) + [True]
    return every, picture


def refusal(asked, limit=LIMIT):
    every, file = restored(asked, limit)
    assert file is None
    return every[-1].text


def test_a_photograph_gets_better_and_keeps_what_its_file_held():
    image = make_photograph(12, 15, 3)
    profile = b"a profile"
    held = Picture(image, "uint16", metadata=Metadata(icc_profile=profile))
    write_image("x.png", held)
    every, file = restored(Asked("Denoise", "x.png"))
    assert file.name == "x_restored.png"
    assert file.picture.depth == "uint16"
    assert file.picture.metadata.icc_profile == profile
    expected = (1 - 0.5**6) * image
    np.testing.assert_allclose(file.picture.image, expected, atol=1 / 65535)
    last = every[-1]
    before, after = last.pair
    np.testing.assert_array_equal(before, np.rint(255 * image))
    np.testing.assert_allclose(after, 255 * expected, atol=0.51)
    assert last.uncertainty.shape[2] == 3
    assert "iteration limit" in last.text
    assert "6 iterations in " in last.text
    assert "the start" not in last.text  # of this process, which is long ago
    assert every[0].text == "Reading ..."
    distances = [
        np.abs(one.pair[0].astype(float) - one.pair[1]).mean() for one in every[2:] if one.pair
    ]
    assert distances == sorted(distances, reverse=True)


def test_painted_gaps_are_filled_and_the_rest_stays(monkeypatch):
    save("x.png", height=12, width=16)
    layer = np.zeros((6, 8, 4), np.uint8)  # shown at half the size
    layer[1:3, 2:5, 3] = 255
    _, file = restored(Asked("Fill gaps", "x.png", layers=(layer,)))
    was, now = pixels_of("x.png"), file.picture.stored()
    changed = (was != now).any(axis=-1)
    assert changed[2:6, 4:10].all()
    assert changed.sum() == 4 * 6
    known = np.full((12, 16), 255, np.uint8)
    known[7:9, 3:5] = 0
    Image.fromarray(known).save("mask.png")
    _, file = restored(Asked("Fill gaps", "x.png", layers=(layer,), mask="mask.png"))
    np.testing.assert_array_equal((was != file.picture.stored()).any(axis=-1), known == 0)


def test_a_photograph_is_enlarged():
    save("x.png", height=10, width=8)
    every, file = restored(Asked("Enlarge", "x.png", factor=3))
    assert file.picture.image.shape == (30, 24, 3)
    assert every[-1].pair[0].shape == every[-1].pair[1].shape == (30, 24, 3)


@pytest.mark.parametrize(
    ("kernel", "flag"),
    [
        ({"kernel": "Gaussian", "size": 1.5}, "gaussian:1.5"),
        ({"kernel": "Motion", "size": 5, "angle": 30}, "motion:5,30"),
        ({"kernel": "Disk", "size": 2}, "disk:2"),
        ({"kernel": "Unknown", "size": 15}, "unknown:15"),
        ({"kernel": "From a file", "kernel_file": "k.npy"}, "k.npy"),
    ],
)
def test_the_kernel_is_the_flag_of_the_command(kernel, flag):
    assert photographs._sharpen(Asked("Sharpen", "x.png", **kernel), None, None)["kernel"] == flag


def test_a_photograph_is_sharpened():
    save("x.png")
    every, file = restored(Asked("Sharpen", "x.png", size=0.7, sigma="2", iterations="4"))
    assert file.picture.image.shape == (12, 15, 3)
    assert "4 iterations in " in every[-1].text


def test_without_a_photograph_a_bundled_one_is_degraded(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    save("data/chelsea.png", height=16, width=20)
    monkeypatch.setattr("importlib.resources.files", lambda package: folder)
    for task in TASKS:
        every, file = restored(Asked(task, None, size=0.7))
        assert file.name == "chelsea_restored.png"
        # A kernel of 7 x 7 pixels blurs 16 x 20 of them into 10 x 14, without what lies outside.
        assert file.picture.image.shape == ((10, 14, 3) if task == "Sharpen" else (16, 20, 3))
        assert "PSNR in dB: " in every[-1].text


def test_a_stopped_run_is_a_result():
    save("x.png")
    interrupts, every = [], []
    for one in photographs.restored(Asked("Denoise", "x.png"), interrupts, LIMIT):
        interrupts.append(2)
        every.append(one)
    assert "its image is kept" in every[-1].text
    assert every[-1].file is not None


def test_an_uncertainty_that_is_not_found_yet_is_not_shown(monkeypatch):
    save("x.png")
    take(monkeypatch, Certain())
    every, _ = restored(Asked("Denoise", "x.png"))
    assert every[-1].file is not None
    assert every[-1].uncertainty is None


def test_a_photograph_is_shown_as_soon_as_it_is_chosen():
    save("x.png")
    shown = photographs.opened("x.png", LIMIT)
    assert shown.text == "x.png: 15 x 12 RGB image of uint8"
    for one in shown.pair:
        np.testing.assert_array_equal(one, pixels_of("x.png"))


def test_what_cannot_be_taken_is_answered_in_a_sentence(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    save("large.png", height=1000, width=1100, channels=1)
    save("x.png")
    for file, words in (
        ("bad.png", "bad.png: not an image in a known format; accepted: PNG"),
        ("large.png", "large.png: 1100 x 1000 pixels are 1.1 megapixels; accepted here: up to 1"),
    ):
        path = str(tmp_path / file)
        assert photographs.opened(path, 1.0).text.startswith(words)
        assert refusal(Asked("Denoise", path), 1.0).startswith(words)
    for asked, words in (
        (Asked("Enlarge", "x.png", factor=8), "15 x 12 pixels enlarged 8 times are 0.012 megapix"),
        (Asked("Fill gaps", "x.png"), "nothing is painted over"),
        (Asked("Sharpen", "x.png", kernel="From a file"), "no file with the kernel is given"),
        (Asked("Sharpen", "x.png", size=40), "kernel gaussian:40: 321 x 321 pixels; accepted"),
        (Asked("Denoise", "x.png", sigma="much"), "noise is 'much'; accepted: a number"),
        (Asked("Denoise", "x.png", sigma="3"), "sigma is 3, and method descent takes none"),
        (Asked("Denoise", "x.png", strength="2"), "strength is 2.0, and method descent takes no"),
        (Asked("Denoise", "x.png", iterations="0"), "iterations: iterations is 0; accepted"),
        (Asked("Denoise", "x.png", preset="slow"), "unknown preset of non-local denoise: 'slow'"),
    ):
        assert words in refusal(asked, 0.01)


def test_what_is_nobodys_input_is_said_too(monkeypatch, capsys):
    take(monkeypatch, Broken())
    save("x.png")
    assert refusal(Asked("Denoise", "x.png")).startswith("This failed: ")
    assert "no such film" in capsys.readouterr().err


def test_every_choice_is_a_preset():
    for task in TASKS.values():
        assert task.method in task.methods
        for method in task.methods:
            presets = task.presets(method)
            assert sorted(presets) == sorted(names()[method][task.name])
            assert preset(None, method=method, task=task.name) == preset(
                presets[0], method=method, task=task.name
            )
