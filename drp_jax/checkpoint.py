"""`save` and `load`: a restoration on disk, from which the run can go on.

The arrays are kept by Orbax. A checkpoint is written beside its folder and renamed when it is
whole, so that an older one is never lost. Problem and method are not kept, because they may hold
functions: they are given again, and `load` refuses others by the name of what differs.
"""

import contextlib
import dataclasses
import enum
import functools
import hashlib
import inspect
import json
import pathlib
import re
import shutil
import types
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from drp_jax import loop
from drp_jax.errors import InputError, as_path, in_a_line, is_key, require, require_kind, shown
from drp_jax.loop import Run
from drp_jax.method import Loop, Method
from drp_jax.problem import Problem
from drp_jax.pytrees import closed_over, given
from drp_jax.restore import Restoration, as_method, check_one, curves, result_of

_MOST_SHOWN = 8  # numbers of an array that are written out
_FORMAT = 1
_NOTHING = "nothing"  # stands in a history, because Orbax keeps no empty dictionaries


def save(path: Any, restoration: Restoration, *, about: Mapping[str, Any] | None = None) -> None:
    """Writes a restoration to a new folder, or in place of an older checkpoint.

    Args:
      path: the folder.
      restoration: of one image, from `restore`, `resume` or `load`.
      about: what else the run depends on, by name, as plain JSON: `load` has to be given the same.

    Raises:
      InputError: if it cannot be written there, or something else lies there.
    """
    require_kind(restoration, Restoration, "restoration", "what restore, resume or load give")
    path = _folder(path)
    require(
        not path.exists() or is_checkpoint(path),
        f"{path}: holds something else; accepted: a new folder, or an older checkpoint",
    )
    run = restoration.run
    check_one(run.state.status)
    done = int(run.state.iteration)
    description = {
        "format": _FORMAT,
        "problem": described(run.problem),
        "method": described(run.method),
        "about": dict(about or {}),
        "iterations": int(run.method.loop.iterations),
        "done": done,
        "key": _kind_of_key(run.state),
    }
    # One more than was done, because Orbax keeps no empty arrays.
    history = {
        name: np.append(np.asarray(values)[:done], np.float32(np.nan))
        for name, values in restoration.history.items()
    }
    content = ocp.args.Composite(
        state=ocp.args.StandardSave(_plain(run.state)),
        history=ocp.args.StandardSave(history | {_NOTHING: np.zeros(1)}),
        description=ocp.args.JsonSave(description),
    )
    try:
        with (
            _replacing(path) as beside,
            ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer,
        ):
            checkpointer.save(beside, content)
    except OSError as error:
        reason = error.strerror or in_a_line(error)
        raise InputError(
            f"{path}: cannot be written: {reason}; accepted: a folder that can be written"
        ) from None


def load(
    path: Any,
    *,
    problem: Problem,
    method: Method | None = None,
    about: Mapping[str, Any] | None = None,
) -> Restoration:
    """Reads a restoration that `save` wrote.

    Args:
      path: the folder.
      problem: the problem that was restored.
      method: the method that restored it, but for its iteration limit; as in `restore` if None.
      about: what `save` was given.

    Raises:
      InputError: if there is no checkpoint, or it is of another problem or method; the message
        names what differs.
    """
    path = _folder(path)
    require(is_checkpoint(path), f"{path}: no checkpoint there; accepted: a folder from save")
    require_kind(problem, Problem, "problem", "the Problem that was restored")
    method = as_method(method, problem)
    with (
        _reading(path),
        ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer,
    ):
        saved = checkpointer.restore(path, ocp.args.Composite(description=ocp.args.JsonRestore()))
        saved = saved.description
        for name, given in (("problem", problem), ("method", method)):
            _refuse_difference(name, saved[name], json.loads(json.dumps(described(given))))
        for name in {**saved.get("about", {}), **(about or {})}:
            _refuse_difference(name, saved.get("about", {}).get(name), (about or {}).get(name))
        key = jax.random.key(0, impl=saved["key"]) if saved["key"] else jax.random.PRNGKey(0)
        blank = jax.eval_shape(
            lambda problem, method, key: loop.begin(problem, method=method, key=key),
            *(problem, method, key),
        )
        kept = checkpointer.restore(
            path,
            ocp.args.Composite(
                state=ocp.args.StandardRestore(jax.eval_shape(_plain, blank.state)),
                history=ocp.args.StandardRestore(),
            ),
        )
    method = _with_limit(method, saved["iterations"])
    run = Run(problem, method, _keyed(kept.state, blank.state, saved["key"]))
    done = saved["done"]
    history = {name: values[:done] for name, values in kept.history.items() if name != _NOTHING}
    return result_of(run, curves(history, saved["iterations"]))


