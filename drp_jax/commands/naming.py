"""Where the results of many pictures go: beside them or into one folder, and no two into one."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Sequence

from drp_jax import InputError
from drp_jax.commands.inputs import FIGURE, RESTORED, Input


@dataclasses.dataclass(frozen=True)
class Place:
    """A picture and where its result goes.

    Attributes:
      path: the picture.
      name: its place among all that are restored.
      stem: the path of what is written for it, without `_restored` and the suffix.
      top: the folder with the record of the results.
    """

    path: pathlib.Path
    name: pathlib.Path
    stem: pathlib.Path
    top: pathlib.Path

    @property
    def key(self) -> str:
        """What the record calls the result: its path within the folder of the record."""
        return pathlib.Path(os.path.relpath(self.stem, self.top)).as_posix()


def places(inputs: Sequence[Input], output_dir: pathlib.Path | None) -> list[Place]:
    """Where each result goes; of `a.png` and `a.tif` to `a_png` and `a_tif`.

    Raises:
      InputError: if two would go to one place for all that, or one would replace an input.
    """
    first = [_place(one, output_dir) for one in inputs]
    count = collections.Counter(os.path.abspath(one.stem) for one in first)
    chosen = [_apart(one) if count[os.path.abspath(one.stem)] > 1 else one for one in first]
    taken: dict[str, Place] = {}
    read = {os.path.realpath(one.path.with_suffix("")): one.path for one in inputs}
    for one in chosen:
        other = taken.setdefault(os.path.abspath(one.stem), one)
        if other is not one:
            raise InputError(
                f"{other.path} and {one.path} would both go to {one.stem}{RESTORED}; accepted: "
                "names that differ by more than the suffix"
            )
        for ending in (RESTORED, FIGURE):
            replaced = read.get(os.path.realpath(f"{one.stem}{ending}"))
            if replaced is not None:
                raise InputError(
                    f"{replaced}: is an input, and what is written for {one.path} would replace "
                    "it; accepted: one of the two, or another --output-dir"
                )
    return chosen


def _place(one: Input, output_dir: pathlib.Path | None) -> Place:
    if output_dir is None:
        return Place(one.path, one.name, one.path.with_suffix(""), one.path.parent)
    return Place(one.path, one.name, (output_dir / one.name).with_suffix(""), output_dir)


def _apart(place: Place) -> Place:
    """With the suffix of the picture in the name."""
    suffix = place.path.suffix.replace(".", "_")
    return dataclasses.replace(place, stem=place.stem.with_name(place.stem.name + suffix))
