"""Methods and settings.

A method is a generator, a seed, and what trains. Settings add the objective, the solver and how
the generator is computed.
`presets` holds those that come with the library.
"""

import dataclasses

import jax
from flax import nnx, struct

from drp_jax.compute import Compute, Precision
from drp_jax.errors import require, require_whole
from drp_jax.generators import GeneratorConfig, SeededGenerator
from drp_jax.jitter import Jitters
from drp_jax.objectives import Objective, anisotropic_tv
from drp_jax.partition import VariableType, check_trains
from drp_jax.seeds import Estimate, SeedConfig
from drp_jax.solver import SolverConfig

MOST_WIDTH = 4096
MOST_WEIGHT = 1e6


@dataclasses.dataclass(frozen=True)
class Method:
    """How the unknown image is represented, and which of its variables train.

    Attributes:
      name: the name it is asked for by.
      generator: configuration of the network.
      seed: how its input is drawn.
      trains: the variable types that train; all others stay as drawn.
      normalize_seed: whether a norm with its own affine is put on the seed.
      jitters: pairs of variable type and the jitter put on it at every iteration.

    Raises:
      InputError: if `trains` is empty or names something else than variable types.
    """

    name: str
    generator: GeneratorConfig
    seed: SeedConfig
    trains: tuple[VariableType, ...]
    normalize_seed: bool = False
    jitters: Jitters = ()

    def __post_init__(self) -> None:
        check_trains(self.trains)

    def build(
        self,
        key: jax.Array,
        image_shape: tuple[int, ...],
        *,
        estimate: Estimate | None = None,
        seed: jax.Array | None = None,
    ) -> SeededGenerator:
        """A freshly drawn generator of images.

        Args:
          key: the key of seed and weights.
          image_shape: `(H, W, C)`.
          estimate: gives a rough image; needed by seeds that start from it.
          seed: `[h, w, c]` to be used instead of a drawn one.
        """
        seed_key, weights_key = jax.random.split(key)
        if seed is None:
            size = self.generator.seed_size(*image_shape[:2])
            seed = self.seed.draw(seed_key, *size, estimate or _no_estimate)
        generator = self.generator.build(seed.shape[-1], image_shape, nnx.Rngs(weights_key))
        return SeededGenerator(seed, generator, normalize_seed=self.normalize_seed)


@struct.dataclass
class Settings:
    """All that `restore` needs beside the observation, its operator and a key.

    A pytree: all is static but the objective's weight, which is an array leaf.
    """

    method: Method = struct.field(pytree_node=False)
    solver: SolverConfig = struct.field(pytree_node=False)
    objective: Objective
    compute: Compute = struct.field(pytree_node=False, default=Compute())

    def adjusted(
        self,
        *,
        iterations: int | None = None,
        learning_rate: float | None = None,
        regularizer_weight: float | jax.Array | None = None,
        width: int | None = None,
        precision: Precision | None = None,
        rematerialise: bool | None = None,
    ) -> "Settings":
        """The same settings with those values replaced that are given.

        A regularizer weight gives settings without a regularizer anisotropic TV.

        Raises:
          InputError: if a value is out of its range, or means nothing for non-local steps.
        """
        if not self.solver.takes_gradients:
            for name, value in (
                ("learning rate", learning_rate),
                ("TV weight", regularizer_weight),
                ("precision", precision if precision is not Precision.FLOAT32 else None),
                ("rematerialise", rematerialise or None),
            ):
                require(
                    value is None,
                    f"{name} is {value}, and method {self.method.name} takes none; accepted: "
                    "drp-dip, drp-dd, dip or dd with it",
                )
        method, solver, objective = self.method, self.solver, self.objective
        if iterations is not None:
            solver = dataclasses.replace(solver, iterations=iterations)
        if learning_rate is not None:
            solver = dataclasses.replace(solver, learning_rate=learning_rate)
        if regularizer_weight is not None:
            if isinstance(regularizer_weight, (int, float)):  # no check inside transformations
                require(
                    0 <= regularizer_weight <= MOST_WEIGHT,
                    f"TV weight is {regularizer_weight}; accepted: from 0 to {MOST_WEIGHT:g}",
                )
            objective = dataclasses.replace(
                objective,
                regularizer=objective.regularizer or anisotropic_tv,
                weight=regularizer_weight,
            )
        if width is not None:
            require_whole(width, "width", 1, MOST_WIDTH)
            method = dataclasses.replace(method, generator=method.generator.with_width(width))
        compute = self.compute
        if precision is not None:
            compute = dataclasses.replace(compute, precision=precision)
        if rematerialise is not None:
            compute = dataclasses.replace(compute, rematerialise=rematerialise)
        return Settings(method, solver, objective, compute)


def _no_estimate() -> jax.Array:
    raise ValueError("this seed starts from an estimate of the image; give build() one")
