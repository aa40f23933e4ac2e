"""What is restored: an observation with all that belongs to it, checked."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from drp_jax.errors import require
from drp_jax.methods import Settings
from drp_jax.operators import Operator, as_operator

SMALLEST_SIDE = 8


@struct.dataclass
class Inputs:
    """An observation and what belongs to it; made by `checked_inputs`.

    Attributes:
      observation: the degraded image, float32.
      operator: how it came from the image.
      seed: the generator's input `[h, w, c]`, or None for the one that the method draws.
      reference: the true image `[H, W, C]`, or None.
    """

    observation: jax.Array
    operator: Operator
    seed: jax.Array | None
    reference: jax.Array | None


def checked_inputs(
    settings: Settings,
    observation: jax.Array,
    *,
    operator: Operator | Callable[[jax.Array], jax.Array] | None,
    seed: jax.Array | None,
    reference: jax.Array | None,
) -> Inputs:
    """The arguments of `restore` as arrays that fit together.

    Raises:
      InputError: if they do not, as `restore` says.
    """
    operator = as_operator(operator)
    observation = _as_float(observation, "observation")
    image_shape = operator.image_shape(observation.shape)
    observation = _checked(operator.known(observation), "observation", in_range=True)
    _check_size(image_shape, "image")
    predicted = jax.eval_shape(operator, jax.ShapeDtypeStruct(image_shape, observation.dtype))
    require(
        predicted.shape == observation.shape,
        f"operator gives shape {predicted.shape} for an image {image_shape}; accepted: "
        f"{observation.shape}, the observation's",
    )
    if reference is not None:
        reference = _checked(_as_float(reference, "reference"), "reference", in_range=True)
        require(
            reference.shape == image_shape,
            f"reference has shape {reference.shape}; accepted: {image_shape}, the image's",
        )
    if seed is not None:
        seed = _checked(_as_float(seed, "seed"), "seed")
        size = settings.method.generator.seed_size(*image_shape[:2])
        require(
            seed.shape[:2] == size,
            f"seed has shape {seed.shape}; accepted: (h, w) = {size} with any channels",
        )
    return Inputs(observation, operator, seed, reference)


def _as_float(image: jax.Array, name: str) -> jax.Array:
    """The image as float32 `[H, W, C]`."""
    image = jnp.asarray(image)
    require(
        jnp.issubdtype(image.dtype, jnp.floating),
        f"{name} has type {image.dtype}; accepted: float, values in [0, 1]",
    )
    require(
        image.ndim == 3 and min(image.shape) >= 1,
        f"{name} has shape {image.shape}; accepted: (H, W, C)",
    )
    return image.astype(jnp.float32)


def _checked(image: jax.Array, name: str, *, in_range: bool = False) -> jax.Array:
    """The image, if its values are finite and in range as far as can be known now.

    Noise may take values out of [0, 1]; twice that range tells it from another scale.
    """
    if not isinstance(image, jax.core.Tracer):
        low, high = float(jnp.min(image)), float(jnp.max(image))
        is_finite = math.isfinite(low) and math.isfinite(high)
        require(is_finite, f"{name} has values that are not finite")
        require(
            not in_range or (low >= -1 and high <= 2),
            f"{name} has values from {low:g} to {high:g}; accepted: [0, 1], or a little more",
        )
    return image


def _check_size(shape: tuple[int, ...], name: str) -> None:
    require(
        min(shape[:2]) >= SMALLEST_SIDE,
        f"{name} has shape {shape}; accepted: (H, W, C) with H and W from {SMALLEST_SIDE} up",
    )
