"""Values of flags: what their texts mean, and what is answered where they are not accepted."""

import math
import pathlib
from collections.abc import Callable
from typing import Any

import click

from drp_jax.errors import InputError

MOST_SEED = 2**32 - 1


class Value(click.ParamType):
    """A value that a function makes of its text, or refuses by ValueError."""

    def __init__(self, convert: Callable[[str], Any], metavar: str, kind: str):
        self.name = metavar
        self._convert = convert
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):  # a default, which is no text
            return value
        try:
            return self._convert(value)
        except ValueError:
            raise InputError(f"{_flag_of(param)}: {value!r} is not {self._kind}") from None


class Number(Value):
    """A number in a range; an end that is None is open."""

    def __init__(
        self,
        convert: Callable[[str], Any],
        metavar: str,
        kind: str,
        least: float | None,
        most: float | None,
    ):
        super().__init__(convert, metavar, kind)
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        is_inside = (self._least is None or number >= self._least) and (
            self._most is None or number <= self._most
        )
        if not is_inside:
            ends = (("from", self._least), ("to", self._most))
            accepted = " ".join(f"{word} {end}" for word, end in ends if end is not None)
            accepted += " up" if self._most is None else ""
            raise InputError(f"{_flag_of(param)} is {number}; accepted: {accepted}")
        return number


class Name(click.Choice):
    """One of some names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.choices:
            raise InputError(f"{_flag_of(param)} is {value!r}; accepted: {', '.join(self.choices)}")
        return value


def pair(text: str) -> tuple[float, float]:
    """Two finite numbers, the smaller first, or ValueError."""
    low, high = (float(part) for part in text.split(","))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError
    return low, high


def places(text: str) -> tuple[int, ...]:
    """Whole numbers from 0 up, or ValueError."""
    numbers = tuple(int(part) for part in text.split(","))
    if min(numbers) < 0:
        raise ValueError
    return numbers


def path(text: str) -> pathlib.Path:
    """A path, or ValueError if it is written like a flag."""
    if text.startswith("--"):  # the value was forgotten, and this is the next flag
        raise ValueError
    return pathlib.Path(text)


def seed(text: str) -> int:
    """A whole number from 0 to `MOST_SEED`, or ValueError."""
    number = int(text)
    if not 0 <= number <= MOST_SEED:
        raise ValueError
    return number


def _flag_of(param: click.Parameter | None) -> str:
    return "the value" if param is None else param.opts[0]
