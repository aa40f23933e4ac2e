"""The command inpaint from argument to exit status, on tiny images."""

import functools
import json
import os
import re
from pathlib import Path

import command_line
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import pixels_of
from conftest import make_photograph
from PIL import Image

from drp_jax.commands import inpaint
from drp_jax.non_local.plug_and_play import observed_noise

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "3"]  # compiles fastest
CHOICES = "--mask, --missing, --mask-from-alpha, --mask-color"
MAGENTA = (255, 0, 255)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def bytes_of(height=12, width=15, channels=3, seed=0):
    return np.rint(make_photograph(height, width, channels, seed) * 255).astype(np.uint8)


def save(name, pixels=None):
    Image.fromarray((bytes_of() if pixels is None else pixels).squeeze()).save(name)
    return name


def holes(height=12, width=15):
    """True where pixels are missing: a block and single pixels."""
    missing = np.random.default_rng(3).random((height, width)) < 0.2
    missing[2:6, 3:8] = True
    return missing


def save_mask(name, missing):
    return save(name, np.where(missing, 0, 255).astype(np.uint8))


run = functools.partial(command_line.run, inpaint)


refused = functools.partial(command_line.refused, inpaint)


def job_of(*flags):
    """The job that flags ask for, without running it."""
    received = []

    @inpaint.options.command("inpaint", inpaint.InpaintArguments, help=None)
    def note(parsed):
        received.append(inpaint.job(parsed.of_one(*parsed.images, *parsed.images)))
        return 0

    assert inpaint.options.run(note, [*map(str, flags)], program="inpaint") == 0
    return received[0]


def test_a_mask_file_says_what_is_missing(capsys):
    image = bytes_of()
    save("x.png", image)
    mask = np.where(holes(), 0, 255).astype(np.uint8)
    mask[0, :4] = 0, 127, 128, 255  # white begins in the middle
    save("m.png", mask)
    assert run("--image", "x.png", "--mask", "m.png", *SMALL) == 0
    assert sorted(os.listdir()) == ["m.png", "x.png", "x_restored.png"]
    known = holes() == 0
    known[0, :4] = False, False, True, True
    restored = pixels_of("x_restored.png")
    np.testing.assert_array_equal((restored == image).all(axis=-1), known)
    out, err = capsys.readouterr()
    assert "The run reached its iteration limit." in out
    assert "wrote x_restored.png" in out
    assert "PSNR" not in out + err


def test_a_filter_fills_in_by_steps(capsys):
    save("x.png")
    save_mask("m.png", holes())
    flags = ["--preset", "fast", "--iterations", "2", "--figure", "f.png"]
    assert run("--image", "x.png", "--mask", "m.png", *flags) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^step 1/2  change \d\.\d+$", err, re.MULTILINE)
    assert re.search(r"^step 2/2  change \d\.\d+  \d:\d\d left$", err, re.MULTILINE)
    assert "All steps of the method are done.\n2 steps in " in out
    assert "wrote f.png" in out


def test_known_pixels_change_only_when_asked():
    image = bytes_of()
    save("x.png", image)
    save_mask("m.png", holes())
    for flags in (["--output", "kept.png"], ["--output", "all.png", "--no-keep-known"]):
        assert run("--image", "x.png", "--mask", "m.png", *flags, *SMALL) == 0
    kept, changed = pixels_of("kept.png"), pixels_of("all.png")
    np.testing.assert_array_equal(kept[~holes()], image[~holes()])
    np.testing.assert_array_equal(kept[holes()], changed[holes()])
    assert (changed[~holes()] != image[~holes()]).any(axis=-1).mean() > 0.8


def test_known_pixels_change_if_the_filter_is_told_of_noise(capsys):
    image = bytes_of(16, 18)
    save("x.png", image)
    save_mask("m.png", holes(16, 18))
    flags = ["--image", "x.png", "--mask", "m.png", "--method", "non-local"]
    flags += ["--preset", "fast", "--iterations", "2"]
    known = {}
    for sigma in (0, 10):
        assert run(*flags, "--sigma", sigma) == 0
        known[sigma] = pixels_of("x_restored.png")[~holes(16, 18)]
    np.testing.assert_array_equal(known[0], image[~holes(16, 18)])
    assert (known[10] != image[~holes(16, 18)]).any(axis=-1).mean() > 0.8
    assert capsys.readouterr().out.count("noise: 10.0 of 255\n") == 1


def test_the_noise_is_told_by_the_run_alone(monkeypatch):
    save("x.png", bytes_of(17, 19))
    save_mask("m.png", holes(17, 19))
    asked = []
    told = "drp_jax.non_local.plug_and_play.known_noise_level"
    monkeypatch.setattr(told, lambda *_: asked.append(1) or jnp.float32(0))
    job = job_of("--image", "x.png", "--mask", "m.png")
    assert not asked
    observed_noise(job.problem)
    assert asked


