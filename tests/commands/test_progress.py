"""What is shown while a run goes on."""

import time

import pytest

from drp_jax.commands.progress import ProgressDisplay, StackDisplay


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
