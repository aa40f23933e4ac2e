"""The one exception of the library, an input that cannot be used, and the checks that raise it."""

import contextlib
import difflib
import enum
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_LEAST_LETTERS = 2
_LIKENESS = 0.65


class InputError(ValueError):
    """An image, setting or file is not usable.

    The message is one line that names the offending value and what is accepted,
    so that a command can print it as it is.
    """


def require(condition: bool, message: str) -> None:
    """Raises `InputError(message)` unless the condition holds."""
    if not condition:
        raise InputError(message)


def require_whole(value: Any, name: str, least: int, most: int) -> None:
    """Raises `InputError` unless a value that is known now is a whole number in the range."""
    if is_known(value) and not is_whole(value, least, most):
        raise InputError(
            f"{name} is {shown(value)}; accepted: whole numbers from {least} to {most}"
        )


def is_whole(value: Any, least: int, most: float = np.inf) -> bool:
    """Whether a value is a whole number in the range."""
    is_number = isinstance(value, (int, np.generic, np.ndarray, jax.Array))
    number = np.asarray(value) if is_number else np.zeros(1)
    return number.dtype.kind in "iu" and number.ndim == 0 and bool(least <= number <= most)


def require_number(
    value: Any,
    name: str,
    least: float,
    most: float = np.inf,
    *,
    least_allowed: bool = True,
    most_allowed: bool = True,
    accepted: str,
) -> None:
    """Raises `InputError` unless a value that is known now is a real number in the range.

    A batch of numbers, as `jax.vmap` is given one, is checked entry by entry. Inside a
    transformation, where values are not known, nothing is checked. What JAX computes with is in
    the range too: with 32 bits 1e39 is infinite, and 1e-50 is 0.
    """
    if not is_known(value):
        return
    is_number = isinstance(value, (int, float, np.generic, np.ndarray, jax.Array))
    is_number = is_number and not isinstance(value, bool)
    if is_number:
        numbers = np.asarray(value)
        is_number = numbers.dtype.kind in "iuf"
    if is_number:
        with np.errstate(over="ignore", under="ignore"):
            computed = numbers.astype(jnp.result_type(float))
        is_number = bool(
            np.isfinite(computed).all()
            and (numbers >= least if least_allowed else computed > least).all()
            and (numbers <= most if most_allowed else computed < most).all()
        )
    require(is_number, f"{name} is {shown(value)}; accepted: {accepted}")


def require_choice(value: Any, choices: type[enum.StrEnum], name: str) -> None:
    """Raises `InputError` unless the value is a member of the enumeration."""
    require(
        isinstance(value, choices),
        f"{name} is {shown(value)}; accepted: "
        + ", ".join(f"{choices.__name__}.{choice.name}" for choice in choices),
    )


def require_kind(value: Any, kinds: type | tuple[type, ...], name: str, accepted: str) -> None:
    """Raises `InputError` unless the value is an instance of one of the types."""
    if is_known(value) and not isinstance(value, kinds):
        raise InputError(f"{name} is {shown(value)}; accepted: {accepted}")


def require_finite(value: Any, name: str) -> None:
    """Raises `InputError` unless all numbers of an array that is known are finite."""
    # NumPy, because JAX would compute it inside a trace.
    is_fine = np.isfinite(np.asarray(value)) if is_known(value) else np.True_
    bad = is_fine.size - int(np.count_nonzero(is_fine))
    require(
        bad == 0,
        f"{name} has NaN or infinity in {bad} of {is_fine.size} values; accepted: finite numbers",
    )


def require_picture(value: Any, name: str, least_side: int = 1) -> None:
    """Raises `InputError` unless a value is a float array `[H, W, C]`; its numbers may be any."""
    accepted = f"a float array [H, W, C], H and W from {least_side} up"
    is_array = isinstance(value, (np.ndarray, jax.Array))
    require(is_array, f"{name} is {shown(value)}; accepted: {accepted}")
    is_float = jnp.issubdtype(value.dtype, jnp.floating)
    require(is_float, f"{name} has type {value.dtype}; accepted: {accepted}")
    is_picture = value.ndim == 3 and min(value.shape[:2]) >= least_side and value.shape[2] >= 1
    require(is_picture, f"{name} has shape {value.shape}; accepted: {accepted}")


