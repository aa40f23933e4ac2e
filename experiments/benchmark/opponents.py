"""What people use instead, by the packages that do it: the extra `bench`.

Where a method has a parameter to choose, it gets the one that is best for the image at hand by the
clean image, which our presets never see.
"""

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from drp_jax import InputError
from experiments.super_resolve import resize

Method = Callable[[], Iterable[np.ndarray]]
"""The candidates of a method: one per value of its parameter."""


def denoisers(noisy: np.ndarray, sigma: float | None) -> dict[str, Method]:
    """Denoisers of an image `[H, W, C]`.

    Args:
      noisy: the image.
      sigma: the true standard deviation of the noise, on the 0-255 scale, which the methods are
        given that ask for one; if None they get skimage's estimate.

    Raises:
      InputError: if the packages of the extra `bench` are missing.
    """
    try:
        import bm3d
        import pywt  # noqa: F401  scikit-image needs it for wavelets
    except ImportError as error:
        raise InputError(f'{error}; accepted: after pip install -e ".[bench]"') from None
    from scipy import ndimage
    from skimage import restoration

    level = sigma / 255 if sigma else float(restoration.estimate_sigma(noisy[..., 0]))

    def total_variation() -> Iterable[np.ndarray]:
        for weight in (0.03, 0.06, 0.09, 0.13, 0.18, 0.25):
            yield restoration.denoise_tv_chambolle(noisy, weight=weight, channel_axis=-1)

    def non_local_means() -> Iterable[np.ndarray]:
        for strength in (0.4, 0.6, 0.8, 1.2):
            yield restoration.denoise_nl_means(
                noisy,
                h=strength * max(level, 0.01),
                sigma=level,
                patch_size=5,
                patch_distance=6,
                channel_axis=-1,
            )

    def wavelet() -> Iterable[np.ndarray]:
        yield restoration.denoise_wavelet(noisy, channel_axis=-1, rescale_sigma=True)

    def median() -> Iterable[np.ndarray]:
        for side in (3, 5):
            yield ndimage.median_filter(noisy, (side, side, 1))

    def block_matching() -> Iterable[np.ndarray]:
        if noisy.shape[-1] == 3:
            yield bm3d.bm3d_rgb(noisy.astype(np.float64), level)
        else:
            yield bm3d.bm3d(noisy[..., 0].astype(np.float64), level)[..., None]

    return {
        "TV": total_variation,
        "non-local means": non_local_means,
        "wavelet": wavelet,
        "median": median,
        "BM3D": block_matching,
    }


def inpainters(observation: np.ndarray, known: np.ndarray) -> dict[str, Method]:
    """Inpainters of an image `[H, W, C]` with known pixels `[H, W, 1]`."""
    from skimage import restoration

    def biharmonic() -> Iterable[np.ndarray]:
        yield restoration.inpaint_biharmonic(observation, ~known[..., 0], channel_axis=-1)

    return {"biharmonic": biharmonic}


def enlargers(observation: np.ndarray, height: int, width: int) -> dict[str, Method]:
    """Ways to enlarge an image."""
    return {"bicubic": lambda: [resize(observation, height, width, Image.Resampling.BICUBIC)]}
