"""Which variables of a generator are frozen and which train: the two trees.

Three types of variables matter: weights (theta), the affine of a normalisation (theta_BN) and the
seed (z). A method says by an nnx filter which of them train; `split` then gives two pytrees, and
only the trained one ever meets `jax.grad` and the optimiser:

    DIP, Deep Decoder    train Weight and NormAffine, freeze Seed
    DRP-DIP, DRP-DD      train Seed and NormAffine, freeze Weight (the random projector)
"""

import collections
import dataclasses
from typing import Any

import jax
from flax import nnx

from drp_jax.errors import InputError, require
from drp_jax.pytrees import fixed, record

Weight = nnx.Param
"""A kernel or a bias: whatever Flax's own layers train, too."""


class NormAffine(nnx.Variable):
    """The scale or bias of a normalisation."""


class Seed(nnx.Variable):
    """The input of the generator."""


SEED_PATH = ("seed",)
"""Where a `SeededGenerator` has its seed."""


NORMS = (nnx.BatchNorm, nnx.LayerNorm, nnx.GroupNorm, nnx.RMSNorm, nnx.InstanceNorm)
"""Layers of Flax whose scale and bias count as `NormAffine`."""

Trainable = Any
"""An nnx filter: a type of variables, a tuple of them, `nnx.PathContains`, a predicate ..."""


def check_trainable(trainable: Trainable) -> None:
    """Raises InputError unless `trainable` is a filter that could select something."""
    require(
        trainable is not None and trainable is not False and trainable != (),
        f"nothing trains: trainable is {trainable!r}; accepted: an nnx filter, like "
        "(Seed, NormAffine) or nnx.Param",
    )
    try:
        nnx.filterlib.to_predicate(trainable)
        hash(trainable)
    except (TypeError, ValueError):  # Flax raises either
        raise InputError(
            f"trainable is {trainable!r}; accepted: a hashable nnx filter, like "
            "(Seed, NormAffine) or nnx.Param"
        ) from None


def name_norm_affines(model: nnx.Module) -> None:
    """Makes the scale and bias of Flax's own normalisations `NormAffine`, in place."""
    for _, module in nnx.iter_modules(model):
        if isinstance(module, NORMS):
            for name in ("scale", "bias"):
                variable = getattr(module, name, None)
                if type(variable) is nnx.Param:
                    setattr(module, name, NormAffine(variable[...]))


def split(model: nnx.Module, trainable: Trainable) -> tuple[nnx.GraphDef, nnx.State, nnx.State]:
    """Splits a model into its structure, its trained and its frozen variables.

    Args:
      model: any module.
      trainable: an nnx filter of what trains.

    Returns:
      `(structure, trained, frozen)`: a static graph definition and two pytrees that
      share no array.

    Raises:
      InputError: if nothing would train; the message says what there is.
    """
    check_trainable(trainable)
    structure, *states = nnx.split(model, trainable, ...)
    trained, frozen = states
    if not jax.tree.leaves(trained):
        kinds = collections.Counter(type(one).__name__ for _, one in nnx.to_flat_state(frozen))
        there = ", ".join(f"{kind} ({count})" for kind, count in kinds.items()) or "no variable"
        raise InputError(
            f"nothing trains: no variable of the generator is {_named(trainable)}; accepted: a "
            f"filter that selects some of what there is: {there}"
        )
    return structure, trained, frozen


def merge(structure: nnx.GraphDef, trained: nnx.State, frozen: nnx.State) -> nnx.Module:
    """The model again: the inverse of `split`."""
    # Copied, because a layer that keeps statistics changes variables when it is called.
    return nnx.merge(structure, trained, frozen, copy=True)


def seed_of(state: nnx.State) -> jax.Array | None:
    """The seed, if it is among these variables of a `SeededGenerator`."""
    variable = dict(nnx.to_flat_state(state)).get(SEED_PATH)
    return None if variable is None else variable[...]


def with_seed(state: nnx.State, seed: jax.Array) -> nnx.State:
    """The variables with another value of the seed."""
    return nnx.from_flat_state(
        (path, variable.replace(seed) if path == SEED_PATH else variable)
        for path, variable in nnx.to_flat_state(state)
    )


@record
class Trees:
    """The variables of a run: what trains and what does not.

    Attributes:
      structure: what `nnx.merge` needs beside the variables.
      trained: the trained variables, an `nnx.State`.
      frozen: all others.
      optimizer: the optimiser's state, which has entries for the trained ones alone.
    """

    structure: nnx.GraphDef = fixed()
    trained: nnx.State
    frozen: nnx.State
    optimizer: Any

    def model(self) -> nnx.Module:
        """The generator with its seed; called without arguments it gives the network's image."""
        return merge(self.structure, self.trained, self.frozen)

    def summary(self) -> "Summary":
        """How many values each tree holds, or would, and how many bytes. `print` shows a table."""
        return Summary(*(Size.of(tree) for tree in (self.frozen, self.trained, self.optimizer)))


@dataclasses.dataclass(frozen=True)
class Size:
    """The number of values in a tree, and of bytes."""

    values: int
    bytes: int

    @classmethod
    def of(cls, tree: Any) -> "Size":
        leaves = jax.tree.leaves(tree)
        bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
        return cls(sum(leaf.size for leaf in leaves), bytes)


@dataclasses.dataclass(frozen=True)
class Summary:
    """The sizes of the trees of a run."""

    frozen: Size
    trained: Size
    optimizer: Size

    def __str__(self) -> str:
        lines = [f"{'':10}{'values':>12}{'bytes':>14}"]
        for field in dataclasses.fields(self):
            size = getattr(self, field.name)
            lines.append(f"{field.name:10}{size.values:>12,}{size.bytes:>14,}")
        return "\n".join(lines)


def _named(trainable: Trainable) -> str:
    if isinstance(trainable, (tuple, list)):
        return " or ".join(_named(one) for one in trainable)
    return getattr(trainable, "__name__", repr(trainable))
