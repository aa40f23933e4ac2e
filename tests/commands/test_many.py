"""Many pictures in one command: what is written, what is said, and what is not done twice."""

import functools
import os
import re
import signal
import sys
from pathlib import Path

import command_line
import measured
import numpy as np
import pytest
from command_line import pixels_of, save
from conftest import compilations, make_photograph
from many_pictures import RECORD, SMALL, files_in, kinds, lines_of, said, save_all
from PIL import Image

from drp_jax import InputError
from drp_jax.commands import deblur, denoise, fit, inpaint, many, progress, super_resolve, turns

run = functools.partial(command_line.run, denoise)
refused = functools.partial(command_line.refused, denoise)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save_mixed(folder):
    """40 pictures of many kinds in sub-folders, 5 of them broken; gives the names of those."""
    Path(folder, "sub").mkdir(parents=True)
    pixels = np.rint(make_photograph(12, 15, 3) * 255).astype(np.uint8)
    alpha = np.full((12, 15, 1), 9, np.uint8)
    rgb, gray = Image.fromarray(pixels), Image.fromarray(pixels[..., 0])
    rgba = Image.fromarray(np.concatenate([pixels, alpha], axis=-1))
    kinds = {
        "rgb.png": rgb,
        "gray.png": gray,
        "rgba.png": rgba,
        "palette.png": rgb.quantize(),
        "deep.png": Image.fromarray(pixels[..., 0].astype(np.uint16) * 257),
        "float.tif": Image.fromarray(make_photograph(12, 15, 1)[..., 0]),
        "rgb.tiff": rgb,
        "photo.jpg": rgb,
        "photo.JPEG": gray,
        "x.webp": rgb,
        "x.bmp": rgb,
        "x.ppm": rgb,
        "other size.png": rgb.resize((16, 16)),
    }
    count = 0
    for where in ("", "sub", "sub/deeper"):
        Path(folder, where).mkdir(exist_ok=True)
        for name, image in list(kinds.items())[: 12 if where else 13]:
            if count < 35:
                image.save(Path(folder, where, name))
                count += 1
    broken = ("text.png", "empty.jpg", "sub/half.png", "sub/nan.tif", "tiny.png")
    Path(folder, "text.png").write_text("no picture")
    Path(folder, "empty.jpg").touch()
    save(Path(folder, "sub/half.png"), 99, 99)
    os.truncate(Path(folder, "sub/half.png"), 4000)
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(Path(folder, "sub/nan.tif"))
    save(Path(folder, "tiny.png"), 7, 7)
    return broken


@pytest.mark.slow
def test_of_40_mixed_files_5_broken_ones_are_named_and_the_others_written(capsys):
    broken = save_mixed("photos")
    assert len(files_in("photos")) == 40
    assert run("photos", "--output-dir", "clean", "--metrics", "m.jsonl", *SMALL) == 1
    lines = said(capsys)
    assert lines.pop() == "wrote m.jsonl"
    assert sorted(kinds(lines)) == sorted(35 * "w" + 5 * "f")
    pattern = r"35 of 40 written to clean in \d+ s; 5 failed: (.*)"
    failed = re.fullmatch(pattern, lines[-1])[1].split(", ")
    assert sorted(failed) == sorted(f"photos/{name}" for name in broken)
    said_of = dict(line.split(": ", 1) for line in lines[:-1])
    assert said_of["photos/text.png"].startswith("failed: not an image in a known format")
    assert said_of["photos/empty.jpg"] == "failed: the file is empty; accepted: an image"
    assert re.fullmatch(r"\d+\.\d s, wrote clean/gray_restored.png", said_of["photos/gray.png"])
    written = [name for name in files_in("clean") if name != RECORD]
    assert len(written) == 35
    assert {"sub/deeper/rgb_png_restored.png", "rgb_tiff_restored.png"} <= set(written)
    with Image.open("clean/rgba_restored.png") as opened:
        assert opened.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(opened)[..., 3], 9)
    assert [one["error"] is None for one in lines_of("m.jsonl")] == [
        not any(line.startswith(f"photos/{name}") for name in broken) for line in lines[:-1]
    ]
    # Each is what the command makes of it alone.
    assert run("--image", "photos/sub/gray.png", "--output", "o.png", *SMALL) == 0
    assert Path("o.png").read_bytes() == Path("clean/sub/gray_restored.png").read_bytes()


def test_the_second_of_a_size_compiles_nothing(capsys, monkeypatch):
    save_all("x/a.png", "x/b.png", "x/c.png", "x/d.png")
    counts = []
    update = progress.StackDisplay.update
    with compilations() as compiled:

        def note(self, line):
            counts.append(len(compiled))
            update(self, line)

        monkeypatch.setattr(progress.StackDisplay, "update", note)
        flags = ["--add-noise", "20", "--width", "5"]
        assert run("x", "--output-dir", "o", *SMALL, *flags) == 0
    assert counts[0] > 0
    assert counts == counts[:1] * 4
    score = r"PSNR in dB [\d.]+ -> [\d.]+, SSIM [-\d.]+ -> [-\d.]+"
    assert re.fullmatch(rf"x/d.png: \d+\.\d s, {score}, wrote o/d_restored.png", said(capsys)[3])


