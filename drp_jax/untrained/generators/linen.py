"""Networks written in Flax Linen as generators."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, nnx

from drp_jax.errors import require, require_whole, shown
from drp_jax.untrained.generators.layers import MOST_REDUCTION
from drp_jax.untrained.partition import NormAffine


@dataclasses.dataclass(frozen=True)
class Linen:
    """A generator made of a Linen module that maps the seed `[h, w, c]` to an image `[H, W, C]`.

    Its parameters count as weights, and those of its normalisations as `NormAffine`. What it keeps
    in other collections, as running statistics, is drawn once and stays; draws during a run, as of
    dropout, are not made.

    Attributes:
      module: the module.
      seed_reduction: how many times smaller the seed is than the image, from 1 up.
    """

    module: linen.Module
    seed_reduction: int = 1

    def __post_init__(self) -> None:
        require(
            isinstance(self.module, linen.Module),
            f"module is {shown(self.module)}; accepted: a flax.linen.Module",
        )
        require_whole(self.seed_reduction, "seed_reduction", 1, MOST_REDUCTION)

    def __call__(
        self, seed_shape: tuple[int, ...], image_shape: tuple[int, ...], *, rngs: nnx.Rngs
    ) -> "LinenGenerator":
        """A freshly drawn generator."""
        return LinenGenerator(self.module, seed_shape, rngs=rngs)


class LinenGenerator(nnx.Module):
    """A Linen module whose variables are variables of NNX."""

    def __init__(self, module: linen.Module, seed_shape: tuple[int, ...], *, rngs: nnx.Rngs):
        self.module = module
        drawn = dict(module.init(rngs.params(), jnp.zeros(seed_shape)))
        self.params = nnx.data(_as_variables(drawn.pop("params", {})))
        self.others = nnx.data(jax.tree.map(nnx.BatchStat, drawn))

    def __call__(self, seed: jax.Array) -> jax.Array:
        variables = {"params": self.params, **self.others}
        values = jax.tree.map(
            lambda variable: variable[...],
            variables,
            is_leaf=lambda node: isinstance(node, nnx.Variable),
        )
        result: Any = self.module.apply(values, seed, mutable=list(self.others) or False)
        return result[0] if self.others else result


def _as_variables(parameters: dict[str, Any]) -> Any:
    """Parameters by name as variables; a layer that has a scale is a normalisation."""
    kind = NormAffine if "scale" in parameters else nnx.Param
    return {
        name: _as_variables(entry) if isinstance(entry, dict) else kind(entry)
        for name, entry in parameters.items()
    }