def test_what_lies_in_the_holes_does_not_matter():
    save_mask("m.png", holes())
    for name, value in (("black.png", 0), ("white.png", 255)):
        save(name, np.where(holes()[..., None], np.uint8(value), bytes_of()))
        assert run("--image", name, "--mask", "m.png", "--output", f"o_{name}", *SMALL) == 0
    np.testing.assert_array_equal(pixels_of("o_black.png"), pixels_of("o_white.png"))


def test_dropped_pixels_are_scored_by_themselves(capsys):
    save("x.png")
    flags = ["--metrics", "m.json", "--figure", "f.png", "--seed", "5"]
    assert run("--image", "x.png", "--missing", "0.3", *flags, *SMALL) == 0
    restored, image = pixels_of("x_restored.png") / 255, bytes_of() / 255
    missing = (restored != image).any(axis=-1)
    assert abs(missing.mean() - 0.3) < 0.1
    metrics = json.loads(Path("m.json").read_text())

    def decibels(squares):
        # The file holds bytes, the score is that of the values before rounding.
        return pytest.approx(-10 * np.log10(squares.mean()), abs=0.03)

    squared = (restored - image) ** 2
    assert metrics["psnr"] == decibels(squared)
    assert metrics["psnr_missing"] == decibels(squared[missing])
    # The input is black where pixels are missing.
    assert metrics["psnr_input"] == decibels(np.where(missing[..., None], image, 0) ** 2)
    assert metrics["psnr_missing_input"] == decibels(image[missing] ** 2)
    assert -1 <= metrics["ssim_input"] < 1
    assert metrics["iterations"] == 3
    out = capsys.readouterr().out
    score = f"{metrics['psnr_missing_input']:.2f} -> restored {metrics['psnr_missing']:.2f}"
    assert f"PSNR in dB of the missing pixels: input {score}\n" in out
    with Image.open("f.png") as figure:
        assert figure.width > figure.height > 300


def test_the_seed_draws_the_missing_pixels():
    save("x.png")
    masks = []
    for seed in (1, 1, 2):
        flags = ["--seed", seed, "--output", "o.png"]
        assert run("--image", "x.png", "--missing", "0.5", *flags, *SMALL) == 0
        masks.append((pixels_of("o.png") != bytes_of()).any(axis=-1).tolist())
    assert masks[0] == masks[1] != masks[2]


def test_a_reference_is_scored_against(capsys):
    save("x.png", np.where(holes()[..., None], np.uint8(0), bytes_of()))
    save("clean.png")
    save_mask("m.png", holes())
    flags = ["--mask", "m.png", "--reference", "clean.png", "--metrics", "m.json"]
    assert run("--image", "x.png", *flags, *SMALL) == 0
    out = capsys.readouterr().out
    assert re.search(r"^PSNR in dB: input [\d.]+ -> restored [\d.]+$", out, re.MULTILINE)
    expected = -10 * np.log10(np.mean((bytes_of()[holes()] / 255) ** 2))
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["psnr_missing_input"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("channels", "modes"), [(3, "RGBA RGB"), (1, "LA L")])
def test_transparent_pixels_are_filled(channels, modes):
    image = bytes_of(channels=channels)
    alpha = np.where(holes(), 0, 200).astype(np.uint8)
    alpha[11, 14] = 1  # nearly transparent, but known
    save("x.png", np.concatenate([image, alpha[..., None]], axis=-1))
    assert run("--image", "x.png", "--mask-from-alpha", *SMALL) == 0
    before, after = modes.split()
    with Image.open("x.png") as read, Image.open("x_restored.png") as written:
        assert (read.mode, written.mode) == (before, after)
        assert not written.has_transparency_data
    restored = pixels_of("x_restored.png").reshape(image.shape)
    np.testing.assert_array_equal(restored[alpha > 0], image[alpha > 0])
    assert (restored[alpha == 0] != image[alpha == 0]).any(axis=-1).mean() > 0.8


def test_alpha_stays_where_it_does_not_say_what_is_missing():
    alpha = np.random.default_rng(0).integers(0, 256, (12, 15, 1), np.uint8)
    save("x.png", np.concatenate([bytes_of(), alpha], axis=-1))
    save_mask("m.png", holes())
    assert run("--image", "x.png", "--mask", "m.png", *SMALL) == 0
    np.testing.assert_array_equal(pixels_of("x_restored.png")[..., 3:], alpha)


def test_pixels_of_one_colour_are_filled():
    image = bytes_of()
    image[holes()] = MAGENTA
    image[0, 0] = 255, 0, 254  # another colour
    missing = (image == MAGENTA).all(axis=-1)
    save("x.png", image)
    assert run("--image", "x.png", "--mask-color", "255,0,255", *SMALL) == 0
    restored = pixels_of("x_restored.png")
    np.testing.assert_array_equal((restored == image).all(axis=-1), ~missing)


