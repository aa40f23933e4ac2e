"""Image quality against a reference: two images `[H, W, C]`, values in [0, 1].

Both are dm-pix's. Its PSNR equals scikit-image's with `data_range=1`; its SSIM equals
scikit-image's with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`, the
variant of Wang et al. 2004, and not scikit-image's default (a 7 x 7 box window).
"""

import chex
import dm_pix
import jax

from drp_jax.errors import require

SSIM_WINDOW = 11


def psnr(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB over all pixels and channels; infinite if equal."""
    chex.assert_equal_shape((image, reference))
    return dm_pix.psnr(image, reference)


def ssim(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Structural similarity, at most 1, averaged over pixels and channels.

    Raises:
      InputError: if a side is shorter than the 11-pixel window.
    """
    chex.assert_equal_shape((image, reference))
    height, width = image.shape[:2]
    require(
        min(height, width) >= SSIM_WINDOW,
        f"SSIM of a {height} x {width} image; accepted: from {SSIM_WINDOW} x {SSIM_WINDOW} up",
    )
    return dm_pix.ssim(image, reference)
