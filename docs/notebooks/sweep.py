# %% [markdown]
# # A sweep
#
# How much total variation should Deep Random Projector get? That depends on the noise, and to know
# it for your images is a sweep: images x noise x weights x random keys, as one table.

# %% tags=["install"]
# Only where the library is not installed yet, as on Colab.
# %pip install --quiet "drp_jax[commands] @ git+https://example.org/drp_jax/source"

# %%
import functools
import itertools
import json
import pathlib
import sqlite3

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from drp_jax import preset
from drp_jax.sweep import CleanImage, Plan, Store, Variant, degradation, run_sweep

# %% tags=["parameters"]
size = 64  # pixels of a side
iterations = 150
weights = (0.03, 0.1, 0.2, 0.4, 0.8, 1.6)
keys = (0, 1)

# %% [markdown]
# ## The plan
#
# Images are functions that read them, degradations are texts as on the command line, and a variant
# is a method with settings. The filter is beside them, to compare with. Settings that are numbers
# share a compiled program.


# %%
def square(photograph):
    return photograph()[60 : 60 + 3 * size : 3, 130 : 130 + 3 * size : 3] / 255


images = [
    CleanImage(one.__name__, functools.partial(square, one))
    for one in (data.astronaut, data.coffee)
]
noises = [degradation(f"gaussian:{level}") for level in (15, 25, 50)]
base = preset("fast", method="drp-dip").adjusted(iterations=iterations)
variants = [
    Variant("projector", base=base, settings={"regularizer_weight": weight}) for weight in weights
]
plan = Plan(tuple(images), tuple(noises), (*variants, Variant("non-local", "fast")), keys)
print(len(list(plan.runs())), "runs")

# %% [markdown]
# ## Run it, end it, run it again
#
# A run has its row as soon as it is done. Whatever ends a sweep, the same plan goes on with the
# runs that are missing: here it is ended after five.

# %%
folder = pathlib.Path("sweep_results")
first = list(itertools.islice(run_sweep(plan, folder), 5))
others = list(run_sweep(plan, folder))
again = list(run_sweep(plan, folder))
print(len(first), "runs, then", len(others), "runs, then", len(again))

# %% [markdown]
# ## The table
#
# It is SQLite, so pandas, polars and DuckDB read it too.

# %%
table = sqlite3.connect(folder / "runs.sqlite")
means = table.execute(
    "SELECT degradation, method, settings, avg(psnr), avg(ssim) FROM latest GROUP BY 1, 2, 3"
).fetchall()
table.close()
for noise, method, settings, decibels, similarity in means:
    weight = json.loads(settings).get("regularizer_weight", "")
    print(f"{noise:12} {method:10} {weight:>5} {decibels:6.2f} dB {similarity:.3f}")

# %%
_, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
for number, noise in enumerate(one.name for one in noises):
    rows = [row for row in means if row[0] == noise]
    curve = sorted(
        (json.loads(settings)["regularizer_weight"], decibels)
        for _, method, settings, decibels, _ in rows
        if method == "projector"
    )
    (by_filter,) = (decibels for _, method, _, decibels, _ in rows if method == "non-local")
    axes.plot(*zip(*curve, strict=True), marker="o", color=f"C{number}", label=noise)
    axes.axhline(by_filter, color=f"C{number}", linestyle="--", linewidth=1)
axes.set(title="PSNR by weight; dashed: the filter", xlabel="weight", ylabel="dB", xscale="log")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# The best weight is inside of the range; at an end of it, the range would have to be wider. For
# photographs the filter is ahead of every weight.
#
# ## The images
#
# Beside the table are the image of every run and its history.

# %%
with Store(folder) as store:
    rows = [row for row in store.rows() if row["image"] == "astronaut" and row["key"] == keys[0]]
rows = [row for row in rows if row["degradation"] == "gaussian:25"]
projected = [row for row in rows if row["method"] == "projector"]
projected.sort(key=lambda row: json.loads(row["settings"])["regularizer_weight"])
best = max(projected, key=lambda row: row["psnr"])

_, places = plt.subplots(2, 2, figsize=(5.6, 6), layout="constrained")
noisy = np.load(folder / f"{best['inputs']}.npz")["start"]
panels = [("noisy", noisy)] + [
    (f"weight {json.loads(row['settings'])['regularizer_weight']}, {row['psnr']:.2f} dB", image)
    for row in (projected[0], best, projected[-1])
    for image in [np.load(folder / f"{row['files']}.npz")["image"]]
]
for place, (name, image) in zip(places.flat, panels, strict=True):
    place.imshow(np.clip(image, 0, 1))
    place.set_title(name)
    place.set_axis_off()

# %% [markdown]
# The report of the table is a page to open, with curves, paired differences and all pictures:
#
# ```sh
# drp-jax sweep report sweep_results --html report
# ```
#
# The same plan as a file, which `drp-jax sweep run` takes, is in [the how-to](../sweeps.md), with
# more machines and settings that are dropped early.
