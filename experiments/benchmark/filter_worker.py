"""Runs a preset of the filters whenever a line comes in, and says how long it took.

A program of its own, which knows only what every version of the library has, so that it can be run
with the library of another checkout: `python -P filter_worker.py TASK SIZE`.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from skimage import data

from drp_jax import Problem, preset, restore
from drp_jax.operators import Downsample, Mask

SIGMA = 25 / 255


def problem(task: str, size: int) -> Problem:
    """A corner of a photograph: noisy, without half of its pixels, or half as large."""
    draw = np.random.default_rng(0)
    clean = (data.astronaut()[:size, 100 : 100 + size] / 255).astype(np.float32)
    if task == "denoise":
        noise = draw.normal(0, SIGMA, clean.shape)
        return Problem(np.clip(clean + noise, 0, 1).astype(np.float32))
    if task == "inpaint":
        known = (draw.random((size, size, 1)) < 0.5).astype(np.float32)
        return Problem(clean * known, Mask(jnp.asarray(known)))
    small = clean.reshape(size // 2, 2, size // 2, 2, 3).mean((1, 3))
    return Problem(small, Downsample(2))


def main(task: str, size: str) -> None:
    left, method = problem(task, int(size)), preset("default", task=task)
    for _ in sys.stdin:
        begun = time.process_time()
        result = restore(left, key=jax.random.key(0), method=method)
        image = np.asarray(jax.block_until_ready(result.image))
        print(time.process_time() - begun, float(image.mean()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
