"""What people use instead, by the packages that do it: the extra `bench`.

Where a baseline has a parameter to choose, it gets the value that is best for the image at hand by
the clean image, which our presets never see.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image

from drp_jax import InputError
from drp_jax.commands.super_resolve import resize

Baselines = dict[str, Callable[[], Iterable[np.ndarray]]]
"""By name what makes the candidates of a baseline: one image per value of its parameter."""


def denoisers(
    noisy: np.ndarray, sigma: float | None, strengths: Sequence[float] = (1.0,)
) -> Baselines:
    """Denoisers of an image `[H, W, C]`.

    Those that ask for the standard deviation of the noise are given `sigma`, the true one on the
    0-255 scale, or skimage's estimate if it is None; BM3D its best multiple among `strengths`.
    Raises `InputError` without the extra `bench`.
    """
    try:
        import bm3d
        import pywt  # noqa: F401  scikit-image needs it for wavelets
    except ImportError as error:
        raise InputError(f'{error}; accepted: after pip install -e ".[bench]"') from None
    from scipy import ndimage
    from skimage import restoration

    level = sigma / 255 if sigma else float(restoration.estimate_sigma(noisy[..., 0]))

    patches = {"sigma": level, "patch_size": 5, "patch_distance": 6, "channel_axis": -1}
    block_matching = bm3d.bm3d_rgb if noisy.shape[-1] == 3 else bm3d.bm3d
    return {
        "TV": lambda: (
            restoration.denoise_tv_chambolle(noisy, weight=weight, channel_axis=-1)
            for weight in (0.03, 0.06, 0.09, 0.13, 0.18, 0.25)
        ),
        "non-local means": lambda: (
            restoration.denoise_nl_means(noisy, h=strength * max(level, 0.01), **patches)
            for strength in (0.4, 0.6, 0.8, 1.2)
        ),
        "wavelet": lambda: [
            restoration.denoise_wavelet(noisy, channel_axis=-1, rescale_sigma=True)
        ],
        "median": lambda: (ndimage.median_filter(noisy, (side, side, 1)) for side in (3, 5)),
        "BM3D": lambda: (
            block_matching(noisy.squeeze().astype(np.float64), strength * level)
            for strength in strengths
        ),
    }


def inpainters(observation: np.ndarray, known: np.ndarray) -> Baselines:
    """Inpainters of an image `[H, W, C]` with known pixels `[H, W, 1]`."""
    from skimage.restoration import inpaint_biharmonic

    missing = ~known[..., 0]
    return {"biharmonic": lambda: [inpaint_biharmonic(observation, missing, channel_axis=-1)]}


def enlargers(observation: np.ndarray, height: int, width: int) -> Baselines:
    """Ways to enlarge an image."""
    return {"bicubic": lambda: [resize(observation, height, width, Image.Resampling.BICUBIC)]}
