"""Image quality against a reference: two images `[H, W, C]`, values in [0, 1].

Both are dm-pix's. Its PSNR equals scikit-image's with `data_range=1`; its SSIM equals
scikit-image's with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`, the
variant of Wang et al. 2004, and not scikit-image's default (a 7 x 7 box window).
"""

from collections.abc import Callable

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import require, require_picture, require_whole

SSIM_WINDOW = 11

Metric = Callable[[jax.Array, jax.Array], jax.Array]


def psnr(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB over all pixels and channels; infinite if equal."""
    _check(image, reference)
    return dm_pix.psnr(image, reference)


def ssim(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Structural similarity, at most 1, averaged over pixels and channels.

    Raises:
      InputError: if a side is shorter than the 11-pixel window.
    """
    _check(image, reference, least_side=SSIM_WINDOW)
    return dm_pix.ssim(image, reference)


def luma(image: jax.Array) -> jax.Array:
    """The Y channel `[H, W, 1]` of BT.601, in [16, 235] / 255; a gray image is taken as Y."""
    require_picture(image, "image")
    shape = image.shape
    require(shape[-1] in (1, 3), f"image has shape {shape}; accepted: [H, W, 1] or [H, W, 3]")
    if image.shape[-1] == 1:
        return image
    weights = jnp.array([65.481, 128.553, 24.966]) / 255
    return (image @ weights)[..., None] + 16 / 255


def luma_without_border(image: jax.Array, *, border: int = 4) -> jax.Array:
    """The Y channel without `border` pixels on each side: what super-resolution is scored on.

    An image keeps its border if no side is longer than four times that.
    """
    require_picture(image, "image")
    require_whole(border, "border", 0, max(image.shape))
    border = border if min(image.shape[:2]) > 4 * border else 0
    return luma(image)[border : image.shape[0] - border, border : image.shape[1] - border]


def luma_psnr(image: jax.Array, reference: jax.Array) -> jax.Array:
    """PSNR in dB of the Y channel without the border: the score of super-resolution."""
    _check(image, reference)
    return psnr(luma_without_border(image), luma_without_border(reference))


def psnr_where(image: jax.Array, reference: jax.Array, selected: jax.Array) -> jax.Array:
    """PSNR in dB over the pixels where `selected`, `[H, W, 1]` or `[H, W, C]`, is true."""
    _check(image, reference)
    shape, accepted = np.shape(selected), ((*image.shape[:2], 1), image.shape)
    require(
        shape in accepted,
        f"selected has shape {shape}; accepted: {accepted[0]} or {accepted[1]}",
    )
    selected = jnp.broadcast_to(selected, image.shape)
    squared = jnp.where(selected, jnp.square(image - reference), 0.0)
    return -10 * jnp.log10(jnp.sum(squared) / jnp.sum(selected))


def uncertainty_correlation(
    image: jax.Array, reference: jax.Array, uncertainty: jax.Array
) -> jax.Array:
    """Correlation over pixels of the uncertainty `[H, W]` with the error, at most 1.

    The error is the absolute difference of the images, its mean over channels. Not a number where
    the uncertainty or the error is the same everywhere.
    """
    error = _absolute_error(image, reference, uncertainty)
    return jnp.corrcoef(uncertainty.ravel(), error.ravel())[0, 1]


def within_two_spreads(image: jax.Array, reference: jax.Array, uncertainty: jax.Array) -> jax.Array:
    """The share of pixels, in [0, 1], whose error is at most twice the uncertainty `[H, W]`.

    The error as in `uncertainty_correlation`.
    """
    return jnp.mean(_absolute_error(image, reference, uncertainty) <= 2 * uncertainty)


def _absolute_error(image: jax.Array, reference: jax.Array, uncertainty: jax.Array) -> jax.Array:
    _check(image, reference)
    require(
        np.shape(uncertainty) == image.shape[:2],
        f"uncertainty has shape {np.shape(uncertainty)}; accepted: {image.shape[:2]}",
    )
    return jnp.abs(image - reference).mean(axis=-1)


def _check(image: jax.Array, reference: jax.Array, least_side: int = 1) -> None:
    """Raises InputError unless two images can be compared."""
    require_picture(image, "image", least_side)
    require_picture(reference, "reference", least_side)
    require(
        image.shape == reference.shape,
        f"image has shape {image.shape}; accepted: {reference.shape}, the reference's",
    )