def test_a_colour_of_a_gray_image():
    image = bytes_of(channels=1)
    image[holes()] = 7
    save("x.png", image)
    assert run("--image", "x.png", "--mask-color", "7,7,7", *SMALL) == 0
    restored = pixels_of("x_restored.png")
    np.testing.assert_array_equal(restored == image[..., 0], ~holes())


def test_without_an_image_half_a_bundled_photograph_is_dropped(tmp_path, monkeypatch, capsys):
    small = tmp_path / "data"
    small.mkdir()
    save("data/chelsea.png", bytes_of())
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    assert run(*SMALL) == 0
    assert sorted(os.listdir()) == ["chelsea_figure.png", "chelsea_restored.png", "data"]
    changed = (pixels_of("chelsea_restored.png") != bytes_of()).any(axis=-1)
    assert abs(changed.mean() - 0.5) < 0.12
    assert "PSNR in dB of the missing pixels: input " in capsys.readouterr().out


def test_help_shows_flags_with_defaults(capsys):
    assert run("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--mask-color R,G,B" in text
    assert "--no-keep-known" in text


def opaque_alpha(value):
    alpha = np.full((12, 15, 1), value, np.uint8)
    return lambda: save("x.png", np.concatenate([bytes_of(), alpha], axis=-1))


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (save, ["--image", "x.png"], f"nothing says what is missing; accepted: one of {CHOICES}"),
        (
            save,
            ["--image", "x.png", "--missing", "0.5", "--mask-color", "0,0,0"],
            "--missing and --mask-color says what is missing; accepted: one of",
        ),
        (
            lambda name: save_mask("m.png", holes()) and save(name),
            ["--image", "x.png", "--mask", "m.png", "--mask-from-alpha"],
            "--mask and --mask-from-alpha says what is missing; accepted: one of",
        ),
        (
            lambda name: save_mask("m.png", holes(15, 12)) and save(name),
            ["--image", "x.png", "--mask", "m.png"],
            "m.png: 12 x 15 pixels; accepted: 15 x 12, the size of the image",
        ),
        (save, ["--image", "x.png", "--mask", "none.png"], "none.png: no such file"),
        (
            lambda name: save_mask("m.png", np.zeros((12, 15))) and save(name),
            ["--image", "x.png", "--mask", "m.png"],
            "no pixel is missing; accepted: a mask with at least one black pixel",
        ),
        (
            lambda name: save_mask("m.png", np.ones((12, 15))) and save(name),
            ["--image", "x.png", "--mask", "m.png"],
            "no pixel is known; accepted: a mask with at least one white pixel",
        ),
        (save, ["--image", "x.png", "--mask-color", "1,2,3"], "no pixel is missing"),
        (save, ["--image", "x.png", "--missing", "1e-9"], "no pixel is missing"),
        *(
            (
                save,
                ["--image", "x.png", "--missing", text],
                f"--missing is {value}; accepted: between 0 and 1",
            )
            for text, value in (("0", "0.0"), ("1", "1.0"), ("-1", "-1.0"), ("nan", "nan"))
        ),
        (save, ["--image", "x.png", "--missing", "x"], "--missing: 'x' is not a number"),
        (
            save,
            ["--image", "x.png", "--missing", "0.5", "--reference", "y.png"],
            "--missing makes its own reference; leave out --reference",
        ),
        (
            lambda name: save_mask("m.png", holes()) and save("y.png", bytes_of(13)) and save(name),
            ["--image", "x.png", "--mask", "m.png", "--reference", "y.png"],
            "y.png: 15 x 13 RGB pixels; accepted: 15 x 12 RGB pixels, the size of the image",
        ),
        (
            save,
            ["--image", "x.png", "--mask-from-alpha"],
            "x.png: has no alpha channel, which --mask-from-alpha needs",
        ),
        (
            lambda name: opaque_alpha(255)(),
            ["--image", "x.png", "--mask-from-alpha"],
            "no pixel is missing",
        ),
        (
            lambda name: opaque_alpha(0)(),
            ["--image", "x.png", "--mask-from-alpha"],
            "no pixel is known",
        ),
        *(
            (
                save,
                ["--image", "x.png", "--mask-color", text],
                f"'{text}' is not three numbers from 0 to 255, like 255,0,255",
            )
            for text in ("red", "1,2", "1,2,3,4", "256,0,0", "0,0,-1", "1.5,0,0")
        ),
        (
            save,
            ["--image", "x.png", "--missing", "0.5", "--output", "no/o.png"],
            "the folder no does not exist",
        ),
        (
            save,
            ["--image", "x.png", "--missing", "0.5", "--preset", "slow"],
            "unknown preset of drp-dd inpaint: 'slow'",
        ),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, make, arguments, message):
    make("x.png")
    before = sorted(os.listdir())
    assert message in refused(capsys, *arguments, *SMALL)
    assert sorted(os.listdir()) == before
