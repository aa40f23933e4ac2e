# %% [markdown]
# # Denoise a photograph
#
# A noisy photograph goes in, the photograph without the noise comes out. Nothing has to be said of
# the noise, and nothing was trained before: a filter looks for patches of the picture that are
# alike, and what they have in common is the picture.

# %% tags=["install"]
# Only where the library is not installed yet, as on Colab.
# %pip install --quiet "drp_jax[commands] @ git+https://example.org/drp_jax/source"

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from skimage import data

from drp_jax import preset, read_image, restore, write_image
from drp_jax.images import Picture
from drp_jax.metrics import psnr
from drp_jax.non_local import denoise

# %% tags=["parameters"]
size = 192  # pixels of a side
sigma = 25  # deviation of the noise, of 255
iterations = 150  # of the network at the end


# %% [markdown]
# ## A photograph, and noise
#
# An image is float32 `[H, W, C]` with values in [0, 1]. This one comes with scikit-image; the noise
# is drawn, so that the result can be compared with the truth.

# %%
clean = jnp.asarray(data.chelsea()[40 : 40 + size, 100 : 100 + size] / 255, jnp.float32)
drawn = jax.random.normal(jax.random.key(1), clean.shape)
noisy = jnp.round(255 * jnp.clip(clean + sigma / 255 * drawn, 0, 1)) / 255  # as a file has it

# %% [markdown]
# Your own photograph is a line: `noisy = read_image("photo.jpg").image`.
#
# ## One call

# %%
key = jax.random.key(0)
result = restore(noisy, key=key)
print(result.message)
print(result.remark)
print(f"PSNR {psnr(noisy, clean):.2f} dB -> {psnr(result.image, clean):.2f} dB")


# %%
def show(panels, rows=1):
    """Draws images in [0, 1] under their names, two in a row."""
    _, places = plt.subplots(rows, 2, figsize=(5.6, 3 * rows), layout="constrained")
    for place, (name, image) in zip(places.flat, panels.items(), strict=True):
        place.imshow(image)
        place.set_title(name)
        place.set_axis_off()


show({"noisy": noisy, "restored": result.image})

# %% [markdown]
# ## What was taken away
#
# The truth is not there for your own photograph. Look at what was taken away instead: it should
# look like noise. Edges and hair in it are lost from the picture. `result.uncertainty`, `[H, W]` in
# units of the image, says where the filter is less sure of a pixel.

# %%
_, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3), layout="constrained")
left.imshow(jnp.clip(0.5 + 2 * (noisy - result.image), 0, 1))
left.set_title("taken away, twice")
drawn_map = right.imshow(result.uncertainty, cmap="inferno")
right.set_title("uncertainty")
plt.colorbar(drawn_map, ax=right, shrink=0.7)
for place in (left, right):
    place.set_axis_off()

# %% [markdown]
# ## Too smooth, or too much grain?
#
# `strength` multiplies the noise that was found: below 1 keeps more grain, above 1 smooths more.

# %%
compiled = jax.jit(denoise)
panels = {
    "the truth": clean,
    "strength 0.8": compiled(noisy, strength=0.8).image,
    "as found": result.image,
    "strength 1.4": compiled(noisy, strength=1.4).image,
}
around_an_eye = slice(size // 8, size // 2), slice(size // 8, size // 2)
show({name: image[around_an_eye] for name, image in panels.items()}, rows=2)

# %% [markdown]
# ## The same by a network
#
# Deep Random Projector fits the input of a random network to the noisy picture, with total
# variation against the noise. It needs no filter and takes any measurement, as k-space. On a
# photograph it is behind the filter. The `reference` is for the curve alone; nothing is fitted to
# it.

# %%
projector = preset("fast", method="drp-dip").adjusted(iterations=iterations)
fitted = restore(noisy, key=key, method=projector, reference=clean)

_, axes = plt.subplots(figsize=(5.6, 3), layout="constrained")
axes.plot(fitted.history["psnr"], label="Deep Random Projector")
axes.axhline(psnr(result.image, clean), color="gray", linestyle="--", label="filter")
axes.set(title="PSNR over the iterations", xlabel="iteration", ylabel="dB")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# ## To a file
#
# What a file has beside its pixels, as the colour profile and 16 bits, is kept if it was read from
# a file: `write_image("restored.png", picture.with_image(result.image))`.

# %%
write_image("restored.png", Picture(result.image))
print(read_image("restored.png").image.shape)
