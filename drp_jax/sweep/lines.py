"""YAML whose values know the line that they stand in, so that errors name line and field."""

import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeVar

import yaml

from drp_jax.errors import InputError, meant

Made = TypeVar("Made")


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 and 1.0e3 are numbers; YAML 1.1 wants a point and a sign in them."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


class Entry:
    """A value of a YAML file, with its place.

    Attributes:
      field: what it is called, like `methods[1].width`.
      value: the same as plain Python: dict, list, str, int, float, bool or None.
    """

    def __init__(self, node: yaml.Node, source: str, field: str):
        self._node = node
        self._source = source
        self.field = field
        self.value = yaml.SafeLoader("").construct_object(node, deep=True)

    def refuse(self, accepted: str) -> NoReturn:
        """Raises an InputError that names the value, its line, and what is accepted."""
        self.fail(f"{self.field} is {self.value!r}; accepted: {accepted}")

    def fail(self, message: str) -> NoReturn:
        """Raises an InputError about the line of the value."""
        raise InputError(f"{self._source}, line {self._node.start_mark.line + 1}: {message}")

    def made(self, make: Callable[[], Made]) -> Made:
        """What a function gives; its `InputError` becomes one about the line of the value."""
        try:
            return make()
        except InputError as error:
            self.fail(str(error))

    def mapping(self, accepted: Iterable[str] | None = None) -> "dict[str, Entry]":
        """The entries by name, of which only some are accepted, or any."""
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse("names with values" if accepted is None else ", ".join(accepted))
        entries: dict[str, Entry] = {}
        for key, node in self._node.value:
            name = str(key.value)
            field = f"{self.field}.{name}" if self.field else name
            entry = Entry(node, self._source, field)
            if name in entries:
                entry.fail(f"{field} is there twice; accepted: once")
            if accepted is not None and name not in accepted:
                entry.fail(
                    f"unknown field {field}{meant(name, accepted)}; accepted: {', '.join(accepted)}"
                )
            entries[name] = entry
        return entries

    def whole_mapping(self, names: Iterable[str]) -> "dict[str, Entry]":
        """The entries by name, of which none may be missing, and no other be there."""
        names = tuple(names)
        entries = self.mapping(names)
        for name in names:
            if name not in entries:
                self.fail(f"{self.field} has no {name}; accepted: {', '.join(names)}")
        return entries

    def sequence(self) -> "list[Entry]":
        """The entries of a list; a single value is a list of one."""
        if not isinstance(self._node, yaml.SequenceNode):
            return [self]
        return list(self._entries())

    @property
    def is_sequence(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    def text(self, accepted: str) -> str:
        """A value that is a text; numbers are taken as written."""
        if not isinstance(self._node, yaml.ScalarNode) or self.value is None:
            self.refuse(accepted)
        return str(self._node.value)

    def whole(self, least: int, most: int) -> int:
        """A whole number in a range."""
        if type(self.value) is not int or not least <= self.value <= most:
            self.refuse(f"a whole number from {least} to {most}")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if type(self.value) is not bool:
            self.refuse("true or false")
        return self.value

    def number(self, accepted: str = "a number") -> float:
        """A number."""
        if type(self.value) not in (int, float):
            self.refuse(accepted)
        return float(self.value)

    def _entries(self) -> "Iterator[Entry]":
        for index, node in enumerate(self._node.value):
            yield Entry(node, self._source, f"{self.field}[{index}]")


def read_lines(path: pathlib.Path) -> Entry:
    """The whole of a file.

    Raises:
      InputError: if it cannot be read or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise InputError(f"{path}: is empty; accepted: a plan, like images: chelsea.png")
        return Entry(node, str(path), "")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise InputError(f"{path}: {reason}; accepted: a YAML file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "is no YAML"
        raise InputError(f"{path}{line}: {problem}; accepted: YAML") from None
