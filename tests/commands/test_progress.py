"""What is shown while a run goes on."""

import time

import pytest

from drp_jax.commands.progress import (
    ProgressDisplay,
    StackDisplay,
    TimeLeft,
    clock_time,
    plural,
)


@pytest.mark.parametrize(
    "display",
    [lambda: ProgressDisplay(10), lambda: StackDisplay(3, "slices")],
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


def test_the_time_left_is_that_of_the_pace_so_far():
    times = iter([100.0, 130.0, 140.0, 4000.0])
    left = TimeLeft(5, clock=lambda: next(times))
    assert left.after(1) == ""
    assert left.after(2) == "0:45 left"
    assert left.after(4) == "0:10 left"
    assert left.after(3) == "43:20 left"


def test_times_and_numbers_in_words():
    assert [clock_time(one) for one in (5, 190, 7325)] == ["0:05", "3:10", "2:02:05"]
    assert [plural(one, "run") for one in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
