"""Undoing what clipping does to noise.

Noise on a dark pixel that is cut off at black leaves only its upward half, so that the mean, which
is what denoisers find, is too bright; at white it is too dark. From Foi, Clipped noisy images:
heteroskedastic modeling and practical denoising (Signal Processing 2009), here for white noise and
applied only as far as clipped values are really found near the pixel, so that noise that is weak
in the dark is left alone.
"""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from drp_jax.errors import require, require_picture
from drp_jax.non_local.noise_estimate import check_noise, local_mean

_LEVELS = 256
_WINDOW = 9
_LEAST_NOISE = 1e-6  # keeps the scores finite; noise below it clips nothing that can be seen


def unclip(denoised: jax.Array, observation: jax.Array, noise: jax.Array) -> jax.Array:
    """A denoised image without the bias of the observation's clipping.

    Args:
      denoised: `[H, W, C]`, the mean of the noisy values at every pixel.
      observation: the noisy image `[H, W, C]`; values of exactly 0 or 1 may have been clipped.
      noise: standard deviation of the noise before it was clipped.

    Returns:
      The image `[H, W, C]`, values in [0, 1].
    """
    require_picture(denoised, "denoised")
    require_picture(observation, "observation")
    require(
        observation.shape == denoised.shape,
        f"observation has shape {observation.shape}; accepted: {denoised.shape}",
    )
    check_noise(noise, "noise")
    denoised = jnp.clip(denoised, 0, 1)
    noise = jnp.maximum(noise, _LEAST_NOISE)
    darker = _darkened(denoised, observation, noise)
    brighter = 1 - _darkened(1 - denoised, 1 - observation, noise)
    return jnp.clip(darker + brighter - denoised, 0, 1)


def _darkened(mean: jax.Array, observation: jax.Array, noise: jax.Array) -> jax.Array:
    """The image without the bias at black."""
    clean = jnp.linspace(0, 1, _LEVELS)
    score = clean / noise
    clipped_mean = clean * norm.cdf(score) + noise * norm.pdf(score)
    restored = jnp.interp(mean, clipped_mean, clean, left=0.0)
    expected = norm.cdf(-restored / noise)
    # Values below 0 would say that nothing was clipped.
    found = local_mean((observation == 0).astype(mean.dtype), _WINDOW)
    share = jnp.minimum(found / jnp.maximum(expected, 1e-6), 1.0)
    return mean + share * (restored - mean)
