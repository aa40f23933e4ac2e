"""Which pictures are meant by files, folders and patterns, and what goes with each of them.

In folders pictures are known by their suffix, and found in sub-folders too, but not in those that
are links. Hidden files and folders are no pictures, and what the commands write themselves is
none: `*_restored.*` and `*_figure.png`. A file that is named is always taken.
"""

import dataclasses
import glob
import os
import pathlib
from collections.abc import Iterator, Sequence

from drp_jax import InputError
from drp_jax.images.optional import SUFFIXES

RESTORED = "_restored"
FIGURE = "_figure"
RECORD = "drp-jax.jsonl"
MOST_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Input:
    """A picture to restore.

    Attributes:
      path: where it is.
      name: its place among all that are restored, from the folder that holds them all.
    """

    path: pathlib.Path
    name: pathlib.Path


def is_one_file(path: pathlib.Path) -> bool:
    """Whether a path on the command line means itself, and is neither folder nor pattern."""
    return not os.path.isdir(path) and (os.path.exists(path) or not glob.has_magic(str(path)))


def found(paths: Sequence[pathlib.Path]) -> tuple[list[Input], list[str]]:
    """The pictures meant by paths, each once and in their order, and what else is to be said.

    Folders are in the order of their names, sub-folders after the files.

    Raises:
      InputError: if a folder or pattern holds none, or a folder cannot be read.
    """
    taken: dict[str, pathlib.Path] = {}
    tops, others = [], []
    for path in paths:
        if is_one_file(path):
            tops.append(path.parent)
            files = [path]
        else:
            tops.append(path if path.is_dir() else _fixed_part(path))
            files = []
            for one in _files_within(path):
                if not _is_picture(one, path):
                    others.append(one)
                elif not _is_own(one):
                    files.append(one)
            if not files:
                raise InputError(
                    f"{path}: no picture there; accepted: files that end in .png, .jpg, .tif, "
                    ".npy or others of docs/folders.md"
                )
        for file in files:
            taken.setdefault(os.path.realpath(file), file)
    top = os.path.commonpath([os.path.abspath(one) for one in tops])
    inputs = [
        Input(file, pathlib.Path(os.path.relpath(os.path.abspath(file), top)))
        for file in taken.values()
    ]
    others = [one for one in others if one.name != RECORD]
    said = f"no pictures by their suffix, and left out: {named(others)}"
    return inputs, [said] if others else []


def named(paths: Sequence[pathlib.Path]) -> str:
    """The first few of some paths, and how many more there are."""
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(map(str, paths[:MOST_NAMED])) + more


def companion(path: pathlib.Path | None, name: pathlib.Path, flag: str) -> pathlib.Path | None:
    """What goes with one picture: a file is that of any, in a folder it has the picture's name.

    There it may also have another suffix, if there is one such picture.

    Raises:
      InputError: if the folder holds none of that name, or several.
    """
    if path is None or not path.is_dir():
        return path
    exact = path / name
    if exact.is_file():
        return exact
    pattern = glob.escape(str(exact.with_suffix(""))) + ".*"
    alike = sorted(one for one in glob.glob(pattern) if pathlib.Path(one).suffix in SUFFIXES)
    if len(alike) > 1:
        raise InputError(f"{flag} of {name}: {' and '.join(alike)} are there; accepted: one")
    if not alike:
        raise InputError(f"{exact}: no such file; accepted: a folder with a {flag} of each image")
    return pathlib.Path(alike[0])


def _files_within(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """All files in a folder, or that a pattern means, but for hidden ones."""
    if not path.is_dir():
        for one in sorted(map(pathlib.Path, glob.glob(str(path), recursive=True))):
            if one.is_dir():
                yield from _files_within(one)
            else:
                yield one
        return

    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: {error.strerror}; accepted: folders that can be read"
        ) from None

    for folder, folders, names in os.walk(path, onerror=refuse):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield pathlib.Path(folder, name)


def _is_picture(file: pathlib.Path, asked: pathlib.Path) -> bool:
    """Whether its suffix says so, or is that of the pattern."""
    is_asked = not asked.is_dir() and asked.suffix == file.suffix != ""
    return is_asked or file.suffix.lower() in SUFFIXES


def _is_own(path: pathlib.Path) -> bool:
    """Whether it has the name of what a command writes."""
    return path.stem.endswith(RESTORED) or path.name.endswith(f"{FIGURE}.png")


def _fixed_part(pattern: pathlib.Path) -> pathlib.Path:
    """The folder that a pattern looks in."""
    fixed = pathlib.Path()
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed
