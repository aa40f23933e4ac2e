"""Operators that measure the Fourier transform of an image: MRI, and magnitudes alone.

The transform is orthonormal. The centre of the image and that of k-space are the entries N // 2 of
each side, as in fastMRI: frequency 0 is in the middle. Images are `[H, W, 1]`, real or complex.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import (
    is_known,
    require,
    require_finite,
    require_kind,
    require_whole,
    shown,
)
from drp_jax.operators.base import Observation, Operator, Shape
from drp_jax.pytrees import fixed, record

_ARRAYS = (np.ndarray, jax.Array)
MOST_OVERSAMPLING = 8


def centred_fft(image: jax.Array) -> jax.Array:
    """The orthonormal Fourier transform of the last two axes, with both centres at N // 2."""
    axes = (-2, -1)
    spectrum = jnp.fft.fft2(jnp.fft.ifftshift(image, axes), axes=axes, norm="ortho")
    return jnp.fft.fftshift(spectrum, axes)


def from_fft2(spectrum: jax.Array | np.ndarray) -> jax.Array:
    """The k-space of `MaskedFourier` from what `numpy.fft.fft2` gives of an image.

    That has frequency 0 and the image's first pixel at [0, 0], and is not scaled. To shift k-space
    alone is not enough: the image would be rolled by half of its size.

    Args:
      spectrum: complex `[..., H, W]`; entries that are 0 stay so. A mask `[H, W]` that goes with it
        only needs `numpy.fft.fftshift`.
    """
    shifted = jnp.fft.fftshift(jnp.asarray(spectrum), (-2, -1))
    rows, columns = map(_phases, shifted.shape[-2:])
    factors = (rows[:, None] * columns).astype(shifted.dtype)
    return shifted * factors.reshape((1,) * (shifted.ndim - 2) + factors.shape)


def _phases(side: int) -> np.ndarray:
    """What a spectrum `[side]` is multiplied by when the first pixel is to be the middle one."""
    frequencies, middle = np.arange(side) - side // 2, side // 2
    return np.exp(2j * np.pi * (frequencies * middle % side) / side) / side**0.5


@record
class MaskedFourier(Operator):
    """Some entries of k-space are observed, by one coil or several: Cartesian MRI. Linear.

    The observation is complex: `[H, W]` of one coil, `[coils, H, W]` of several, 0 where nothing
    was sampled; what it holds there is not looked at.

    Attributes:
      mask: `[H, W]`, or `[1, W]` or `[H, 1]` for whole columns or rows: 1 where k-space was
        sampled, 0 elsewhere; numbers or bool.
      sensitivities: `[coils, H, W]`, real or complex, by which each coil multiplies the image;
        None for one coil that sees it all alike.

    Raises:
      InputError: if a value is something else.
    """

    mask: jax.Array
    sensitivities: jax.Array | None = None

    def __post_init__(self) -> None:
        require_kind(self.mask, _ARRAYS, "k-space mask", "an array [H, W], [1, W] or [H, 1]")
        if is_known(self.mask):
            values = np.asarray(self.mask)
            require(
                values.dtype.kind in "biuf" and bool(np.isin(values, (0, 1)).all()),
                f"k-space mask has values beside 0 and 1 ({shown(self.mask)}); accepted: 1 where "
                "k-space was sampled, 0 elsewhere",
            )
            require(bool(values.any()), "k-space mask is 0 everywhere; accepted: some entries 1")
        if self.sensitivities is not None:
            accepted = "an array [coils, H, W], real or complex"
            _check_factors(self.sensitivities, "sensitivities", accepted)

    def __call__(self, image: jax.Array) -> jax.Array:
        require(
            len(image.shape) == 3 and image.shape[2] == 1,
            f"image has shape {image.shape}; accepted: (H, W, 1)",
        )
        seen = image[..., 0]
        if self.sensitivities is not None:
            seen = self.sensitivities * seen[None]
        return self.known(centred_fft(seen))

    def image_shape(self, observation: Observation) -> Shape:
        shape: Any = getattr(observation, "shape", ())
        sensitivities = self.sensitivities
        several = sensitivities is not None
        require(
            len(shape) == 2 + several and min(shape) >= 1,
            f"observation is {shown(observation)}; accepted: a complex array "
            + ("[coils, H, W]" if several else "[H, W]"),
        )
        height, width = shape[-2:]
        if sensitivities is not None:
            require(
                sensitivities.shape == shape,
                f"sensitivities have shape {sensitivities.shape}; accepted: {shape}, the "
                "observation's",
            )
        require(
            self.mask.shape in ((height, width), (1, width), (height, 1)),
            f"k-space mask has shape {self.mask.shape}; accepted: {(height, width)}, {(1, width)} "
            f"or {(height, 1)}, for the observation {shape}",
        )
        return height, width, 1

    def known(self, observation: jax.Array) -> jax.Array:
        mask = self.mask if observation.ndim == 2 else self.mask[None]
        return jnp.where(mask > 0, observation, 0.0)

    def grouped(self, observation: jax.Array) -> jax.Array:
        """Means over the coils."""
        return jnp.mean(observation, axis=tuple(range(observation.ndim - 2)), keepdims=True)


