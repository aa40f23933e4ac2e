"""What the tests of commands with many pictures share."""

import json
from pathlib import Path

from command_line import save

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "2"]  # compiles fastest
RECORD = "drp-jax.jsonl"


def save_all(*names, **options):
    for number, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        save(name, seed=number, **options)


def files_in(folder):
    return sorted(
        str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()
    )


def lines_of(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def said(capsys):
    return capsys.readouterr().out.splitlines()


def kinds(lines):
    """What the lines say of each picture, in a letter: written, present or failed."""
    words = {", wrote ": "w", "is there already": "p", "failed": "f"}
    return "".join(next(words[one] for one in words if one in line) for line in lines[:-1])
