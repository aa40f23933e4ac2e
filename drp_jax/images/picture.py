"""A picture: the image that the library works on, and what its file holds beside it."""

import dataclasses

import numpy as np

from drp_jax.errors import InputError, require, require_finite, require_kind, require_picture, shown
from drp_jax.images.metadata import Metadata

MOST_CHANNELS = 64
DEPTHS = ("uint8", "uint16", "int16", "uint32", "int32", "float32")
"""The types of the numbers in a file, by NumPy's names."""
_ROWS = 64
KINDS = {1: "gray", 3: "RGB"}
"""What images are called by their number of channels."""
FULL_RANGES = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}
"""What black and white are by convention, of the types that have one."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image and what its file holds beside it.

    Attributes:
      image: float32 `[H, W, C]`, 1 to 64 channels; 0 and 1 are the ends of `value_range`.
      depth: the type of the numbers in the file: uint8, uint16, int16, uint32, int32 or float32.
      alpha: the alpha channel `[H, W]` of that type, or None.
      value_range: what 0 and 1 of the image are in the file, by default all of uint8 or uint16,
        and [0, 1] of float32.
      range_is_guessed: whether that range was taken from the values of the file.
      are_pages: whether the channels are pages of a stack, not colours.
      metadata: the colour profile and the like.
    """

    image: np.ndarray
    depth: str = "uint8"
    alpha: np.ndarray | None = None
    value_range: tuple[float, float] | None = None
    range_is_guessed: bool = False
    are_pages: bool = False
    metadata: Metadata = dataclasses.field(default_factory=Metadata)

    def __post_init__(self) -> None:
        require_picture(self.image, "image")
        require_finite(self.image, "image")
        channels = self.image.shape[2]
        require(
            channels <= MOST_CHANNELS,
            f"image has {channels} channels; accepted: from 1 to {MOST_CHANNELS}",
        )
        require(
            isinstance(self.depth, str) and self.depth in DEPTHS,
            f"depth is {shown(self.depth)}; accepted: {', '.join(DEPTHS)}",
        )
        height_and_width = self.image.shape[:2]
        is_alpha = self.alpha is None or (
            isinstance(self.alpha, np.ndarray)
            and self.alpha.dtype == self.depth
            and self.alpha.shape == height_and_width
        )
        require(
            is_alpha and (self.alpha is None or channels in (1, 3)),
            f"alpha is {shown(self.alpha)} and the image has {channels} channels; accepted: None, "
            f"or beside 1 or 3 channels a {self.depth} array {height_and_width}",
        )
        require_kind(self.metadata, Metadata, "metadata", "Metadata(...)")
        given = self.value_range
        if given is None:
            require(
                self.depth in FULL_RANGES,
                f"value_range is None and depth {self.depth}; accepted: two numbers",
            )
            given = FULL_RANGES[self.depth]
        object.__setattr__(self, "value_range", checked_range(given))

    @property
    def step(self) -> float:
        """How far apart two values that the file can hold are in the image; 0 of float."""
        if self.depth == "float32":
            return 0.0
        low, high = self.ends
        return 1 / (high - low)

    @property
    def ends(self) -> tuple[float, float]:
        """The value range, which a picture always has."""
        assert self.value_range is not None
        return self.value_range

    @property
    def has_own_range(self) -> bool:
        """Whether the range is another than the convention for its type."""
        return self.ends != FULL_RANGES.get(self.depth)

    @property
    def note(self) -> str | None:
        """A line about the range if it was guessed, or None."""
        if not self.range_is_guessed:
            return None
        low, high = self.ends
        return f"values from {low:g} to {high:g}, taken as black and white unless --range is given"

    def with_image(self, image: np.ndarray) -> "Picture":
        """The same file with other pixels of the same shape; all else stays."""
        require(
            np.shape(image) == self.image.shape,
            f"image has shape {np.shape(image)}; accepted: {self.image.shape}",
        )
        return dataclasses.replace(self, image=np.asarray(image, np.float32))

    def stored(self) -> np.ndarray:
        """The image `[H, W, C]` as the file holds it: in its range and type, cut to the range."""
        low, high = self.ends
        stored = np.empty(self.image.shape, self.depth)
        for start in range(0, len(stored), _ROWS):  # which keeps the float64 small
            rows = slice(start, start + _ROWS)
            values = np.clip(self.image[rows], 0, 1).astype(np.float64) * (high - low) + low
            if self.depth != "float32":
                limits = np.iinfo(self.depth)
                values = np.clip(np.rint(values), limits.min, limits.max)
            stored[rows] = values
        return stored

    def described(self) -> str:
        """Size and kind in words."""
        height, width, channels = self.image.shape
        kind = KINDS.get(channels, f"{channels}-channel")
        if self.are_pages and channels > 1:
            kind = f"{channels}-page"
        alpha = "" if self.alpha is None else " and alpha"
        return f"{width} x {height} {kind}{alpha} image of {self.depth}"


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What a decoder makes of a file.

    Attributes:
      pixels: `[H, W, C]` as they are stored, any real type.
      alpha: the alpha channel `[H, W]` of the same type, or None.
      are_pages: as in `Picture`.
      metadata: what else the file holds; the orientation is applied already.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    are_pages: bool = False
    metadata: Metadata = dataclasses.field(default_factory=Metadata)


def checked_range(value_range: object) -> tuple[float, float]:
    """Two finite numbers, the smaller first, or `InputError`."""
    accepted = "two finite numbers, what is black and what is white"
    is_pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    message = f"value_range is {shown(value_range)}; accepted: {accepted}"
    require(is_pair, message)
    assert isinstance(value_range, (tuple, list))
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError):
        raise InputError(message) from None
    require(bool(np.isfinite(low) and np.isfinite(high - low) and low < high), message)
    return low, high
