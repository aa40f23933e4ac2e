"""Deep Random Projector on a network of your own, written in Flax NNX.

A generator is anything called as `generator(seed_shape, image_shape, rngs=rngs)` that returns a
module mapping the seed `[h, w, c]` to an image `[H, W, C]`; a class is enough. Layers are Flax's
own. The scale and bias of their norms count as `NormAffine`, so `(Seed, NormAffine)` trains those
and the seed, and leaves every convolution as it was drawn.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from drp_jax import Loop, restore
from drp_jax.metrics import psnr
from drp_jax.untrained import NormAffine, NormalSeed, Objective, Seed, Untrained


class SmallNetwork(nnx.Module):
    def __init__(self, seed_shape, image_shape, *, rngs):
        self.first = nnx.Conv(seed_shape[-1], 16, (3, 3), rngs=rngs)
        self.second = nnx.Conv(16, 16, (3, 3), rngs=rngs)
        self.norms = nnx.List(nnx.InstanceNorm(16, rngs=rngs) for _ in range(2))
        self.last = nnx.Conv(16, image_shape[-1], (1, 1), rngs=rngs)

    def __call__(self, seed):
        features = seed[None]  # Flax's norms expect a batch
        for conv, norm in zip((self.first, self.second), self.norms, strict=True):
            features = nnx.leaky_relu(norm(conv(features)))
        return self.last(features)[0]


rows, columns = jnp.meshgrid(*[jnp.linspace(0, 3, 32)] * 2, indexing="ij")
clean = (0.5 + 0.4 * jnp.sin(rows**2) * jnp.cos(2 * columns))[..., None]
noisy = clean + 0.1 * jax.random.normal(jax.random.key(1), clean.shape)
method = Untrained(
    generator=SmallNetwork,
    seed=NormalSeed(channels=3, std=0.1),
    trainable=(Seed, NormAffine),
    objective=Objective(weight=0.7),  # RMSE and total variation where nothing else is said
    learning_rate=0.03,
    loop=Loop(100, ema_decay=0.9),
)
result = restore(noisy, key=jax.random.key(0), method=method)
print(result.trees.summary())
print(f"PSNR {psnr(noisy, clean):.2f} dB -> {psnr(result.image, clean):.2f} dB")
