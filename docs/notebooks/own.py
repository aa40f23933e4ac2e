# %% [markdown]
# # Your own network and operator
#
# A camera that the library does not know, and a network that it does not know: both are plugged in
# as they are, nothing is registered. The camera sees every block of 8 x 8 pixels through 16 random
# patterns, and keeps one number for each: a quarter as many numbers as there are pixels.

# %% tags=["install"]
# Only where the library is not installed yet, as on Colab.
# %pip install --quiet "drp_jax[commands] @ git+https://example.org/drp_jax/source"

# %%
import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from flax import nnx
from skimage import data

from drp_jax import Loop, Problem, record, restore
from drp_jax.metrics import psnr
from drp_jax.operators import adjoint
from drp_jax.untrained import CosineDecay, NormAffine, NormalSeed, Objective, Seed, Untrained

# %% tags=["parameters"]
size = 96  # pixels of a side
channels = 24  # of the network
iterations = 250


# %% [markdown]
# ## The operator
#
# Any function of an image `[H, W, C]` will do. This one holds its patterns, so it is a `record`:
# they are array leaves of a pytree, other patterns compile nothing again, and `jax.vmap` runs over
# them.


# %%
@record
class Patterns:
    """Blocks of an image through patterns.

    Attributes:
      patterns: `[K, side, side]`.
    """

    patterns: jax.Array

    def __call__(self, image):
        side, (height, width, colors) = self.patterns.shape[-1], image.shape
        blocks = image.reshape(height // side, side, width // side, side, colors)
        return jnp.einsum("kij,yixjc->yxkc", self.patterns, blocks)


signs = jax.random.rademacher(jax.random.key(1), (16, 8, 8), jnp.float32)
camera = Patterns(signs.at[0].set(1) / 8)  # the first is the mean of the block
clean = jnp.asarray(data.camera()[60 : 60 + 2 * size : 2, 130 : 130 + 2 * size : 2] / 255)
clean = clean.astype(jnp.float32)[..., None]
observed = camera(clean)
print("image", clean.shape, "observed", observed.shape)

# %% [markdown]
# `Problem` checks that the two fit together, and finds by tracing whether the operator is linear.
# What the function cannot tell is the shape of its image. The adjoint need not be written.

# %%
problem = Problem(observed, camera, image_shape=clean.shape, reference=clean)
simple = adjoint(camera, observed, problem.image)


# %% [markdown]
# ## The network
#
# A class of Flax NNX that is made with the shapes of the seed and the image, and maps the one to
# the other. The layers are Flax's own.


# %%
class Network(nnx.Module):
    """Features of the seed at the full size and at half of it, put together."""

    def __init__(self, seed_shape, image_shape, *, rngs):
        def layer(inputs, strides=1):
            convolution = nnx.Conv(inputs, channels, (3, 3), strides, rngs=rngs)
            return nnx.Sequential(
                convolution, nnx.InstanceNorm(channels, rngs=rngs), nnx.leaky_relu
            )

        self.fine, self.coarse = layer(seed_shape[-1]), layer(seed_shape[-1], strides=2)
        self.both = layer(2 * channels)
        self.last = nnx.Conv(channels, image_shape[-1], (1, 1), rngs=rngs)

    def __call__(self, seed):
        fine, coarse = self.fine(seed[None]), self.coarse(seed[None])  # norms expect a batch
        coarse = jax.image.resize(coarse, fine.shape, "linear")
        return self.last(self.both(jnp.concatenate([fine, coarse], axis=-1)))[0]


# %% [markdown]
# ## What trains
#
# `(Seed, NormAffine)` is Deep Random Projector: the convolutions stay as they were drawn.
# With `(nnx.Param, NormAffine)` they train, as in Deep Image Prior. The rest is a choice of the
# objective and of the run.

# %%
projector = Untrained(
    generator=Network,
    seed=NormalSeed(channels=3, std=0.1),
    trainable=(Seed, NormAffine),
    objective=Objective(weight=0.1),  # RMSE and total variation where nothing else is said
    learning_rate=CosineDecay(0.1, 0.005, iterations),
    loop=Loop(iterations, ema_decay=0.9),
)
prior = dataclasses.replace(
    projector,
    trainable=(nnx.Param, NormAffine),
    learning_rate=CosineDecay(0.01, 0.001, iterations),
)
key = jax.random.key(0)
results = {
    "Seed, NormAffine": restore(problem, key=key, method=projector),
    "nnx.Param, NormAffine": restore(problem, key=key, method=prior),
}
for name, result in results.items():
    sizes = result.trees.summary()
    print(f"{name}: {sizes.trained.values:,} train, {sizes.frozen.values:,} are frozen")

# %%
_, axes = plt.subplots(figsize=(5.6, 3), layout="constrained")
for name, result in results.items():
    axes.plot(result.history["psnr"], label=name)
axes.set(title="PSNR, by what trains", xlabel="iteration", ylabel="dB")
axes.legend()
axes.grid(alpha=0.3)

# %%
images = {"truth": clean, "adjoint": simple}
images |= {name: result.image for name, result in results.items()}
_, places = plt.subplots(2, 2, figsize=(5.6, 6), layout="constrained")
for place, (name, image) in zip(places.flat, images.items(), strict=True):
    score = "" if name == "truth" else f", {psnr(image, clean):.2f} dB"
    place.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
    place.set_title(name + score)
    place.set_axis_off()

# %% [markdown]
# The small network is enough for the projector. It says little of Deep Image Prior, whose network
# has five scales: `preset(method="dip", task="reconstruct")`.
