"""The commands in README.md and on all pages of docs/ are there, and have the flags shown."""

import re
import shlex
from pathlib import Path

import click
import pytest
from code_blocks import ROOT, blocks

from drp_jax.commands.program import commands

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = [
    (page.name, re.sub(r"^\S*drp-jax\b", "drp-jax", line))
    for page in PAGES
    for block in blocks(page, "sh")
    for line in block.replace("\\\n", " ").splitlines()
    if re.match(r"\S*drp-jax\b", line)
]


def unknown(line):
    """What of a line of the shell the program does not have."""
    command, [_, *words] = commands(), shlex.split(line, comments=True)
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    flags |= {"--help", "-h"}
    if isinstance(command, click.Group):
        return [word for word in words if word not in flags]
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in flags]


def test_commands_are_shown():
    assert {"README.md", "commands.md", "sweeps.md"} <= {name for name, _ in SHOWN}


@pytest.mark.parametrize(("name", "line"), SHOWN)
def test_what_is_shown_is_there(name, line):
    assert not unknown(line), f"{name}: {line}"


@pytest.mark.parametrize("line", ["drp-jax paint --image a.png", "drp-jax denoise --picture a.png"])
def test_what_is_not_there_is_found(line):
    assert unknown(line)


def test_every_command_is_listed():
    text = Path(ROOT / "docs" / "commands.md").read_text()
    for name, command in commands().commands.items():
        names = command.commands if isinstance(command, click.Group) else [name]
        assert all(f"`{one}`" in text or f"{name} {one}`" in text for one in names), name
