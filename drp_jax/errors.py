"""The one exception of the library: an input that cannot be used."""


class InputError(ValueError):
    """An image, setting or file is not usable.

    The message is one line that names the offending value and what is accepted,
    so that a command can print it as it is.
    """


def require(condition: bool, message: str) -> None:
    """Raises `InputError(message)` unless the condition holds."""
    if not condition:
        raise InputError(message)