def test_programs_of_many_sizes_are_not_all_kept(capsys, monkeypatch):
    cleared = []
    monkeypatch.setattr(turns, "MOST_SIZES", 1)
    monkeypatch.setattr(turns.jax, "clear_caches", lambda: cleared.append(True))
    save_all("a.png", "b.png")
    save("c.png", 13, 13)
    assert run("a.png", "b.png", "c.png", *SMALL) == 0
    assert cleared == [True]


def test_arrays_that_are_no_pictures_are_refused_and_the_others_go_on(capsys):
    save_all("x/a.png")
    arrays = {
        "kernel": (np.full((5, 5), 0.04), "5 x 5 gray pixels; accepted: a picture from 8 x 8 up"),
        "line": (np.ones(20), "has shape (20,); accepted: real numbers [H, W] or [H, W, C]"),
        "number": (np.ones(()), "has shape (); accepted: real numbers [H, W] or [H, W, C]"),
        "none": (np.ones((0, 9)), "declares 9 x 0 pixels; accepted: an image with pixels"),
        "slices": (np.ones((3, 9, 9)), "9 x 3 9-channel pixels; accepted: a picture from 8 x 8 up"),
        "spectrum": (np.ones((9, 9), complex), "has type complex128; accepted: real numbers"),
        "words": (np.array(["a"]), "has type <U1; accepted: real numbers"),
    }
    for name, (array, _) in arrays.items():
        np.save(f"x/{name}.npy", array)
    assert run("x", "--output-dir", "o", *SMALL) == 1
    picture, *lines, last = said(capsys)
    assert picture.startswith("x/a.png: ")
    for line, (name, (_, message)) in zip(lines, sorted(arrays.items()), strict=True):
        assert line.startswith(f"x/{name}.npy: failed: {message}")
    assert last.startswith("1 of 8 written to o in ")


def test_masks_and_references_go_by_name(capsys):
    save_all("x/a.jpg", "x/b.png", "x/c.png", "clean/a.png", "clean/b.png", "clean/c.png")
    known = np.random.default_rng(0).random((12, 15)) > 0.4
    for name in ("a", "b"):
        Path("masks").mkdir(exist_ok=True)
        Image.fromarray(np.uint8(255 * known)).save(f"masks/{name}.png")
    flags = ["x", "--mask", "masks", "--reference", "clean", "--output-dir", "o", *SMALL]
    assert command_line.run(inpaint, *flags) == 1
    lines = said(capsys)
    assert kinds(lines) == "wwf"
    message = "failed: masks/c.png: no such file; accepted: a folder with a mask of each image"
    assert lines[2] == f"x/c.png: {message}"
    np.testing.assert_array_equal(pixels_of("o/b_restored.png")[known], pixels_of("x/b.png")[known])
    # One mask for all, and one file with folders for what goes with it.
    assert command_line.run(inpaint, "x", "--mask", "masks/a.png", *SMALL) == 0
    assert command_line.run(inpaint, "--image", "x/b.png", "--mask", "masks", *SMALL) == 0


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (super_resolve, ["--factor", "2", *SMALL]),
        (deblur, ["--kernel", "gaussian:0.7", *measured.SMALL]),
    ],
)
def test_every_command_takes_many(capsys, command, flags):
    save_all("a.png", "b.png", height=16, width=18)
    assert command_line.run(command, "--image", "a.png", "--image", "b.p*", *flags) == 0
    lines = said(capsys)
    assert kinds(lines) == "ww"
    assert ("noise estimated to have" in lines[0]) is (command is deblur)
    assert re.fullmatch(r"2 of 2 written beside the inputs in \d+ s", lines[-1])
    assert files_in(".") == ["a.png", "a_restored.png", "b.png", "b_restored.png", RECORD]


def test_whatever_goes_wrong_with_one_the_others_are_written(capsys, monkeypatch):
    save_all("a.png", "b.png", "c.png")
    restore, calls = fit.restore_large, []

    def fails_once(*args, **options):
        calls.append(True)
        return 1 / 0 if len(calls) == 2 else restore(*args, **options)

    monkeypatch.setattr(fit, "restore_large", fails_once)
    assert run("a.png", "b.png", "c.png", *SMALL) == 1
    lines = said(capsys)
    assert kinds(lines) == "wfw"
    assert lines[1] == "b.png: failed: ZeroDivisionError: division by zero"
    assert run("a.png", "b.png", "c.png", *SMALL) == 0
    assert kinds(said(capsys)) == "pwp"


