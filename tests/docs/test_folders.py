"""The commands of docs/folders.md do what the page says, and its list of suffixes is complete."""

import itertools
import re
import shlex
from pathlib import Path

import pytest
from code_blocks import ROOT, blocks
from command_line import save

from drp_jax.commands import program
from drp_jax.images.optional import SUFFIXES

PAGE = "docs/folders.md"
COMMANDS = blocks(PAGE, "sh")[0].splitlines()
SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "1"]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_writes_all_its_pictures(tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    for folder in ("photos/sub", "scans", "masks/sub", "thumbnails"):
        Path(folder).mkdir(parents=True)
    names = "a.png b.jpg photos/a.jpg photos/sub/b.jpg scans/c.png thumbnails/d.png"
    for name in (*names.split(), "masks/a.png", "masks/sub/b.png"):
        save(name, channels=1)
    command, *flags = shlex.split(line)
    assert command == "drp-jax"
    before = len(list(Path().rglob("*_restored.*")))
    assert program.main([*flags, *SMALL]) == 0
    count = 1 if "thumbnails" in line else 2
    assert len(list(Path().rglob("*_restored.*"))) - before == count
    for flag, path in itertools.pairwise(flags):
        if flag in ("--output-dir", "--metrics", "--figure"):
            assert Path(path).exists()


def test_the_suffixes_are_those_that_are_taken():
    words = (ROOT / PAGE).read_text().partition("known by their suffix:")[2].partition(". Other")[0]
    assert set(re.findall(r"`(\.\w+)`", words)) == SUFFIXES
