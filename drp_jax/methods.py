"""The methods and their settings.

A method is a generator, a seed, and what trains. Settings add the objective and the solver;
a preset is the settings of one method for one task:

    paper   the settings of the original program, see each constant below
    fast    narrower and shorter, for a CPU
"""

import dataclasses
from typing import TypeVar

import jax
from flax import nnx, struct

from drp_jax.errors import require
from drp_jax.generators import HourglassConfig, SeededGenerator
from drp_jax.objectives import Objective, anisotropic_tv, rmse
from drp_jax.partition import NormAffine, Seed, VariableType, check_trains
from drp_jax.seeds import NormalSeed
from drp_jax.solver import SolverConfig


@dataclasses.dataclass(frozen=True)
class Method:
    """How the unknown image is represented, and which of its variables train.

    Attributes:
      name: the name it is asked for by.
      generator: configuration of the network.
      seed: how its input is drawn.
      trains: the variable types that train; all others stay as drawn.
      normalize_seed: whether a norm with its own affine is put on the seed.

    Raises:
      InputError: if `trains` is empty or names something else than variable types.
    """

    name: str
    generator: HourglassConfig
    seed: NormalSeed
    trains: tuple[VariableType, ...]
    normalize_seed: bool

    def __post_init__(self) -> None:
        check_trains(self.trains)

    def build(self, key: jax.Array, image_shape: tuple[int, ...]) -> SeededGenerator:
        """A freshly drawn generator of images `image_shape = (H, W, C)`."""
        seed_key, weights_key = jax.random.split(key)
        height, width, channels = image_shape
        seed = self.seed.draw(seed_key, height, width)
        generator = self.generator.build(seed.shape[-1], channels, nnx.Rngs(weights_key))
        return SeededGenerator(seed, generator, normalize_seed=self.normalize_seed)


@struct.dataclass
class Settings:
    """All that `restore` needs beside the observation, its operator and a key.

    A pytree: method and solver are static, the objective's weight is an array leaf.
    """

    method: Method = struct.field(pytree_node=False)
    solver: SolverConfig = struct.field(pytree_node=False)
    objective: Objective

    def adjusted(
        self,
        *,
        iterations: int | None = None,
        learning_rate: float | None = None,
        regularizer_weight: float | None = None,
        width: int | None = None,
    ) -> "Settings":
        """The same settings with those values replaced that are given.

        Raises:
          InputError: if a value is out of its range.
        """
        method, solver, objective = self.method, self.solver, self.objective
        if iterations is not None:
            solver = dataclasses.replace(solver, iterations=iterations)
        if learning_rate is not None:
            solver = dataclasses.replace(solver, learning_rate=learning_rate)
        if regularizer_weight is not None:
            require(
                0 <= regularizer_weight < float("inf"),
                f"TV weight is {regularizer_weight}; accepted: from 0 up and finite",
            )
            objective = dataclasses.replace(objective, weight=regularizer_weight)
        if width is not None:
            require(width >= 1, f"width is {width}; accepted: from 1 up")
            method = dataclasses.replace(method, generator=method.generator.with_width(width))
        return Settings(method, solver, objective)


DRP_DIP = Method(
    name="drp-dip",
    generator=HourglassConfig(widths_down=(64,), widths_up=(64,), widths_skip=(4,)),
    seed=NormalSeed(channels=3, std=0.1),
    trains=(Seed, NormAffine),
    normalize_seed=True,
)
"""Deep Random Projector on a one-scale hourglass (Li et al. 2023), as its denoising program."""

_PAPER = Settings(
    method=DRP_DIP,
    solver=SolverConfig(iterations=5000, learning_rate=0.1),
    objective=Objective(rmse, anisotropic_tv, weight=0.45),
)

_PRESETS: dict[str, dict[str, dict[str, Settings]]] = {
    "drp-dip": {
        "denoise": {
            "paper": _PAPER,
            "fast": _PAPER.adjusted(width=16, iterations=150),
        },
    },
}


def preset(name: str = "fast", *, method: str = "drp-dip", task: str = "denoise") -> Settings:
    """The settings of a method for a task.

    Args:
      name: "paper" or "fast".
      method: "drp-dip".
      task: "denoise".

    Raises:
      InputError: if a name is unknown; the message lists the known ones.
    """
    tasks = _look_up(_PRESETS, method, "method")
    return _look_up(_look_up(tasks, task, f"task of {method}"), name, f"preset of {method} {task}")


Entry = TypeVar("Entry")


def _look_up(table: dict[str, Entry], name: str, what: str) -> Entry:
    require(name in table, f"unknown {what}: {name!r}; accepted: {', '.join(table)}")
    return table[name]
