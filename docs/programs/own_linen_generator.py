"""Deep Random Projector on a network of your own, written in Flax Linen.

`Linen(module)` makes a generator of any Linen module that maps the seed `[h, w, c]` to an image
`[H, W, C]`. A preset takes it in place of its own network and keeps everything else: what trains,
the objective, the optimiser. `seed_reduction=2` asks for a seed of half the height and width.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen

from drp_jax import preset, restore
from drp_jax.metrics import psnr
from drp_jax.untrained import Linen


class SmallDecoder(linen.Module):
    @linen.compact
    def __call__(self, seed):
        features = linen.Conv(16, (3, 3))(seed)
        features = linen.leaky_relu(linen.GroupNorm(num_groups=16)(features[None])[0])
        height, width, channels = features.shape
        doubled = jax.image.resize(features, (2 * height, 2 * width, channels), "linear")
        return linen.Conv(1, (3, 3))(doubled)


rows, columns = jnp.meshgrid(*[jnp.linspace(0, 3, 32)] * 2, indexing="ij")
clean = (0.5 + 0.4 * jnp.sin(rows**2) * jnp.cos(2 * columns))[..., None]
noisy = clean + 0.1 * jax.random.normal(jax.random.key(1), clean.shape)

method = dataclasses.replace(
    preset("fast", method="drp-dip").adjusted(ema_decay=0.9),
    name="small decoder",
    generator=Linen(SmallDecoder(), seed_reduction=2),
)
result = restore(noisy, key=jax.random.key(0), method=method)
print(result.trees.summary())
print(f"PSNR {psnr(noisy, clean):.2f} dB -> {psnr(result.image, clean):.2f} dB")
