"""No network: the image itself as what is trained, to see what a network adds."""

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax.untrained.partition import Weight


class Pixels(nnx.Module):
    """A generator whose weights are the image `[H, W, C]`, gray (0.5) at first; it takes no seed.

    Fitted with a regularizer it is the classical method: with total variation that of Rudin, Osher
    and Fatemi (1992), by gradients.
    """

    def __init__(
        self, seed_shape: tuple[int, ...], image_shape: tuple[int, ...], *, rngs: nnx.Rngs
    ):
        self.pixels = Weight(jnp.full(image_shape, 0.5))

    def __call__(self, seed: jax.Array) -> jax.Array:
        return self.pixels[...]
