"""Functions and methods of one's own, by `module:name`, and what tells their versions apart."""

import hashlib
import importlib
import inspect
import pathlib
import sys
from typing import Any

from drp_jax.errors import InputError, in_a_line, meant
from drp_jax.method import Method


def imported(text: str) -> Any:
    """What `module:name` means; modules in the current folder are found too.

    Raises:
      InputError: if it cannot be imported.
    """
    module, _, name = text.partition(":")
    here = str(pathlib.Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    guess = ""
    try:
        loaded = importlib.import_module(module)
        guess = meant(name, (one for one, value in vars(loaded).items() if _is_accepted(value)))
        found = getattr(loaded, name)
    except Exception as error:  # whatever a module raises
        raise InputError(
            f"{text}: cannot be imported: {in_a_line(error)}{guess}; accepted: module:name, of a "
            "file in the current folder or an installed module"
        ) from None
    if not _is_accepted(found):
        raise InputError(f"{text}: is {type(found).__name__}; accepted: a function, or a method")
    return found


def is_importable(text: str) -> bool:
    """Whether a text is written like `module:name`."""
    module, _, name = text.partition(":")
    return module.replace(".", "").isidentifier() and name.isidentifier()


def version_of(function: Any) -> str:
    """What tells one version of a function or module from another: a hash of the source."""
    try:
        source = pathlib.Path(inspect.getfile(inspect.unwrap(function))).read_bytes()
    except (TypeError, OSError):
        return ""
    return hashlib.sha256(source).hexdigest()[:16]


def version_named(text: str) -> str:
    """What tells `module:name`, which is imported, from others: that, and a hash of the module."""
    return f"{text} {version_of(sys.modules[text.partition(':')[0]])}"


def _is_accepted(found: Any) -> bool:
    return callable(found) or isinstance(found, Method)
