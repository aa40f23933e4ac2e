"""What is shown while a run goes on."""

import time
from types import SimpleNamespace

import pytest

from drp_jax import preset
from drp_jax.commands import progress
from drp_jax.commands.progress import ProgressDisplay, StackDisplay, TimeLeft, clock_time, plural
from drp_jax.restore import Progress
from drp_jax.tiles import TileProgress


@pytest.mark.parametrize(
    "display",
    [lambda: ProgressDisplay(preset()), lambda: StackDisplay(3, "slices")],
    ids=["one", "many"],
)
def test_a_clock_runs_on_a_terminal_while_nothing_is_reported(capsys, monkeypatch, display):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with display():
        time.sleep(1.2)  # as a compilation does
        shown = capsys.readouterr().err
    assert "compiling ..." in shown
    assert "0:00:00" in shown
    assert "0:00:01" in shown


def test_a_log_has_no_clock(capsys):
    with StackDisplay(3, "slices"):
        pass
    assert capsys.readouterr().err == "compiling ...\n"


def test_a_log_says_what_runs_and_has_a_line_after_half_a_minute(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    method = preset("paper", method="drp-dip").adjusted(iterations=1000)
    run = SimpleNamespace(method=method)
    with ProgressDisplay(method) as shown:
        for iteration in (1, 2, 3, 4):
            told = Progress(iteration, 1000, "", {"loss": 0.5}, None, image=None, run=run)
            shown.update(TileProgress(1, 1, told))
            now[0] += 20
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "drp-dip, up to 1000 iterations: compiling ..."
    assert [line.split()[1] for line in lines] == ["1/1000", "3/1000"]


def test_the_time_left_is_that_of_the_pace_so_far():
    times = iter([100.0, 130.0, 140.0, 4000.0])
    left = TimeLeft(clock=lambda: next(times))
    assert left.after(1, 4) == ""
    assert left.after(2, 3) == "0:45 left"
    assert left.after(4, 1) == "0:10 left"
    assert left.after(3, 2) == "43:20 left"


def test_times_and_numbers_in_words():
    assert [clock_time(one) for one in (5, 190, 7325)] == ["0:05", "3:10", "2:02:05"]
    assert [plural(one, "run") for one in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