def described(value: Any, within: tuple[int, ...] = ()) -> Any:
    """What a problem or a method is made of, as plain JSON; the iteration limit is left out.

    Arrays of more than a few numbers are described by shape, type and a hash, and functions by
    their name and what they close over.

    Args:
      value: a problem, a method, or a part of one.
      within: identities of the functions whose part it is.
    """
    value = given(value)
    part = functools.partial(described, within=(*within, id(value)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: part(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not (isinstance(value, Loop) and field.name == "iterations")
        }
        return {"": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {str(key): part(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [part(entry) for entry in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        numbers = np.asarray(value)
        numbers = numbers.astype(jax.dtypes.canonicalize_dtype(numbers.dtype))  # as JAX keeps it
        if numbers.size <= _MOST_SHOWN and numbers.dtype.kind in "biuf":
            return described(numbers.tolist())
        digest = hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest()[:16]
        return f"{numbers.dtype} {numbers.shape} {digest}"
    if isinstance(value, float):
        return float(f"{value:.6g}")  # as far as float32 keeps it
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    name = getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__))
    if id(value) in within:
        return name
    if parts := _parts(value):
        return {"": name} | {key: part(entry) for key, entry in parts.items()}
    children, structure = jax.tree.flatten(value)
    if children and not jax.tree_util.all_leaves([value]):
        return [re.sub(" at 0x[0-9a-f]+", "", str(structure)), *map(part, children)]
    return name


def _parts(function: Any) -> dict[str, Any]:
    """What a function closes over and what it is given beforehand, by name."""
    if isinstance(function, functools.partial):
        return {"function": function.func, "arguments": function.args, **function.keywords}
    if isinstance(function, types.MethodType):
        return {"self": function.__self__}
    if isinstance(function, types.FunctionType):
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        return defaults | closed_over(function)
    return {}


def _refuse_difference(name: str, saved: Any, given: Any) -> None:
    """Raises InputError at the first place where two descriptions differ."""
    if isinstance(saved, dict) and isinstance(given, dict):
        for key in dict.fromkeys((*saved, *given)):
            inner = name if key == "" else f"{name}.{key}"
            _refuse_difference(inner, saved.get(key), given.get(key))
    elif isinstance(saved, list) and isinstance(given, list) and len(saved) == len(given):
        for number, (one, other) in enumerate(zip(saved, given, strict=True)):
            _refuse_difference(f"{name}[{number}]", one, other)
    elif saved != given:
        raise InputError(
            f"{name} is {shown(given)}, and the checkpoint's is {shown(saved)}; accepted: the "
            "problem and the method that were saved"
        )


def _with_limit(method: Method, iterations: int) -> Method:
    if method.is_finite_process:
        return method
    limits = dataclasses.replace(method.loop, iterations=iterations)
    return method.with_loop(limits)


def _kind_of_key(tree: Any) -> str | None:
    """How the keys of a tree are made; None without any, or if they are plain numbers."""
    kinds = (str(jax.random.key_impl(leaf)) for leaf in jax.tree.leaves(tree) if is_key(leaf))
    return next(kinds, None)


def _plain(tree: Any) -> dict[str, jax.Array]:
    """The leaves of a tree by their path, keys as the numbers that they are made of."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path): jax.random.key_data(leaf) if is_key(leaf) else leaf
        for path, leaf in leaves
    }


def _keyed(leaves: dict[str, jax.Array], like: Any, kind: str | None) -> Any:
    """The inverse of `_plain`, for a tree of which shapes and types are known."""

    def restored(path: Any, leaf: Any) -> jax.Array:
        value = leaves[jax.tree_util.keystr(path)]
        return jax.random.wrap_key_data(value, impl=kind) if is_key(leaf) else value

    return jax.tree_util.tree_map_with_path(restored, like)


def _folder(path: Any) -> pathlib.Path:
    return as_path(path, "the path of a folder").absolute()


@contextlib.contextmanager
def _replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder to write to, which then takes the place of another; that one stays on errors."""
    beside, older = (path.with_name(f"{path.name}.{name}") for name in ("new", "old"))
    for leftover in (beside, older):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if path.exists():
        path.rename(older)
    beside.rename(path)
    shutil.rmtree(older, ignore_errors=True)


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[None]:
    """Makes InputError of whatever a damaged checkpoint raises."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read: {in_a_line(error)}; accepted: a folder from save"
        ) from error


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether a folder is what `save` writes; one that was being replaced is put back."""
    older = path.with_name(f"{path.name}.old")
    if not path.exists() and (older / "description").is_dir():
        older.rename(path)
    return (path / "description").is_dir()