@record
class FourierMagnitude(Operator):
    """The magnitude of the Fourier transform is observed: phase retrieval. Not linear.

    The image is padded with zeros to `oversampling` times its sides. The observation is
    `[rows, columns]` of that size, or `[K, rows, columns]` of K coded copies of the image. Shifted,
    turned by 180 degrees or with another global phase, an image without codes gives the same.

    Attributes:
      masks: `[K, H, W]`, real or complex, by which the copies are multiplied; None for the image
        itself.
      oversampling: from 1 to 8.

    Raises:
      InputError: if a value is something else.
    """

    masks: jax.Array | None = None
    oversampling: int = fixed(default=2)

    def __post_init__(self) -> None:
        require_whole(self.oversampling, "oversampling", 1, MOST_OVERSAMPLING)
        if self.masks is not None:
            _check_factors(self.masks, "coding masks", "an array [K, H, W], real or complex")

    def __call__(self, image: jax.Array) -> jax.Array:
        copies = image[..., 0]
        if self.masks is not None:
            copies = self.masks * copies[None]
        more = [(0, (self.oversampling - 1) * side) for side in image.shape[:2]]
        padded = jnp.pad(copies, [(0, 0)] * (copies.ndim - 2) + more)
        return jnp.abs(centred_fft(padded))

    def image_shape(self, observation: Observation) -> Shape:
        shape: Any = getattr(observation, "shape", ())
        masks = self.masks
        several = masks is not None
        require(
            len(shape) == 2 + several and min(shape) >= 1,
            f"observation is {shown(observation)}; accepted: a real array "
            + ("[K, rows, columns]" if several else "[rows, columns]"),
        )
        require(
            all(side % self.oversampling == 0 for side in shape[-2:]),
            f"observation has shape {shape}; accepted: rows and columns that are multiples of the "
            f"oversampling {self.oversampling}",
        )
        height, width = (side // self.oversampling for side in shape[-2:])
        if masks is not None:
            coded = (shape[0], height, width)
            require(
                masks.shape == coded,
                f"coding masks have shape {masks.shape}; accepted: {coded}, for the observation "
                f"{shape}",
            )
        return height, width, 1


def _check_factors(factors: Any, name: str, accepted: str) -> None:
    """Raises InputError unless what copies of the image are multiplied by are finite numbers."""
    require_kind(factors, _ARRAYS, name, accepted)
    kind = factors.dtype
    require(jnp.issubdtype(kind, jnp.number), f"{name} have type {kind}; accepted: {accepted}")
    require_finite(factors, name)
