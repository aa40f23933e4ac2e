"""What a file says about its pixels: colour profile, EXIF, resolution, a JPEG's compression."""

import dataclasses
from typing import Any

import numpy as np
from PIL import ExifTags, Image, JpegImagePlugin

from drp_jax.errors import require, require_kind, shown

ORIENTATION = int(ExifTags.Base.Orientation)
_SIZES = (int(ExifTags.Base.ExifImageWidth), int(ExifTags.Base.ExifImageHeight))
_OF_A_TIFF = {
    int(tag)
    for tag in (
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Copyright,
        ExifTags.IFD.Exif,
        ExifTags.IFD.GPSInfo,
    )
}
"""The tags of a TIFF file's directory that are about the photograph, not about the file."""


@dataclasses.dataclass(frozen=True)
class Jpeg:
    """How a JPEG file was compressed.

    Attributes:
      tables: its quantization tables, 64 numbers each, in the order of the image.
      subsampling: Pillow's number for the chroma subsampling, or -1 if it is unusual.
      progressive: whether it comes in several passes.
    """

    tables: dict[int, list[int]]
    subsampling: int
    progressive: bool


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What is kept from a file beside its pixels.

    Attributes:
      icc_profile: the embedded colour profile, or None.
      exif: the EXIF block without the orientation, which is applied to the pixels; or None.
      resolution: dots an inch, across and down; or None.
      jpeg: how a JPEG file was compressed; None of other files.
    """

    icc_profile: bytes | None = None
    exif: bytes | None = None
    resolution: tuple[float, float] | None = None
    jpeg: Jpeg | None = None

    def __post_init__(self) -> None:
        require_kind(self.icc_profile, (bytes, type(None)), "icc_profile", "bytes, or None")
        require_kind(self.exif, (bytes, type(None)), "exif", "bytes, or None")
        require(
            self.resolution is None or _is_resolution(self.resolution),
            f"resolution is {shown(self.resolution)}; accepted: two numbers above 0, or None",
        )
        require_kind(self.jpeg, (Jpeg, type(None)), "jpeg", "Jpeg(...), or None")

    def exif_for(self, height: int, width: int) -> Image.Exif | None:
        """The EXIF block for an image of this size, or None."""
        if self.exif is None:
            return None
        exif = Image.Exif()
        exif.load(self.exif)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        for tag, side in zip(_SIZES, (width, height), strict=True):
            if tag in details:
                details[tag] = side
        return exif


def of_pillow(opened: Image.Image, exif: Image.Exif, *, keep_profile: bool = True) -> Metadata:
    """The metadata of a file that Pillow opened, with its EXIF block."""
    resolution = turned_resolution(opened.info.get("dpi"), orientation(exif))
    return Metadata(
        icc_profile=profile(opened.info.get("icc_profile")) if keep_profile else None,
        exif=block(exif),
        resolution=resolution,
        jpeg=_jpeg(opened),
    )


def profile(value: Any) -> bytes | None:
    """A colour profile if there is one."""
    return value if isinstance(value, bytes) and value else None


def orientation(exif: Image.Exif) -> int:
    """How the stored image is turned, 1 to 8; 1 if it is not or nothing sensible is said."""
    value = exif.get(ORIENTATION, 1)
    return int(value) if isinstance(value, (int, np.integer)) and 1 <= value <= 8 else 1


def oriented(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels `[H, W, ...]` turned and mirrored as the EXIF orientation from 1 to 8 asks for."""
    if orientation in (5, 6, 7, 8):  # rows and columns change places
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def turned_resolution(value: Any, orientation: int) -> tuple[float, float] | None:
    """Dots an inch across and down once the image is turned, or None if nothing sensible."""
    if not _is_resolution(value):
        return None
    across, down = (float(one) for one in value)
    return (down, across) if orientation in (5, 6, 7, 8) else (across, down)


def block(exif: Image.Exif, *, of_tiff: bool = False) -> bytes | None:
    """An EXIF block as bytes; None if empty or too damaged to be kept.

    The orientation is deleted from it, and from that of a TIFF file what is about the file.
    """
    try:
        unwanted = [tag for tag in exif if of_tiff and tag not in _OF_A_TIFF]
        for tag in {ORIENTATION, *unwanted} & set(exif):
            del exif[tag]
        return exif.tobytes() if len(exif) else None
    except Exception:  # Pillow raises many kinds on values that are not of their tag's type
        return None


def _jpeg(opened: Image.Image) -> Jpeg | None:
    if not isinstance(opened, JpegImagePlugin.JpegImageFile):
        return None
    if opened.mode not in ("L", "RGB"):
        return None
    tables = {number: list(table) for number, table in opened.quantization.items()}
    return Jpeg(tables, JpegImagePlugin.get_sampling(opened), bool(opened.info.get("progressive")))


def _is_resolution(value: Any) -> bool:
    try:
        across, down = (float(one) for one in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return False
    return 0 < across < 1e6 and 0 < down < 1e6
