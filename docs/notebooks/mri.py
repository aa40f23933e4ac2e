# %% [markdown]
# # MRI with a random projector
#
# A scanner measures the Fourier transform of a slice, row by row, and every row takes time. Here a
# third of the rows is measured, with noise, and the image is found without any other image to learn
# from: Deep Random Projector fits the input of a random network to the measurement.

# %% tags=["install"]
# Only where the library is not installed yet, as on Colab.
# %pip install --quiet "drp_jax[commands] @ git+https://example.org/drp_jax/source"

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from skimage import data, transform

from drp_jax import Gaussian, Problem, preset, restore
from drp_jax.metrics import psnr, ssim
from drp_jax.operators import MaskedFourier, direct_reconstruction

# %% tags=["parameters"]
size = 96  # pixels of a side
iterations = 350
projectors = 3  # random networks

# %% [markdown]
# ## The measurement
#
# The phantom of Shepp and Logan, and the rows that are measured: some around the centre, where the
# coarse shapes are, and some of the others by chance. `MaskedFourier` measures; it would take the
# sensitivities of several coils too. The noise has its level stated for complex numbers.

# %%
phantom = transform.resize(data.shepp_logan_phantom(), (size, size), anti_aliasing=True)
clean = jnp.asarray(phantom, jnp.float32)[..., None]

rows = jnp.arange(size)[:, None]
by_chance = jax.random.uniform(jax.random.key(1), (size, 1)) < 0.25
operator = MaskedFourier(by_chance | (abs(rows - size // 2) < size // 24))

level = 0.01
real, imaginary = jax.random.normal(jax.random.key(2), (2, size, size)) * level / 2**0.5
kspace = operator.known(operator(clean) + real + 1j * imaginary)

problem = Problem(kspace, operator, Gaussian(level), reference=clean)
zero_filled = direct_reconstruction(operator, kspace, problem.image)
print(f"{operator.mask.mean():.0%} of the rows")


# %%
def show(panels, **how):
    """Draws images `[H, W]` under their names, two in a row."""
    rows = len(panels) // 2
    _, places = plt.subplots(rows, 2, figsize=(5.6, 3 * rows), layout="constrained", squeeze=False)
    for place, (name, image) in zip(places.flat, panels.items(), strict=True):
        drawn = place.imshow(image, **how)
        place.set_title(name)
        place.set_axis_off()
    if "vmax" in how:
        plt.colorbar(drawn, ax=places, shrink=0.6)


show(
    {"measured k-space": jnp.log10(1e-3 + abs(kspace)), "zero-filled": zero_filled[..., 0]},
    cmap="gray",
)

# %% [markdown]
# With 0 for what was not measured, the inverse transform repeats the head over itself.
#
# ## The projector
#
# How much total variation an image wants depends on the image, so the method first keeps 6 % of the
# measurement out, fits the rest with every weight, side by side, and takes the weight that predicts
# best what was kept out. Then some random networks are fitted to all of it, side by side.

# %%
method = preset(method="drp-dip", task="reconstruct")
method = method.adjusted(iterations=iterations, projectors=projectors)
result = restore(problem, key=jax.random.key(0), method=method)

print(result.message)
print(f"weight {result.past['weight'][-1]:.2f}")
for name, image in {"zero-filled": zero_filled, "projector": result.image}.items():
    print(f"{name}: PSNR {psnr(image, clean):.2f} dB, SSIM {ssim(image, clean):.3f}")

# %%
_, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.8), layout="constrained")
left.semilogx(method.weights, result.run.state.method.errors, "o-")
left.set_xticks(method.weights, method.weights)
left.minorticks_off()
left.set(title="error on what was kept out", xlabel="weight of total variation")
right.plot(result.past["psnr"])
right.axvline(method.search_length, color="gray", linestyle="--")
right.set(title="PSNR", ylabel="dB", xlabel="iteration")
for axes in (left, right):
    axes.grid(alpha=0.3)

# %% [markdown]
# Left of the dashed line is the search, of which the middle weight is shown.
#
# ## The image, and how far to trust it
#
# The image is the mean of the networks. Their spread, `result.uncertainty`, needs no truth. It is
# large in many of the places where the error is, and much smaller: what all networks have wrong
# alike is not in it.

# %%
error = abs(result.image - clean)[..., 0]
images = {"truth": clean, "projector": result.image}
show({name: image[..., 0] for name, image in images.items()}, cmap="gray", vmin=0, vmax=1)
show({"error": error, "uncertainty": result.uncertainty}, cmap="inferno", vmin=0, vmax=0.1)

# %% [markdown]
# Does the image explain the measurement? What it leaves should be about as much as the noise. The
# less it leaves, the more of the noise it has; with much more, something that was told is wrong.

# %%
left = operator(result.image) - kspace
measured = jnp.sqrt(jnp.mean(abs(left) ** 2) / operator.mask.mean())
print(f"the image leaves {measured:.4f} of each measured value, and the noise is {level:.4f}")

# %% [markdown]
# Without a method `restore(problem, key=key)` goes on from the projector's image with a non-local
# filter, tries the filter alone too, and takes what predicts best what was kept out. Your own files
# of k-space: `drp-jax reconstruct mri --help`.
