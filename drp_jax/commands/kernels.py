"""Blur kernels from the command line: a shape with its size, a file, or what the picture tells."""

import os
import pathlib

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError, read_image
from drp_jax.commands.arrays import ArrayFile, read_array
from drp_jax.commands.progress import say
from drp_jax.errors import meant, renamed
from drp_jax.operators.kernels import SHAPE_NAMES, SHAPES, KernelShape, names_shape, normalised
from drp_jax.unknown_blur import check_side, estimated_kernel

UNKNOWN = "unknown"
ACCEPTED = f"{SHAPES}, {UNKNOWN}:SIDE, or an image or .npy file"


def is_unknown(text: str) -> bool:
    """Whether a text says that the kernel has to be found: `unknown:15`."""
    return text.partition(":")[0] == UNKNOWN


def estimated(text: str, picture: np.ndarray) -> np.ndarray:
    """The kernel that a blurred picture `[H, W, C]` tells, float32 `[side, side]`, sum 1.

    Says first that it looks for it, which may take a minute.

    Args:
      text: `unknown:SIDE`.
      picture: the picture.

    Raises:
      InputError: if the side is no odd number of pixels from 3 to a third of the picture's.
    """
    number = text.partition(":")[2]
    side = int(number) if number.isascii() and number.isdigit() else number
    with renamed({"side": f"--kernel {text}: the side"}):
        check_side(side, picture.shape)
    say("looking for the kernel ...")
    return np.asarray(estimated_kernel(jnp.asarray(picture), int(side)))


def described(kernel: np.ndarray) -> str:
    """What is to be said of a kernel that was estimated: its extent, and what shows it is wrong."""
    rows, columns = (np.flatnonzero(kernel.any(axis)) for axis in (1, 0))
    height, width = (int(places[-1] - places[0] + 1) for places in (rows, columns))
    side = len(kernel)
    more = f"; a side above {side} may fit better" if max(height, width) == side else ""
    return (
        f"kernel estimated, {width} x {height} pixels{more}; where it is wrong the picture has "
        "stripes or rings"
    )


def file_of(text: str) -> pathlib.Path | None:
    """The file that a text names, or None if it names a shape or a kernel that has to be found."""
    return None if is_unknown(text) or names_shape(text) else pathlib.Path(text)


def described_file(path: pathlib.Path, kernel: np.ndarray) -> str:
    """What is to be said of a kernel from a file, as a photograph may be named by mistake."""
    rows, columns = kernel.shape
    remark = ", some of it negative, which no blur of light is" if kernel.min() < 0 else ""
    return f"{path}: a kernel of {columns} x {rows} pixels{remark}"


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
            other = meant(text.partition(":")[0], (*SHAPE_NAMES, UNKNOWN))
            raise InputError(
                f"kernel is {text!r}, neither shape nor file{other}; accepted: {ACCEPTED}"
            )
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
