"""Blur kernels from the command line: a shape with its size, or a file.

All are float32 `[rows, columns]` with sum 1, for `operators.Blur`, whose centre is the entry
(rows // 2, columns // 2). Lengths are in pixels. Made kernels have odd sides and are symmetric
about their centre; edges that cross a pixel count by the share of it that they cover.
"""

import math
import os
import pathlib
from collections.abc import Callable

import numpy as np

from drp_jax import InputError, read_image
from drp_jax.commands.arrays import ArrayFile, read_array
from drp_jax.errors import require_finite

ACCEPTED = "gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS, or an image or .npy file"

_EXAMPLES = {"SIGMA": "1.6", "LENGTH": "9", "ANGLE": "30", "RADIUS": "4"}
_REACH = 4.0  # of a Gaussian, in standard deviations
_LONGEST = 1e6  # of the numbers that are lengths, in pixels
_PARTS = 33  # of a pixel along each axis, in which it is asked what is covered


def kernel_of(text: str, height: int, width: int) -> np.ndarray:
    """The kernel that a text names, for an image of that size.

    `gaussian:1.6` has a standard deviation of 1.6 pixels, sampled at the centres of pixels and cut
    at 4 of them. `motion:9,30` is a line 9 pixels long and 1 wide at 30 degrees, counterclockwise
    from the right. `disk:4` is a disk of radius 4. Anything else is the path of a gray image or of
    an array in a .npy file.

    Raises:
      InputError: if the text means nothing, a number is out of its range, the file is unusable, or
        the kernel is larger than the image or sums to nothing.
    """
    name, _, numbers = text.partition(":")
    if name in _SHAPES:
        kernel = _SHAPES[name](text, numbers, height, width)
    elif not os.path.exists(text):
        raise InputError(f"--kernel is {text!r}, neither shape nor file; accepted: {ACCEPTED}")
    else:
        kernel = _read(pathlib.Path(text))
    _require_smaller(text, kernel.shape, height, width)
    require_finite(kernel, f"--kernel {text}:")
    total = float(kernel.sum(dtype=np.float64))
    if not total > 0:
        raise InputError(f"--kernel {text}: sums to {total:g}; accepted: a sum above 0")
    return (kernel / total).astype(np.float32)


def _gaussian(text: str, numbers: str, height: int, width: int) -> np.ndarray:
    (sigma,) = _numbers(text, numbers, ("SIGMA",))
    reach = int(_REACH * sigma + 0.5)
    _require_smaller(text, (2 * reach + 1,) * 2, height, width)
    line = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    return np.outer(line, line)


def _motion(text: str, numbers: str, height: int, width: int) -> np.ndarray:
    length, degrees = _numbers(text, numbers, ("LENGTH", "ANGLE"), signed=("ANGLE",))
    along = np.array([-math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])

    def covered(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        forward = np.abs(rows * along[0] + columns * along[1])
        sideways = np.abs(columns * along[0] - rows * along[1])
        return (forward < length / 2) & (sideways < 0.5)

    # The corners of the line, which is a rectangle.
    reach = (length * np.abs(along) + np.abs(along[::-1])) / 2
    return _share_covered(text, covered, (reach[0], reach[1]), height, width)


def _disk(text: str, numbers: str, height: int, width: int) -> np.ndarray:
    (radius,) = _numbers(text, numbers, ("RADIUS",))

    def covered(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return rows**2 + columns**2 < radius**2

    return _share_covered(text, covered, (radius, radius), height, width)


_SHAPES: dict[str, Callable[[str, str, int, int], np.ndarray]] = {
    "gaussian": _gaussian,
    "motion": _motion,
    "disk": _disk,
}


def _share_covered(
    text: str,
    covered: Callable[[np.ndarray, np.ndarray], np.ndarray],
    reach: tuple[float, float],
    height: int,
    width: int,
) -> np.ndarray:
    """How much of each pixel a figure covers that reaches so far from the centre along the axes."""
    # A figure that ends with a pixel does not reach into the next, whatever rounding says.
    rows, columns = (2 * max(math.ceil(end - 0.5 - 1e-6), 0) + 1 for end in reach)
    _require_smaller(text, (rows, columns), height, width)
    places = [(np.arange(n * _PARTS) + 0.5) / _PARTS - n / 2 for n in (rows, columns)]
    parts = covered(places[0][:, None], places[1][None, :])
    return parts.reshape(rows, _PARTS, columns, _PARTS).mean(axis=(1, 3))


def _numbers(
    text: str, numbers: str, names: tuple[str, ...], signed: tuple[str, ...] = ()
) -> list[float]:
    """The numbers behind a colon, which are lengths above 0 but for those that are signed."""
    try:
        values = [float(part) for part in numbers.split(",")]
    except ValueError:
        values = []
    shape = text.partition(":")[0]
    if len(values) != len(names) or not all(map(math.isfinite, values)):
        example = f"{shape}:{','.join(_EXAMPLES[name] for name in names)}"
        raise InputError(
            f"--kernel is {text}; accepted: {shape}:{','.join(names)}, finite numbers, like "
            f"{example}"
        )
    for name, value in zip(names, values, strict=True):
        if name not in signed and not 0 < value <= _LONGEST:
            raise InputError(
                f"--kernel {text}: {name} is {value:g}; accepted: above 0, up to {_LONGEST:.0f}, "
                "in pixels"
            )
    return values


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


def _require_smaller(text: str, shape: tuple[int, ...], height: int, width: int) -> None:
    """Raises InputError if a kernel is wider or higher than the image.

    Then no pixel would be blurred from pixels of the image alone, but each from mirrored ones too.
    """
    rows, columns = shape
    if rows > height or columns > width:
        raise InputError(
            f"--kernel {text}: {columns} x {rows} pixels; accepted: up to {width} x {height}, the "
            "size of the image"
        )
