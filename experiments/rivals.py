"""What people use instead, by the packages that do it, for plans of sweeps: the extra `bench`.

A plan gives their settings several values, and a report `--best-settings` takes the one that is
best for each image by the clean one, which the presets never see.
"""

import numpy as np
from PIL import Image

from drp_jax import Problem
from drp_jax.commands.super_resolve import resize
from drp_jax.external import External


def _untouched(problem: Problem) -> np.ndarray:
    return np.asarray(problem.observation)


def _total_variation(problem: Problem, weight: float) -> np.ndarray:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(problem.observation, weight=weight, channel_axis=-1)


def _non_local_means(problem: Problem, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means, estimate_sigma

    noisy = np.asarray(problem.observation)
    level = float(estimate_sigma(noisy, average_sigmas=True, channel_axis=-1))
    return denoise_nl_means(
        noisy,
        h=strength * max(level, 0.01),
        sigma=level,
        patch_size=5,
        patch_distance=6,
        channel_axis=-1,
    )


def _wavelet(problem: Problem) -> np.ndarray:
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(problem.observation, channel_axis=-1, rescale_sigma=True)


def _median(problem: Problem, side: int) -> np.ndarray:
    from scipy.ndimage import median_filter

    return median_filter(problem.observation, (side, side, 1))


def _bm3d(problem: Problem, level: float) -> np.ndarray:
    """BM3D with a standard deviation of the noise, of 255."""
    import bm3d

    noisy = np.asarray(problem.observation, np.float64)
    block_matching = bm3d.bm3d_rgb if noisy.shape[-1] == 3 else bm3d.bm3d
    return block_matching(noisy.squeeze(), level / 255)


def _biharmonic(problem: Problem) -> np.ndarray:
    from skimage.restoration import inpaint_biharmonic

    missing = problem.operator.mask[..., 0] == 0
    return inpaint_biharmonic(problem.observation, missing, channel_axis=-1)


def _bicubic(problem: Problem) -> np.ndarray:
    height, width, _ = problem.image.shape
    return resize(np.asarray(problem.observation), height, width, Image.Resampling.BICUBIC)


untouched = External(_untouched, name="input")
total_variation = External(_total_variation, {"weight": 0.1}, name="TV")
non_local_means = External(_non_local_means, {"strength": 0.8}, name="non-local means")
wavelet = External(_wavelet, name="wavelet")
median = External(_median, {"side": 3}, name="median")
bm3d = External(_bm3d, {"level": 25.0}, name="BM3D")
biharmonic = External(_biharmonic, name="biharmonic")
bicubic = External(_bicubic, name="bicubic")