def test_a_run_that_diverged_failed_and_is_done_again(capsys, monkeypatch):
    save_all("a.png", "b.png")
    monkeypatch.setattr("drp_jax.untrained.optimizers.MOST_LEARNING_RATE", 1e39)
    flags = [*SMALL, "--iterations", "9", "--learning-rate", "1e38"]
    for _ in range(2):
        assert run("a.png", "b.png", *flags) == 1
        first, *_, last = said(capsys)
        assert "became non-finite" in first
        assert first.endswith("wrote a_restored.png")
        assert "2 failed: a.png, b.png" in last


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_the_image_at_hand_and_the_rest_is_for_the_next_run(
    capsys, monkeypatch, number, status
):
    save_all("a.png", "b.png", "c.png")
    flags = ["a.png", "b.png", "c.png", "--metrics", "m.jsonl", *SMALL, "--iterations", "3"]
    with monkeypatch.context() as patch:
        patch.setattr(
            progress.StepDisplay,
            "update",
            lambda self, _: self._name == "b.png" and signal.raise_signal(number),
        )
        assert run(*flags) == status
    lines = said(capsys)
    assert lines[1].endswith(", interrupted, so the next run does it again, wrote b_restored.png")
    pattern = r"1 of 3 written beside the inputs in \d+ s; interrupted during b.png; 1 not begun"
    assert re.fullmatch(pattern, lines[2])
    assert [one["status"] for one in lines_of("m.jsonl")] == ["iteration_limit", "interrupted"]
    assert not Path("c_restored.png").exists()
    assert run(*flags) == 0
    assert kinds(said(capsys)[:-1]) == "pww"


def test_a_bar_over_all_is_drawn_on_a_terminal(capsys, monkeypatch):
    save_all("a.png", "b.png")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("a.png", "b.png", *SMALL) == 0
    out, err = capsys.readouterr()
    assert kinds(out.splitlines()) == "ww"
    assert "━" in err
    assert "2/2" in err


def test_any_name_of_a_file_is_fine_and_said_in_one_line(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    names = ["two\nlines.png", os.fsdecode(b"caf\xe9.png"), "[/b].png", "ä b.png", "-x.png"]
    Path("x[").mkdir()
    for name in names:
        save("plain.png")
        os.replace("plain.png", f"x[/{name[3:] if name.startswith('[/') else name}")
    assert run("x[", "--output-dir", "o", *SMALL, "--metrics", "m.jsonl") == 0
    lines = said(capsys)
    assert kinds(lines[:-1]) == "wwwww"
    assert any(r"two\nlines.png: " in line for line in lines)
    assert any(r"caf\udce9.png: " in line for line in lines)
    assert len(lines_of("m.jsonl")) == 5
    assert run("x[", "--output-dir", "o", *SMALL) == 0
    assert kinds(said(capsys)) == "ppppp"


def test_a_full_standard_output_does_not_end_the_work(capsys, monkeypatch):
    save_all("a.png", "b.png")
    with open("/dev/full", "w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert run("a.png", "b.png", *SMALL) == 0
    assert Path("b_restored.png").exists()
    assert capsys.readouterr().err.count("no more lines can be written, and the work goes on") == 1


def test_if_only_the_metrics_fail_it_says_that_the_images_are_there(capsys, monkeypatch):
    save_all("a.png", "b.png")

    def refuse(path, contents):
        raise InputError(f"{path}: cannot be written: No space left on device; accepted: room")

    monkeypatch.setattr(many, "write_json_lines", refuse)
    assert run("a.png", "b.png", "--metrics", "m.jsonl", *SMALL) == 2
    out, err = capsys.readouterr()
    assert kinds(out.splitlines()) == "ww"
    assert err.endswith("accepted: room; the images are there, and their scores in drp-jax.jsonl\n")


def test_without_a_reader_the_work_goes_on(monkeypatch):
    save_all("a.png", "b.png")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert run("a.png", "b.png", *SMALL) == 0
    assert Path("b_restored.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--output", "o.png"], "--output is o.png, which is for one image, without --out"),
        (["x", "--figure", "f.png"], "--figure is f.png, which is for one image, without --out"),
        (["x", "--reference", "x/a.png"], "--reference is x/a.png, which is for one image, w"),
        (["empty"], "empty: no picture there; accepted: files that end in .png, .jpg"),
        (["x/*.gif"], "x/*.gif: no picture there"),
        (["x", "--output-dir", "x/a.png"], "x/a.png: cannot be made: File exists; accepted: a f"),
        (["--output-dir", "o"], "--output-dir is o, and no image is given"),
        (["x", "--metrics", "x/a.png"], "x/a.png: is an input too"),
        (["x", "--metrics", f"x/{RECORD}"], f"x/{RECORD}: is an input too"),
        (["x", "--metrics", "no/m.jsonl"], "the folder no does not exist"),
        (["x", "--iterations", "0"], "iterations is 0"),
        (["x/a.png", "x/a_restored.png"], "x/a_restored.png: is an input, and what is written"),
    ],
)
def test_what_cannot_be_done_at_all_is_answered_in_one_line(capsys, arguments, message):
    save_all("x/a.png", "x/b.png", "x/a_restored.png")
    Path("empty").mkdir()
    assert message in refused(capsys, *SMALL, *arguments)
    assert files_in(".") == ["x/a.png", "x/a_restored.png", "x/b.png"]
