"""`--memory` and `--checkpoint`."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import command_line
import numpy as np
import pytest
from command_line import pixels_of, save

from drp_jax import tiles
from drp_jax.commands import denoise

run = functools.partial(command_line.run, denoise)
refused = functools.partial(command_line.refused, denoise)

NETWORK = ["x.png", "--method", "drp-dip", "--width", "4"]
KEPT = [*NETWORK, "--checkpoint", "kept"]


def ended(capsys, *arguments):
    """The line that a run ends with which cannot go on."""
    assert run(*arguments) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("denoise: error: ")
    return last


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_picture_without_room_goes_through_in_tiles(monkeypatch, capsys):
    save("x.png", 40, 100)
    monkeypatch.setattr(tiles, "program_bytes", lambda problem, **_: 20 * problem.image.size)
    monkeypatch.setattr(tiles, "_room", lambda _, memory, *__: memory)
    monkeypatch.setattr(tiles, "MOST_SIDE", 64)
    monkeypatch.setattr(tiles, "OVERLAP", 8)
    flags = ["x.png", "--sigma", "10", "--preset", "fast", "--memory", "160K"]
    assert run(*flags, "--metrics", "m.json", "--figure", "f.png", "--iterations", "1") == 0
    out, err = capsys.readouterr()
    assert "It went through 2 tiles of 64 x 40 pixels." in out
    assert "noise: 10.0 of 255\n" in out
    assert "tile 1/2 hard threshold  residual 0." in err
    assert "tile 2/2 hard threshold  residual 0." in err
    assert pixels_of("x_restored.png").shape == (40, 100, 3)
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["tiling"]["starts"] == [[0], [0, 36]]
    assert metrics["status"] == "completed"


def test_what_memory_is_not_enough_for_is_refused(monkeypatch, capsys):
    save("x.png", 40, 100)
    for wrong in ("2X", "0", "-1G", "nan"):
        assert f"--memory: '{wrong}' is not a number of bytes" in refused(
            capsys, "x.png", "--memory", wrong
        )
    assert "100 x 40 pixels take" in refused(capsys, "x.png", "--memory", "20k")
    monkeypatch.setattr(tiles, "program_bytes", lambda *_, **__: 10**9)
    message = ended(capsys, *NETWORK, "--memory", "0.5G")
    accepted = "accepted: a smaller picture, or more memory"
    assert re.search(rf"method drp-dip takes [\d.]+ GB for 100 x 40 pixels; {accepted}", message)


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_to_the_same_picture(capsys):
    save("x.png", 24, 20)
    flags = ["--iterations", "400"]
    assert run(*NETWORK, *flags, "--output", "undisturbed.png") == 0
    command = [sys.executable, "-m", "drp_jax", "denoise", *KEPT, *flags]
    command += ["--checkpoint-every", "0.01"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not os.path.isdir("kept/description"):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not os.path.exists("x_restored.png")
    capsys.readouterr()
    message = ended(capsys, *KEPT, *flags, "--seed", "7")
    assert "seed is 7, and the checkpoint's is 0; accepted: " in message
    assert "method.learning_rate is 0.5" in ended(capsys, *KEPT, *flags, "--learning-rate", "0.5")
    save("other.png", 24, 20, seed=1)
    assert "problem.observation is" in ended(capsys, "other.png", *KEPT[1:], *flags)
    assert run(*KEPT, *flags) == 0
    _, err = capsys.readouterr()
    assert "iteration 1/400" not in err
    np.testing.assert_array_equal(pixels_of("x_restored.png"), pixels_of("undisturbed.png"))
    assert not os.path.exists("kept")


def test_where_nothing_can_be_kept_it_is_said_before_the_run(capsys):
    save("x.png", 24, 20)
    assert "keeps nothing on the way" in refused(capsys, "x.png", "--checkpoint", "kept")
    flags = [*NETWORK, "--checkpoint"]
    assert "x.png: is no checkpoint" in refused(capsys, *flags, "x.png")
    assert "none/kept: cannot be written" in refused(capsys, *flags, "none/kept")
    message = refused(capsys, *flags, "kept", "--checkpoint-every", "0")
    assert "--checkpoint-every is 0; accepted: above 0" in message
    message = refused(capsys, *flags, "kept", "--output-dir", "out")
    assert "--checkpoint is kept, which is for one image, without --output-dir" in message
