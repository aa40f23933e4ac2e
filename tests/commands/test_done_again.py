"""Many pictures in one command: what is there is not done twice, and what was cut is."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import command_line
import pytest
from command_line import pixels_of, save
from many_pictures import RECORD, SMALL, files_in, kinds, lines_of, said, save_all

import drp_jax
from drp_jax.commands import denoise

run = functools.partial(command_line.run, denoise)
refused = functools.partial(command_line.refused, denoise)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_what_is_there_is_done_again_only_if_something_differs(capsys):
    save_all("x/a.png", "x/b.png", "x/sub/c.png")

    def again(*flags):
        assert run("x", "--output-dir", "o", *SMALL, *flags) == 0
        return said(capsys)

    assert kinds(again()) == "www"
    before = {name: os.stat(Path("o", name)).st_mtime_ns for name in files_in("o")}
    lines = again("--no-compilation-cache", "--metrics", "m.jsonl")
    assert lines[0] == "x/a.png: is there already: o/a_restored.png"
    assert lines[-2] == "0 of 3 written to o in 0 s; 3 there already"
    assert before == {name: os.stat(Path("o", name)).st_mtime_ns for name in files_in("o")}
    assert [one["iterations"] for one in lines_of("m.jsonl")] == [2, 2, 2]
    assert kinds(again("--preset", "fast")) == "ppp"  # the same, said otherwise
    assert kinds(again("--overwrite")) == "www"
    assert kinds(again("--iterations", "3")) == "www"
    assert kinds(again("--iterations", "3", "--seed", "1")) == "www"
    flags = ["--iterations", "3", "--seed", "1"]
    os.remove("o/sub/c_restored.png")
    save("x/b.png", seed=7)
    assert kinds(again(*flags)) == "pww"
    assert kinds(again(*flags, "--add-noise", "9")) == "www"
    assert kinds(again(*flags, "--add-noise", "9", "--figure", "f")) == "www"
    assert files_in("f") == ["a_figure.png", "b_figure.png", "sub/c_figure.png"]
    assert kinds(again(*flags, "--add-noise", "9", "--figure", "f")) == "ppp"


def test_what_another_version_made_stays_and_is_said(capsys):
    save_all("x/a.png", "x/b.png")
    assert run("x", "--output-dir", "o", *SMALL) == 0
    (first, *others) = lines_of(f"o/{RECORD}")[1::2]
    first["metrics"]["versions"]["drp_jax"] = "0.0.1"
    Path(f"o/{RECORD}").write_text("".join(json.dumps(one) + "\n" for one in (first, *others)))
    said(capsys)
    for _ in range(2):
        assert run("x", "--output-dir", "o", *SMALL) == 0
        lines = said(capsys)
        assert lines[:2] == [
            "x/a.png: is there already: o/a_restored.png, by drp_jax 0.0.1; --overwrite makes it "
            f"by {drp_jax.__version__}",
            "x/b.png: is there already: o/b_restored.png",
        ]
    assert run("x", "--output-dir", "o", *SMALL, "--overwrite") == 0
    assert kinds(said(capsys)) == "ww"
    assert run("x", "--output-dir", "o", *SMALL) == 0
    assert said(capsys)[0] == "x/a.png: is there already: o/a_restored.png"


def test_a_reference_that_changed_is_scored_against_again(capsys):
    save_all("x/a.png", "x/b.png", "clean/a.png", "clean/b.png")
    flags = ["x", "--reference", "clean", "--metrics", "m.jsonl", *SMALL]
    assert run(*flags) == 0
    first = [one["psnr"] for one in lines_of("m.jsonl")]
    save("clean/b.png", seed=9)
    assert run(*flags) == 0
    assert kinds(said(capsys)[-4:-1]) == "pw"
    second = [one["psnr"] for one in lines_of("m.jsonl")]
    assert second[0] == first[0]
    assert second[1] != first[1]


def test_a_file_that_is_not_known_is_left_alone(capsys):
    save_all("a.png", "b.png")
    Path("b_restored.tif").write_text("precious")
    assert run("a.png", "b.png", *SMALL) == 0
    assert said(capsys)[1] == (
        "b.png: is there already: b_restored.tif, of unknown settings; --overwrite replaces it"
    )
    assert Path("b_restored.tif").read_text() == "precious"
    assert files_in(".") == ["a.png", "a_restored.png", "b.png", "b_restored.tif", RECORD]
    assert run("a.png", "b.png", "--overwrite", *SMALL) == 0
    assert kinds(said(capsys)) == "ww"


def test_the_result_of_another_picture_is_not_replaced(capsys):
    save_all("x/a.png", "y/a.png")
    assert run("x", "--output-dir", "o", *SMALL) == 0
    assert run("y", "--output-dir", "o", *SMALL) == 1
    line = f"y/a.png: failed: o/a_restored.png is the result of {os.path.abspath('x/a.png')}; acc"
    assert said(capsys)[-2].startswith(line)
    shutil.move("x", "z")  # with the folder of the pictures moved it is still theirs
    assert run("z", "--output-dir", "o", *SMALL) == 0
    assert kinds(said(capsys)) == "p"


def test_results_are_no_inputs_of_the_next_run(capsys):
    save_all("a.png", "b.png")
    assert run("a.png", "b.png", *SMALL) == 0
    assert run(*sorted(os.listdir())[1:], *SMALL) == 0  # as `*` of a shell, without the a.png
    lines = said(capsys)[3:]
    assert lines[0] == (
        f"results of an earlier run, and left out: a_restored.png, b_restored.png, {RECORD}"
    )
    assert kinds(lines[1:]) == "p"
    assert "accepted: images beside them" in refused(capsys, "a_restored.png", "b_restored.png")


@pytest.mark.slow
def test_after_a_kill_the_next_run_goes_on(capsys):
    save_all(*(f"x/{number}.png" for number in range(5)))
    flags = ["x", "--output-dir", "o", *SMALL, "--iterations", "500"]
    process = subprocess.Popen(
        [sys.executable, "-m", "drp_jax", "denoise", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("x/1.png: "):
            process.kill()
            break
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    written = [name for name in files_in("o") if name.endswith("_restored.png")]
    assert 2 <= len(written) < 5
    assert run(*flags) == 0
    found = kinds(said(capsys))
    assert re.fullmatch("pp+ww*", found)
    assert {pixels_of(f"o/{number}_restored.png").shape for number in range(5)} == {(12, 15, 3)}


def test_a_kill_between_a_picture_and_its_line_leaves_a_picture_that_is_known(capsys):
    save_all("a.png", "b.png")
    assert run("a.png", "b.png", *SMALL) == 0
    lines = Path(RECORD).read_text().splitlines()
    Path(RECORD).write_text("\n".join([*lines[:3], lines[3][:50]]))  # the last was cut off
    assert run("a.png", "b.png", *SMALL) == 0
    assert kinds(said(capsys)[3:]) == "pw"
