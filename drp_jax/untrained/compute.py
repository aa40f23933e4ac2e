"""How a generator is evaluated: the precision of its arithmetic, and what is kept in memory.

Parameters, seed, optimiser state, norms, objective and averages are float32 whatever is chosen.
"""

import contextlib
import dataclasses
import enum

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax.errors import require_choice, require_kind
from drp_jax.untrained.generators.layers import CONVOLVED
from drp_jax.untrained.partition import NormAffine, merge


class Precision(enum.StrEnum):
    """The arithmetic of convolutions, and the type of the images between layers.

    FLOAT32: float32 throughout, products included, on every device.
    TF32: float32 images; products on NVIDIA GPUs from Ampere on round their factors to 10 bits
      of mantissa. The same as FLOAT32 where there is no such hardware.
    BFLOAT16: images between layers, weights and seed are rounded to bfloat16, which halves the
      memory of images.
    """

    FLOAT32 = "float32"
    TF32 = "tf32"
    BFLOAT16 = "bfloat16"


_PRODUCTS = {
    Precision.FLOAT32: "float32",
    Precision.TF32: "tensorfloat32",
    Precision.BFLOAT16: "default",
}


@dataclasses.dataclass(frozen=True)
class Compute:
    """How a generator is evaluated.

    Attributes:
      precision: the arithmetic.
      rematerialise: whether the backward pass computes what lies between convolutions again,
        instead of keeping it: less memory for more time.

    Raises:
      InputError: if the precision is unknown.
    """

    precision: Precision = Precision.FLOAT32
    rematerialise: bool = False

    def __post_init__(self) -> None:
        require_choice(self.precision, Precision, "precision")
        require_kind(self.rematerialise, bool, "rematerialise", "True or False")

    def products(self) -> contextlib.AbstractContextManager:
        """A context in which traced products have this precision."""
        return jax.default_matmul_precision(_PRODUCTS[self.precision])

    def image(self, structure: nnx.GraphDef, trained: nnx.State, frozen: nnx.State) -> jax.Array:
        """What a generator gives in the parts that `split` makes, `[H, W, C]`, float32."""

        def generate(trained: nnx.State, frozen: nnx.State) -> jax.Array:
            if self.precision is Precision.BFLOAT16:
                trained, frozen = _rounded(trained), _rounded(frozen)
            return merge(structure, trained, frozen)().astype(jnp.float32)

        if self.rematerialise:
            keep = jax.checkpoint_policies.save_only_these_names(CONVOLVED)
            generate = jax.checkpoint(generate, policy=keep)
        return generate(trained, frozen)


def _rounded(state: nnx.State) -> nnx.State:
    """The variables in bfloat16, but for norms, which compute in float32."""
    return nnx.from_flat_state(
        (path, variable)
        if type(variable) is NormAffine or not jnp.issubdtype(variable[...].dtype, jnp.floating)
        else (path, variable.replace(variable[...].astype(jnp.bfloat16)))
        for path, variable in nnx.to_flat_state(state)
    )
