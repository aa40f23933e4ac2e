"""The one exception of the library: an input that cannot be used."""

import enum


class InputError(ValueError):
    """An image, setting or file is not usable.

    The message is one line that names the offending value and what is accepted,
    so that a command can print it as it is.
    """


def require_whole(value: int, name: str, least: int, most: int) -> None:
    """Raises `InputError` unless the value is a whole number in the range."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    require(
        is_whole and least <= value <= most,
        f"{name} is {value}; accepted: whole numbers from {least} to {most}",
    )


def require_choice(value: enum.StrEnum, choices: type[enum.StrEnum], name: str) -> None:
    """Raises `InputError` unless the value is a member of the enumeration."""
    require(
        isinstance(value, choices),
        f"{name} is {value!r}; accepted: {', '.join(choices)}",
    )


def require(condition: bool, message: str) -> None:
    """Raises `InputError(message)` unless the condition holds."""
    if not condition:
        raise InputError(message)