@contextlib.contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Lets an `InputError` call what it is about by the name that the user knows.

    Args:
      names: of the words that messages begin with, by what each is replaced.
    """
    try:
        yield
    except InputError as error:
        word, _, rest = str(error).partition(" ")
        raise InputError(f"{names.get(word, word)} {rest}") from None


@contextlib.contextmanager
def plugged_in(name: str, given: str) -> Iterator[None]:
    """Makes `InputError` of whatever a user's function raises.

    Args:
      name: what the function is called.
      given: what it is given, in words.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{name} fails for {given}: {in_a_line(error)}; accepted: a function of {given}"
        ) from error


def require_form(value: Any, wanted: Any, name: str, given: str) -> None:
    """Raises `InputError` unless what a user's function gives has the form that is wanted.

    Args:
      value: what it gives, or its shapes and types.
      wanted: an example.
      name: what the function is called.
      given: what it was given, in words.
    """
    require(
        form(value) == form(wanted),
        f"{name} gives {form(value)} for {given}; accepted: {form(wanted)}",
    )


def require_number_of(function: Any, *arguments: Any, name: str, given: str) -> None:
    """Raises `InputError` unless a user's function gives a real number for such arguments."""
    with plugged_in(name, given):
        value = jax.eval_shape(function, *arguments)
    require_form(value, jax.ShapeDtypeStruct((), jnp.float32), name, given)


def form(value: Any) -> str:
    """Structure, shapes and kinds of a pytree of arrays, in words."""

    def described(leaf: Any) -> str:
        kind = "complex" if jnp.issubdtype(leaf.dtype, jnp.complexfloating) else "real"
        return f"{kind} {leaf.shape}"

    leaves, structure = jax.tree.flatten(value)
    if not leaves or not all(hasattr(leaf, "dtype") for leaf in leaves):
        return shown(value)
    words = ", ".join(described(leaf) for leaf in leaves)
    if jax.tree_util.all_leaves([value]):
        return f"shape {words}"
    return f"{structure} of shapes {words}"


def as_path(value: Any, accepted: str) -> pathlib.Path:
    """A path, or `InputError` if the value is none."""
    try:
        return pathlib.Path(value)
    except TypeError:
        raise InputError(f"path is {shown(value)}; accepted: {accepted}") from None


def is_known(value: Any) -> bool:
    """Whether a value can be read now: it is not traced, nor JAX's placeholder for one."""
    return not isinstance(value, jax.core.Tracer) and type(value) is not object


def is_key(array: Any) -> bool:
    """Whether an array, or what stands for one, is of JAX's keys."""
    return jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key)


def meant(name: Any, known: Iterable[str]) -> str:
    """Words for an error about an unknown name: the known one that it may be, or ""."""
    if not isinstance(name, str) or len(name) < _LEAST_LETTERS:
        return ""
    forms = {_form_of_name(one): one for one in known}
    form = _form_of_name(name)
    found = [one for one in forms if form in one]
    found = found or difflib.get_close_matches(form, forms, n=1, cutoff=_LIKENESS)
    return f" (did you mean {forms[found[0]]}?)" if len(found) == 1 else ""


def _form_of_name(name: str) -> str:
    """A name without what is easily confused."""
    return name.lower().replace("_", "-")


def shown(value: Any) -> str:
    """A value in a few words, on one line."""
    if isinstance(value, (np.ndarray, jax.Array)):
        if value.size <= 1 and is_known(value) and not is_key(value):
            return str(np.asarray(value).tolist())
        return f"an array of type {value.dtype} and shape {value.shape}"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    try:
        return _cut(repr(value), 80)
    except Exception:  # of the value's own
        return f"a {type(value).__name__}"


def reason(error: Exception) -> str:
    """Why something failed, on one line: the message of an InputError, of others their kind too."""
    return str(error) if isinstance(error, InputError) else in_a_line(error)


def in_a_line(error: Exception) -> str:
    """What was raised, on one line; of an error in a function that JAX called, that error."""
    called = _IN_A_CALL.search(str(error))
    text = called[1] if called else f"{type(error).__name__}: {error}"
    return _cut(text.removeprefix(f"{InputError.__name__}: "), 200)


_IN_A_CALL = re.compile(r"Callback error .*Traceback .*\n([\w.]+: .*?)(?:\n-{20}|\Z)", re.DOTALL)
"""A message of JAX that ends in the traceback of a function that it has called."""


def _cut(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 3]}..."
