"""Exponential averages of images, without their bias towards the zeros that they start from."""

from typing import Any

import jax
import jax.numpy as jnp


def added(total: jax.Array, image: jax.Array, decay: Any) -> jax.Array:
    """The weighted sum of images with one more; `decay`, in [0, 1), is the weight of the past."""
    return decay * total + (1 - decay) * image


def mean(total: jax.Array, count: Any, decay: Any) -> jax.Array:
    """The average of which `added` has made the sum, of so many images; zeros of none."""
    return total / jnp.maximum(1 - decay**count, 1e-12)
