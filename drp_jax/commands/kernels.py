"""Blur kernels from the command line: a shape with its size, or a file."""

import os
import pathlib

import numpy as np

from drp_jax import InputError, read_image
from drp_jax.commands.arrays import ArrayFile, read_array
from drp_jax.errors import renamed
from drp_jax.operators.kernels import SHAPES, KernelShape, names_shape, normalised

ACCEPTED = f"{SHAPES}, or an image or .npy file"


def kernel_of(text: str, height: int, width: int) -> np.ndarray:
    """The kernel that a text names, for an image of that size, float32 `[rows, columns]`, sum 1.

    The text is one of `operators.kernels`, or the path of a gray image or of an array in a .npy
    file.

    Raises:
      InputError: if the text means nothing, a number is out of its range, the file is unusable, or
        the kernel is larger than the image or sums to nothing.
    """
    with renamed({"kernel": "--kernel"}):
        if names_shape(text):
            return KernelShape(text).sampled(height, width)
        if not os.path.exists(text):
            raise InputError(f"kernel is {text!r}, neither shape nor file; accepted: {ACCEPTED}")
        return normalised(_read(pathlib.Path(text)), text, height, width)


def _read(path: pathlib.Path) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        file = ArrayFile("--kernel", path)
        kernel = read_array(file)
        if kernel.ndim != 2 or kernel.dtype.kind not in "biuf":
            raise InputError(
                f"{file}: has type {kernel.dtype} and shape {kernel.shape}; accepted: real, [rows, "
                "columns]"
            )
        return kernel.astype(np.float64)
    image = read_image(path).stored().astype(np.float64)  # in its own unit, where 0 is nothing
    if np.ptp(image, axis=-1).any():
        raise InputError(f"{path}: has colours; accepted: a gray image")
    return image[..., 0]
