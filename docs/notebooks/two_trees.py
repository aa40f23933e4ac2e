# %% [markdown]
# # The paper in JAX: two trees and one vmap
#
# Deep Random Projector (Li, Wang, Zhuang, Sun, CVPR 2023) restores an image with a network whose
# weights stay as they were drawn. What is fitted to the one noisy observation `y` is the network's
# input, the *seed* `z`, and the scales and biases of its normalisations:
#
# ```text
# minimise   RMSE(G(z), y) + weight * total_variation(G(z))
# over       z, and the scale and bias of each normalisation in G
# ```
#
# In JAX that is two pytrees, one that trains and one that does not, and a gradient with respect to
# the first. Everything else follows: the method is written out below in a few lines, checked
# against the library, and run for many random networks at once.

# %% tags=["install"]
# Only where the library is not installed yet, as on Colab.
# %pip install --quiet "drp_jax[commands] @ git+https://example.org/drp_jax/source"

# %%
import collections
import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax
from flax import nnx
from skimage import data

from drp_jax import Problem, begin, preset, restore
from drp_jax.metrics import psnr
from drp_jax.untrained import anisotropic_tv, rmse

# %% tags=["parameters"]
size = 96  # pixels of a side
width = 32  # channels of the network
iterations = 200
projectors = 4  # random networks at the end

# %%
clean = jnp.asarray(data.astronaut()[: 2 * size : 2, 150 : 150 + 2 * size : 2] / 255, jnp.float32)
noisy = clean + 0.1 * jax.random.normal(jax.random.key(1), clean.shape)
problem, key = Problem(noisy, reference=clean), jax.random.key(0)
method = preset("paper", method="drp-dip").adjusted(width=width, iterations=iterations)

# %% [markdown]
# ## Two trees
#
# `begin` gives a run before its first iteration. What trains is a filter of Flax NNX.

# %%
trees = begin(problem, method=method, key=key).trees
print("the filter:", *(kind.__name__ for kind in method.trainable))
print(trees.summary())


# %% [markdown]
# The optimiser has moments for the trained tree alone. Deep Image Prior is the same program with
# another filter: its weights train and its seed is frozen.


# %%
def sizes(trees):
    """How many values of each kind of variable there are, trained and frozen."""
    counts = collections.Counter()
    for name in ("trained", "frozen"):
        for _, variable in nnx.to_flat_state(getattr(trees, name)):
            arrays = jax.tree.leaves(variable)
            counts[f"{type(variable).__name__}, {name}"] += sum(one.size for one in arrays)
    return counts


dip = preset("paper", method="dip").adjusted(width=width)
for name, one in {"Deep Random Projector": method, "Deep Image Prior": dip}.items():
    of_shapes = jax.eval_shape(lambda one=one: begin(problem, method=one, key=key).trees)
    print(f"{name}: {dict(sizes(of_shapes))}")

# %% [markdown]
# ## The method, written out
#
# The loss is a function of the trained tree. The frozen one is a constant in it, so that no
# gradient with respect to a convolution's kernel is ever computed.

# %%
weight, adam = method.objective.weight, optax.adam(method.learning_rate)


def image_of(trained):
    return jax.nn.sigmoid(dataclasses.replace(trees, trained=trained).model()())


def loss(trained):
    image = image_of(trained)
    return rmse(image, noisy) + weight * anisotropic_tv(image)


@jax.jit
def step(trained, moments):
    gradient = jax.grad(loss)(trained)
    updates, moments = adam.update(gradient, moments)
    return optax.apply_updates(trained, updates), moments


def by_hand(iterations):
    """The image of the last of so many iterations, which is made before its step."""
    trained, moments = trees.trained, adam.init(trees.trained)
    for _ in range(iterations - 1):
        trained, moments = step(trained, moments)
    return image_of(trained)


# %% [markdown]
# `restore` does the same in one compiled loop, with a history and much else. The two differ by
# rounding alone. Adam and the kinks of total variation make that larger with every iteration, so
# that in the end they are two runs of one method.

# %%
for count in (1, 2, 10):
    few = restore(problem, key=key, method=method.adjusted(iterations=count))
    difference = jnp.abs(by_hand(count) - few.image).max()
    print(f"largest difference after {count:2} iterations: {difference:.1e}")

result = restore(problem, key=key, method=method)
for name, image in {"by hand": by_hand(iterations), "restore": result.image}.items():
    print(f"after {iterations} {name}: {psnr(image, clean):.2f} dB")
unchanged = jax.tree.map(
    lambda new, old: bool((new == old).all()), result.trees.frozen, trees.frozen
)
print("the frozen tree is as it was:", all(jax.tree.leaves(unchanged)))

# %% [markdown]
# ## One vmap
#
# `restore` is a pure function of its key, and of the weight, so both can be a batch: this is one
# compiled program for all random networks with all weights.


# %%
def projected(key, weight):
    own = method.adjusted(regularizer_weight=weight)
    return restore(problem, key=key, method=own)


keys, weights = jax.random.split(key, projectors), jnp.array([0.1, 0.45, 1.0])
all_keys = jax.vmap(projected, in_axes=(0, None))
runs = jax.vmap(all_keys, in_axes=(None, 0))(keys, weights)
print("images", runs.image.shape)

# %%
_, axes = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
for number, one in enumerate(weights):
    axes.plot(runs.history["psnr"][number].T, color=f"C{number}", linewidth=1)
    axes.plot([], color=f"C{number}", label=f"weight {one:.2f}")
axes.set(title="PSNR, a line for each network", xlabel="iteration", ylabel="dB")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# With a small weight the noise is fitted in the end, with a large one the picture becomes flat.
# The networks differ where the observation does not say enough. Their mean is better than each of
# them, and their spread is a map of where not to trust it.

# %%
images = runs.image[1]
mean, spread = images.mean(0), images.std(0).mean(-1)
print("each:", *(f"{psnr(image, clean):.2f}" for image in images), "dB")
print(f"mean: {psnr(mean, clean):.2f} dB")

panels = {"noisy": noisy, "one network": images[0], "mean": mean, "spread": spread}
_, places = plt.subplots(2, 2, figsize=(5.6, 6), layout="constrained")
for place, (name, image) in zip(places.flat, panels.items(), strict=True):
    place.imshow(image if image.ndim == 2 else jnp.clip(image, 0, 1), cmap="inferno")
    place.set_title(name)
    place.set_axis_off()
