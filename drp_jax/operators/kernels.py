"""Blur kernels by their shape and its size: `gaussian:1.6`, `motion:9,30`, `disk:4`.

All are float32 `[rows, columns]` with sum 1, for `Blur`, whose centre is the entry (rows // 2,
columns // 2). Lengths are in pixels. They have odd sides and are symmetric about their centre;
edges that cross a pixel count by the share of it that they cover.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from drp_jax.errors import InputError, require_finite

SHAPES = "gaussian:SIGMA, motion:LENGTH,ANGLE, disk:RADIUS"

_EXAMPLES = {"SIGMA": "1.6", "LENGTH": "9", "ANGLE": "30", "RADIUS": "4"}
_SIGNED = ("ANGLE",)
_REACH = 4.0  # of a Gaussian, in standard deviations
_LONGEST = 1e6  # of the numbers that are lengths, in pixels
_PARTS = 33  # of a pixel along each axis, in which it is asked what is covered


@dataclasses.dataclass(frozen=True)
class KernelShape:
    """A blur kernel that a text names.

    `gaussian:1.6` has a standard deviation of 1.6 pixels, sampled at the centres of pixels and cut
    at 4 of them. `motion:9,30` is a line 9 pixels long and 1 wide at 30 degrees, counterclockwise
    from the right. `disk:4` is a disk of radius 4.

    Attributes:
      text: the name.

    Raises:
      InputError: if the text names none, or a number is out of its range.
    """

    text: str

    def __post_init__(self) -> None:
        if not names_shape(self.text):
            raise InputError(f"kernel is {self.text!r}; accepted: {SHAPES}")
        _numbers(self.text)

    def sampled(self, height: int, width: int) -> np.ndarray:
        """The kernel for an image of that size.

        Raises:
          InputError: if it is larger than the image.
        """
        make, _ = _SHAPES[self.text.partition(":")[0]]
        kernel = make(self.text, _numbers(self.text), height, width)
        return normalised(kernel, self.text, height, width)


def names_shape(text: str) -> bool:
    """Whether a text begins like one of the shapes."""
    return text.partition(":")[0] in _SHAPES


def normalised(kernel: np.ndarray, text: str, height: int, width: int) -> np.ndarray:
    """A kernel with sum 1 for an image of that size; `text` is what errors call it.

    Raises:
      InputError: if it is larger than the image, not finite, or sums to nothing.
    """
    _require_smaller(text, kernel.shape, height, width)
    require_finite(kernel, f"kernel {text}:")
    total = float(kernel.sum(dtype=np.float64))
    if not total > 0:
        raise InputError(f"kernel {text}: sums to {total:g}; accepted: a sum above 0")
    return (kernel / total).astype(np.float32)


def _gaussian(text: str, numbers: list[float], height: int, width: int) -> np.ndarray:
    (sigma,) = numbers
    reach = int(_REACH * sigma + 0.5)
    _require_smaller(text, (2 * reach + 1,) * 2, height, width)
    line = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    return np.outer(line, line)


def _motion(text: str, numbers: list[float], height: int, width: int) -> np.ndarray:
    length, degrees = numbers
    along = np.array([-math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])

    def covered(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        forward = np.abs(rows * along[0] + columns * along[1])
        sideways = np.abs(columns * along[0] - rows * along[1])
        return (forward < length / 2) & (sideways < 0.5)

    # The corners of the line, which is a rectangle.
    reach = (length * np.abs(along) + np.abs(along[::-1])) / 2
    return _share_covered(text, covered, (reach[0], reach[1]), height, width)


def _disk(text: str, numbers: list[float], height: int, width: int) -> np.ndarray:
    (radius,) = numbers

    def covered(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return rows**2 + columns**2 < radius**2

    return _share_covered(text, covered, (radius, radius), height, width)


_Make = Callable[[str, list[float], int, int], np.ndarray]
_SHAPES: dict[str, tuple[_Make, tuple[str, ...]]] = {
    "gaussian": (_gaussian, ("SIGMA",)),
    "motion": (_motion, ("LENGTH", "ANGLE")),
    "disk": (_disk, ("RADIUS",)),
}
"""What makes the kernel of a shape, and the names of its numbers."""

SHAPE_NAMES = tuple(_SHAPES)


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


def _numbers(text: str) -> list[float]:
    """The numbers behind the colon, which are lengths above 0 but for those that are signed."""
    shape, _, numbers = text.partition(":")
    _, names = _SHAPES[shape]
    try:
        values = [float(part) for part in numbers.split(",")]
    except ValueError:
        values = []
    if len(values) != len(names) or not all(map(math.isfinite, values)):
        example = f"{shape}:{','.join(_EXAMPLES[name] for name in names)}"
        raise InputError(
            f"kernel is {text}; accepted: {shape}:{','.join(names)}, finite numbers, like {example}"
        )
    for name, value in zip(names, values, strict=True):
        if name not in _SIGNED and not 0 < value <= _LONGEST:
            raise InputError(
                f"kernel {text}: {name} is {value:g}; accepted: above 0, up to {_LONGEST:.0f}, "
                "in pixels"
            )
    return values


def _require_smaller(text: str, shape: tuple[int, ...], height: int, width: int) -> None:
    """Raises InputError if a kernel is wider or higher than the image.

    Then no pixel would be blurred from pixels of the image alone, but each from past the edges too.
    """
    rows, columns = shape
    if rows > height or columns > width:
        raise InputError(
            f"kernel {text}: {columns} x {rows} pixels; accepted: up to {width} x {height}, the "
            "size of the image"
        )
