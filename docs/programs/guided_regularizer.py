"""A regularizer that holds an image: total variation that is cheap where a guide has edges.

Because it is a `flax.struct.dataclass`, the guide is an array leaf of the method. Another guide
compiles nothing again, and `jax.vmap` runs over guides as it does over weights.
"""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp

from drp_jax import preset, restore
from drp_jax.metrics import psnr
from drp_jax.untrained import Objective


@flax.struct.dataclass
class GuidedVariation:
    guide: jax.Array

    def __call__(self, image):
        def variation(axis):
            price = jnp.exp(-jnp.abs(jnp.diff(self.guide, axis=axis)) / 0.1)
            return jnp.sum(price * jnp.abs(jnp.diff(image, axis=axis))) / image.size

        return variation(0) + variation(1)


clean = jnp.kron(jax.random.uniform(jax.random.key(1), (8, 8, 1)), jnp.ones((4, 4, 1)))
noisy = clean + 0.1 * jax.random.normal(jax.random.key(2), clean.shape)
method = preset("fast", method="drp-dd").adjusted(ema_decay=0.9, iterations=100)


def score(guide, weight):
    objective = Objective(regularizer=GuidedVariation(guide), weight=weight)
    guided = dataclasses.replace(method, objective=objective)
    return psnr(restore(noisy, key=jax.random.key(0), method=guided).image, clean)


guides = jnp.stack([jnp.zeros_like(clean), noisy, clean])
by_guide = jax.vmap(score, in_axes=(0, None))(guides, 0.45)
by_weight = jax.vmap(score, in_axes=(None, 0))(clean, jnp.array([0.1, 0.45, 1.0]))
print("PSNR with a flat, a noisy and the clean guide:", by_guide)
print("PSNR with weights 0.1, 0.45 and 1:", by_weight)
