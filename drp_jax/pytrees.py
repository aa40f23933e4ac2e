"""Configurations as pytrees: dataclasses with checks, and what a user plugs into them.

`record` makes a frozen dataclass a pytree whose checks run when a person makes one, and not when
JAX puts one together again from its leaves, which may be tracers, shapes or axis numbers.

What a user plugs in (a regularizer, an operator, an optimiser, a denoiser) may be a plain function,
a dataclass that holds arrays, or a pytree already. `as_pytree` makes a pytree of each, so that

- arrays in a dataclass are leaves: another guide image neither compiles again nor fails;
- two functions that say the same are equal, though a closure is made anew at every call:
  `optax.adam(0.1)` twice is one program. Numbers that a function closes over are part of it.

To vary a number without compiling again, hold it in a `flax.struct.dataclass` or give it to a
`jax.tree_util.Partial`.
"""

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import jax
import numpy as np

from drp_jax.errors import InputError, shown

Kind = TypeVar("Kind", bound=type)


def fixed(**options: Any) -> Any:
    """A field of a `record` that is part of the program: another value compiles again."""
    return dataclasses.field(metadata={"is_fixed": True}, **options)


@dataclass_transform(frozen_default=True, kw_only_default=False, field_specifiers=(fixed,))
def record(kind: Kind) -> Kind:
    """A frozen dataclass whose fields are children of a pytree, but for those that are `fixed`."""
    dataclasses.dataclass(frozen=True)(kind)  # changes the class that it is given
    fields = dataclasses.fields(kind)
    children = [field.name for field in fields if not field.metadata.get("is_fixed")]
    others = [field.name for field in fields if field.metadata.get("is_fixed")]

    def flatten_with_keys(value: Any) -> tuple:
        keyed = [(jax.tree_util.GetAttrKey(name), getattr(value, name)) for name in children]
        return keyed, tuple(getattr(value, name) for name in others)

    def flatten(value: Any) -> tuple:
        return [getattr(value, name) for name in children], flatten_with_keys(value)[1]

    def unflatten(fixed_values: tuple, leaves: Any) -> Any:
        value: Any = object.__new__(kind)
        pairs = zip((*others, *children), (*fixed_values, *leaves), strict=True)
        for name, field in pairs:
            object.__setattr__(value, name, field)
        return value

    jax.tree_util.register_pytree_with_keys(kind, flatten_with_keys, unflatten, flatten)
    return kind


def as_pytree(value: Callable, name: str) -> Any:
    """A callable as a callable pytree.

    Args:
      value: a function, a callable object, or a callable pytree, which is returned as it is.
      name: what it is called in the error message.

    Raises:
      InputError: if it cannot be called.
    """
    if isinstance(value, type):
        raise InputError(
            f"{name} is {value.__name__}, a class; accepted: a function, as {value.__name__}(...) "
            "may be"
        )
    if not callable(value):
        raise InputError(f"{name} is {shown(value)}; accepted: a function")
    if not jax.tree_util.all_leaves([value]):
        return value  # a pytree already
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _object(value)
    return _Function(value)


def given(value: Any) -> Any:
    """What `as_pytree` was given, of what it made; anything else as it is."""
    if isinstance(value, _Function):
        return value._function
    return value._value() if isinstance(value, _Object) else value


@jax.tree_util.register_static
class _Function:
    """A function as a pytree without leaves, equal to another that says the same."""

    def __init__(self, function: Callable):
        self._function = function
        self._meaning = _meaning(function, ())

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "__name__":
            raise AttributeError(name)
        return getattr(self._function, name)

    def __repr__(self) -> str:
        return getattr(self._function, "__name__", repr(self._function))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Function) and self._meaning == other._meaning

    def __hash__(self) -> int:
        return hash(self._meaning)


@jax.tree_util.register_pytree_node_class
class _Object:
    """A callable dataclass whose arrays are leaves, those in its tuples and dictionaries too."""

    def __init__(self, kind: type, structure: Any, fixed: tuple, arrays: tuple):
        self._kind, self._structure, self._fixed, self._arrays = kind, structure, fixed, arrays

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._value()(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._value(), name)

    @property
    def __name__(self) -> str:
        return self._kind.__name__

    def _value(self) -> Any:
        arrays = iter(self._arrays)
        leaves = [next(arrays) if one is None else one.value for one in self._fixed]
        value: Any = object.__new__(self._kind)  # checks of __init__ were made when it was given
        for name, field in jax.tree.unflatten(self._structure, leaves).items():
            object.__setattr__(value, name, field)
        return value

    def tree_flatten(self) -> tuple[tuple, tuple]:
        return self._arrays, (self._kind, self._structure, self._fixed)

    @classmethod
    def tree_unflatten(cls, static: Any, arrays: Any) -> "_Object":
        kind, fields, names = static
        return cls(kind, fields, names, tuple(arrays))


def _object(value: Any) -> _Object:
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    leaves, structure = jax.tree.flatten(fields)
    fixed = tuple(None if isinstance(leaf, _ARRAYS) else _Fixed(leaf) for leaf in leaves)
    arrays = tuple(leaf for leaf in leaves if isinstance(leaf, _ARRAYS))
    return _Object(type(value), structure, fixed, arrays)


_ARRAYS = (np.ndarray, jax.Array)


class _Fixed:
    """A value that is equal to another that means the same."""

    def __init__(self, value: Any):
        self.value, self._meaning = value, _meaning(value, ())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fixed) and self._meaning == other._meaning

    def __hash__(self) -> int:
        return hash(self._meaning)


class _Same:
    """Equal to itself alone."""

    def __init__(self, value: Any):
        self._value = value  # kept alive, so that its identity is not given to another

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _meaning(value: Any, within: tuple[int, ...]) -> Any:
    """A hashable that is equal for two values which compute the same.

    Functions are compared by their code, what they close over and which globals they name, and
    what can be hashed as it compares itself. All else is equal to itself alone.
    """
    if id(value) in within:
        return "itself"
    part = functools.partial(_meaning, within=(*within, id(value)))
    if isinstance(value, types.FunctionType):
        names = _global_names(value.__code__) & value.__globals__.keys()
        return (
            value.__code__,
            tuple((name, part(cell)) for name, cell in closed_over(value).items()),
            tuple((name, _Same(value.__globals__[name])) for name in sorted(names)),
            part(value.__defaults__),
            part(value.__kwdefaults__),
        )
    if isinstance(value, functools.partial):
        return functools.partial, part(value.func), part(value.args), part(value.keywords)
    if isinstance(value, types.MethodType):
        return types.MethodType, part(value.__func__), part(value.__self__)
    if isinstance(value, (tuple, list)):
        return type(value), tuple(part(entry) for entry in value)
    if isinstance(value, dict):
        return dict, tuple((name, part(entry)) for name, entry in value.items())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return np.ndarray, str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, (bool, int, float, complex, str, bytes, type, types.NoneType)):
        return type(value), value
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return type(value), value


def closed_over(function: types.FunctionType) -> dict[str, Any]:
    """What a function closes over, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a name that is not bound yet
        return False


def _global_names(code: types.CodeType) -> set[str]:
    """The global names that a function reads, those within it included."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*(_global_names(one) for one in inner))
