"""docs/app.md: its tasks are those of the page, and its flags those of the command."""

import dataclasses
import re

from code_blocks import ROOT

from drp_jax.app.photographs import TASKS
from drp_jax.commands import app

PAGE = (ROOT / "docs/app.md").read_text()


def test_the_tasks_are_those_of_the_page():
    rows = re.findall(r"^ +\| (\w[\w ]*) \| `([\w-]+)` \|", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == list(TASKS)
    modules = [task.command.__name__.rpartition(".")[2] for task in TASKS.values()]
    assert [command.replace("-", "_") for _, command in rows] == modules


def test_the_flags_are_those_of_the_command():
    flags = {one[2:].replace("-", "_") for one in re.findall(r"`(--[\w-]+)", PAGE)}
    fields = {field.name for field in dataclasses.fields(app.AppArguments)}
    assert flags == fields - {"compilation_cache"}
    assert f"up to {app.MOST_MEGAPIXELS:g} megapixels" in PAGE
