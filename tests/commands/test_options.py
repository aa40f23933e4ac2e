"""Flags as a dataclass, without any restoration behind them."""

import dataclasses
import os
import pathlib
import sys

import pytest

from drp_jax import InputError
from drp_jax.commands import options


@dataclasses.dataclass(frozen=True)
class Shared:
    image: pathlib.Path | None = options.file("The image.", shown="a photograph")
    seed: int = options.random_seed()


@dataclasses.dataclass(frozen=True)
class Arguments(Shared):
    tile_size: int = options.whole("Side in pixels.", 256, least=8, most=512)
    repeats: int = options.whole("Repetitions.", 3, least=1)
    weight: float | None = options.number("Weight.", shown="none", least=0)
    precision: str = options.choice(["float32", "bfloat16"], "Arithmetic.", "float32")
    fast: bool = options.flag("Skip the slow half.")
    keep: bool = options.flag("Keep the files.", True)


def run(*arguments, action=None):
    """The exit status, and what the command was given."""
    received = []

    @options.command("measure", Arguments, help="Measure.")
    def measure(parsed):
        """Measure something."""
        received.append(parsed)
        return 0 if action is None else action()

    status = options.run(measure, arguments, program="measure")
    return status, *received


def test_flags_left_out_have_their_defaults():
    assert run() == (0, Arguments())


def test_flags_arrive_as_fields_with_those_of_the_base():
    status, parsed = run(
        *("--image", "x.png", "--seed", "7", "--tile-size=64", "--weight", "1e-3"),
        *("--precision", "bfloat16", "--fast", "--no-keep"),
    )
    assert status == 0
    assert parsed == Arguments(
        image=pathlib.Path("x.png"),
        seed=7,
        tile_size=64,
        weight=0.001,
        precision="bfloat16",
        fast=True,
        keep=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tile-size", "x"], "--tile-size: 'x' is not a whole number"),
        (["--tile-size", "2.5"], "--tile-size: '2.5' is not a whole number"),
        (["--tile-size", "7"], "--tile-size is 7; accepted: from 8 to 512"),
        (["--tile-size", "513"], "--tile-size is 513; accepted: from 8 to 512"),
        (["--repeats", "0"], "--repeats is 0; accepted: from 1 up"),
        (["--weight", "x"], "--weight: 'x' is not a number"),
        (["--weight", "-1"], "--weight is -1.0; accepted: from 0 up"),
        (["--weight", "nan"], "--weight is nan; accepted: from 0 up"),
        (["--precision", "half"], "--precision is 'half'; accepted: float32, bfloat16"),
        (["--seed", "-1"], "--seed: '-1' is not a whole number from 0 to 4294967295"),
        (["--image", "--fast"], "--image: '--fast' is not a path"),
        (
            ["--tile", "3", "x.png"],
            "Unrecognized options: --tile, 3, x.png (did you mean --tile-size?); accepted: flags "
            "and their values, like --image PATH (see --help)",
        ),
        (
            ["--image"],
            "Option '--image' requires an argument; accepted: flags and their values, like "
            "--image PATH (see --help)",
        ),
    ],
)
def test_what_is_not_accepted_is_answered_in_one_line(capsys, arguments, message):
    assert run(*arguments) == (2,)
    assert capsys.readouterr() == ("", f"measure: error: {message}\n")


def test_an_input_error_of_the_command_is_one_line(capsys):
    def refuse():
        raise InputError("two\nlines")

    assert run(action=refuse)[0] == 2
    assert capsys.readouterr() == ("", "measure: error: two\\nlines\n")


def test_help_has_a_default_for_every_flag(capsys):
    assert run("--help") == (0,)
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "--image PATH The image. (default: a photograph)",
        "--tile-size N Side in pixels. (default: 256)",
        "--precision [float32|bfloat16] Arithmetic. (default: float32)",
        "--fast / --no-fast Skip the slow half. (default: no)",
        "--keep / --no-keep Keep the files. (default: yes)",
    ):
        assert part in text


def test_the_arguments_are_by_default_those_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure", "--repeats", "0"])

    @options.command("measure", Arguments, help=None)
    def measure(parsed):
        """Measure something."""
        return 0

    assert options.run(measure, program="measure") == 2
    assert "--repeats is 0" in capsys.readouterr().err


def test_ctrl_c_ends_the_process_with_130(monkeypatch, capsys):
    ends = []
    monkeypatch.setattr(os, "_exit", ends.append)

    def interrupt():
        raise KeyboardInterrupt

    run(action=interrupt)
    assert ends == [130]
    assert capsys.readouterr().err == "measure: interrupted before everything was written\n"
