"""Which variables of a generator are frozen and which train.

Every variable is one of three types: a `Weight` (theta), a `NormAffine` (theta_BN)
or a `Seed` (z). A method names the types that train; `split` then gives two pytrees,
and only the trained one ever meets `jax.grad` and the optimiser:

    DIP, Deep Decoder    train Weight and NormAffine, freeze Seed
    DRP-DIP, DRP-DD      train Seed and NormAffine, freeze Weight (the random projector)
"""

from flax import nnx

from drp_jax.errors import require


class Weight(nnx.Variable):
    """A convolution's kernel or bias."""


class NormAffine(nnx.Variable):
    """The scale or bias of a normalisation."""


class Seed(nnx.Variable):
    """The input of the generator."""


VariableType = type[nnx.Variable]

VARIABLE_TYPES: tuple[VariableType, ...] = (Weight, NormAffine, Seed)


def check_trains(trains: tuple[VariableType, ...]) -> None:
    """Raises InputError unless `trains` names at least one variable type, and only those known."""
    accepted = ", ".join(kind.__name__ for kind in VARIABLE_TYPES)
    require(len(trains) > 0, f"nothing trains: name at least one of {accepted}")
    for kind in trains:
        require(kind in VARIABLE_TYPES, f"cannot train {kind!r}; accepted: {accepted}")


def split(
    model: nnx.Module, trains: tuple[VariableType, ...]
) -> tuple[nnx.GraphDef, nnx.State, nnx.State]:
    """Splits a model into its structure, its trained and its frozen variables.

    Args:
      model: any module whose variables are of the three types above.
      trains: the variable types that train.

    Returns:
      `(structure, trained, frozen)`: a static graph definition and two pytrees that
      share no array.

    Raises:
      InputError: if `trains` is empty or holds something else than the three types.
    """
    check_trains(trains)
    structure, *states = nnx.split(model, nnx.filterlib.Any(*trains), ...)
    trained, frozen = states
    return structure, trained, frozen


def merge(structure: nnx.GraphDef, trained: nnx.State, frozen: nnx.State) -> nnx.Module:
    """The model again: the inverse of `split`."""
    return nnx.merge(structure, trained, frozen)
