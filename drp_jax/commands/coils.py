"""The sensitivities of receive coils, estimated from the middle of their own k-space."""

import numpy as np

from drp_jax import InputError


def estimated_sensitivities(kspace: np.ndarray, mask: np.ndarray, lines: int) -> np.ndarray:
    """Sensitivities complex64 `[coils, H, W]` from the fully sampled middle of k-space.

    The lowest `lines` x `lines` frequencies, under a Hann window that smooths, give an image of
    low resolution per coil. Divided by the root of the sum of their squares these are the
    sensitivities: their squares sum to 1, and the phase of the image itself, as far as it is
    smooth, is in them. Where there is no signal they mean nothing.

    Args:
      kspace: `[coils, H, W]`, frequency 0 at (H // 2, W // 2).
      mask: bool `[H, W]`, where k-space was sampled.
      lines: how many lines in the middle are fully sampled.

    Raises:
      InputError: if they are not, or there are not so many.
    """
    height, width = mask.shape
    if lines > min(height, width):
        raise InputError(
            f"--calibration is {lines}, and k-space {height} x {width}; accepted: up to "
            f"{min(height, width)}"
        )
    middle = _middle(mask.shape, lines)
    share = mask[middle].mean()
    if share < 1:
        fully = (
            count for count in range(lines - 1, 0, -1) if mask[_middle(mask.shape, count)].all()
        )
        raise InputError(
            f"--calibration is {lines}, and of the {lines} x {lines} entries in the middle of "
            f"k-space {share:.0%} are sampled; accepted: as many lines as are sampled fully, here "
            f"{next(fully, 'none')}"
        )
    window = np.hanning(lines + 2)[1:-1]
    low = np.zeros(kspace.shape, np.complex64)
    low[:, *middle] = kspace[:, *middle] * np.outer(window, window)
    axes = (-2, -1)
    images = np.fft.ifft2(np.fft.ifftshift(low, axes), axes=axes, norm="ortho")
    images = np.fft.fftshift(images, axes)
    root = np.sqrt(np.sum(np.abs(images) ** 2, axis=0))
    return (images / np.maximum(root, np.finfo(np.float32).tiny)).astype(np.complex64)


def _middle(shape: tuple[int, ...], lines: int) -> tuple[slice, ...]:
    """So many rows and columns in the middle of k-space."""
    return tuple(slice(n // 2 - lines // 2, n // 2 - lines // 2 + lines) for n in shape)
