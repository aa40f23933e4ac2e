"""Untrained image restoration and reconstruction in JAX: Deep Random Projector and its relatives.

    restoration = drp_jax.restore(observation, key=jax.random.key(0), operator=operator)

Images are float32 (or complex64) `[H, W, C]`, values in [0, 1] where nothing else is said; batches
come from `jax.vmap`. What is not at the top is in the namespaces `operators`, `untrained`,
`non_local`, `stopping`, `metrics`, `images` and `presets`.
"""

__version__ = "0.2.0"

from drp_jax import starting as starting  # isort: split

from drp_jax import images, metrics, non_local, operators, presets, stopping, untrained
from drp_jax.batch import Finished, Request, restore_many
from drp_jax.checkpoint import load, save
from drp_jax.errors import InputError
from drp_jax.images import read_image, write_image
from drp_jax.judged import Judged
from drp_jax.loop import Run, Status, advance, begin
from drp_jax.method import Loop, Method, Stage
from drp_jax.noise import Gaussian, NoiseFree, Poisson
from drp_jax.presets import preset
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record
from drp_jax.refined import Refined
from drp_jax.restore import Progress, Restoration, restore, resume

__all__ = [
    "Finished",
    "Gaussian",
    "InputError",
    "Judged",
    "Loop",
    "Method",
    "NoiseFree",
    "Poisson",
    "Problem",
    "Progress",
    "Refined",
    "Request",
    "Restoration",
    "Run",
    "Stage",
    "Status",
    "advance",
    "begin",
    "fixed",
    "images",
    "load",
    "metrics",
    "non_local",
    "operators",
    "preset",
    "presets",
    "read_image",
    "record",
    "restore",
    "restore_many",
    "resume",
    "save",
    "stopping",
    "untrained",
    "write_image",
]
