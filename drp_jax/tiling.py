"""How an image is cut into tiles of one shape that overlap, and how these are blended.

Their weights are 1 in sum at every pixel, fall smoothly where tiles overlap, and are 0 near the
edge of a tile, where filters have less to go by.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator

import numpy as np

STEP = 16
"""Tiles begin at multiples of it: at whole blocks of JPEG, at half the size too."""

OVERLAP = 48
"""Pixels that neighbours share at least."""

_EDGE = 0.25  # share of an overlap, on either side, that the tile which ends there has no part in


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How an image is cut into tiles.

    Attributes:
      shape: height and width of the image.
      size: height and width of every tile.
      starts: first rows and first columns of the tiles.
    """

    shape: tuple[int, int]
    size: tuple[int, int]
    starts: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def count(self) -> int:
        return len(self.starts[0]) * len(self.starts[1])

    def places(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of every tile, row by row."""
        for corner in itertools.product(*self.starts):
            rows, columns = (slice(at, at + n) for at, n in zip(corner, self.size, strict=True))
            yield rows, columns

    @functools.cached_property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """The weights of the tiles in the blend, along the rows and along the columns.

        Each is `[tiles, side]`; that of a pixel is the product of two.
        """
        rows, columns = (
            _weights(*along) for along in zip(self.shape, self.size, self.starts, strict=True)
        )
        return rows, columns

    def described(self) -> str:
        height, width = self.size
        return f"{self.count} tiles of {width} x {height} pixels"


def tiling_of(
    shape: tuple[int, ...], most: int, step: int = STEP, overlap: int = OVERLAP
) -> Tiling:
    """A tiling of an image with as few tiles as there may be, which then are as small as can be.

    Args:
      shape: height and width of the image, and its channels.
      most: longest side of a tile, a multiple of `step`.
      step: what sides and corners are multiples of, but for those at the end of the image.
      overlap: least number of pixels that neighbours share.
    """
    pairs = [_cut(side, most, step, overlap) for side in shape[:2]]
    (height, rows), (width, columns) = pairs
    return Tiling((shape[0], shape[1]), (height, width), (rows, columns))


def _cut(side: int, most: int, step: int, overlap: int) -> tuple[int, tuple[int, ...]]:
    """The side of the tiles along one axis, and where they begin."""
    if side <= most:
        return side, (0,)
    for count in itertools.count(-(-(side - overlap) // (most - overlap))):
        least = -(-(side + (count - 1) * overlap) // count)
        for size in range(-(-least // step) * step, most + 1, step):
            inner = [int(at) // step * step for at in np.linspace(0, side - size, count)[:-1]]
            starts = (*inner, side - size)
            if max(np.diff(starts)) <= size - overlap:
                return size, starts
    raise AssertionError


def _weights(side: int, size: int, starts: tuple[int, ...]) -> np.ndarray:
    """The weights along one axis, `[tiles, side]`; those of a pixel are 1 in sum."""
    weights = np.zeros((len(starts), side))
    for number, start in enumerate(starts):
        inside = np.arange(size)
        window = np.ones(size)
        if number > 0:
            window *= _ramp(inside, starts[number - 1] + size - start)
        if number + 1 < len(starts):
            window *= _ramp(size - 1 - inside, start + size - starts[number + 1])
        weights[number, start : start + size] = window
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _ramp(distance: np.ndarray, overlap: int) -> np.ndarray:
    """From 0 at the edge of a tile to 1 where its neighbour ends."""
    share = (distance + 0.5) / overlap
    return np.sin(np.pi / 2 * np.clip((share - _EDGE) / (1 - 2 * _EDGE), 0, 1)) ** 2
