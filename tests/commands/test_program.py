"""The program from its arguments to the command that answers, and the other ways to the same."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import refused, run, save

import drp_jax
from drp_jax.commands import program

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "2"]  # compiles fastest


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run_module(monkeypatch, name, *arguments):
    """The exit status of `python -m name`, run in this process."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.delitem(sys.modules, name, raising=False)  # another test may have imported it
    with pytest.raises(SystemExit) as end:
        runpy.run_module(name, run_name="__main__")
    return end.value.code


def test_help_lists_the_commands_with_one_line_each(capsys):
    assert run(program, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    for name, words in (
        ("denoise", "Denoise a photograph."),
        ("inpaint", "Fill in missing pixels."),
        ("super-resolve", "Enlarge a photograph."),
        ("deblur", "Sharpen a blurred photograph."),
        ("reconstruct", "Reconstruct an image from a measurement."),
    ):
        assert any(line.split(None, 1) == [name, words] for line in lines)


def test_the_version_is_the_librarys(capsys):
    assert run(program, "--version") == 0
    assert capsys.readouterr().out == f"drp-jax {drp_jax.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sharpen"], "unknown command: 'sharpen'"),
        (["--image", "x.png"], "unknown command: '--image'"),
        ([], "no command is named"),
    ],
)
def test_what_is_no_command_is_answered_with_the_commands(capsys, arguments, message):
    line = refused(program, capsys, *arguments)
    accepted = "denoise, inpaint, super-resolve, deblur, reconstruct, sweep, app"
    assert line == f"drp-jax: error: {message}; accepted: {accepted}\n"


def test_an_error_names_the_command(capsys):
    assert run(program, "super_resolve", "--factor", "1") == 2
    line = capsys.readouterr().err
    assert line == "drp-jax super-resolve: error: --factor is 1; accepted: from 2 to 64\n"


def test_all_ways_to_a_command_do_the_same(monkeypatch, capsys):
    save("x.png")
    ways = (("drp_jax", "denoise"), ("experiments.denoise",))
    flags = ["--image", "x.png", *SMALL]
    assert run(program, "denoise", *flags, "--output", "0.png") == 0
    for number, (module, *command) in enumerate(ways, 1):
        arguments = [*command, *flags, "--output", f"{number}.png"]
        assert run_module(monkeypatch, module, *arguments) == 0
    first, *others = (Path(f"{number}.png").read_bytes() for number in range(3))
    assert others == [first, first]


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("denoise", []),
        ("inpaint", ["--missing", "0.5"]),
        ("super_resolve", []),
        ("deblur", ["--kernel", "gaussian:1"]),
    ],
)
def test_the_modules_of_the_checkout_are_the_commands(monkeypatch, capsys, name, flags):
    arguments = ["--image", "none.png", *flags]
    assert run_module(monkeypatch, f"experiments.{name}", *arguments) == 2
    assert capsys.readouterr().err == f"{name}: error: none.png: no such file; accepted: an image\n"


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules.update(click=None, matplotlib=None)\n"
        "from drp_jax.commands.program import main\n"
        "sys.exit(main(['--help']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        "drp-jax: error: the commands need click, matplotlib; accepted: after pip install "
        "'drp_jax[commands]'\n"
    )
