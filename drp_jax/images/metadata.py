"""What a file says about its pixels: profile, EXIF, XMP, IPTC, resolution, a JPEG's compression."""

import dataclasses
import re
import struct
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

_SIZE_IN_XMP = re.compile(
    rb"(tiff:Orientation|tiff:ImageWidth|tiff:ImageLength|exif:PixelXDimension|exif:PixelYDimension)"
    rb"(\s*=\s*[\"']|\s*>)\d+"
)
_TURN_IN_XMP = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|\s*>)([1-8])")
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC = 0x0404
"""The number of IPTC among what Photoshop keeps in a JPEG."""
_MOST_IN_JPEG = 65000
"""Bytes that XMP or IPTC may have in a JPEG, whose segments end at 65535 with their heads."""


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
      xmp: the XMP packet as it was, or None.
      iptc: the records of IPTC-IIM, or None.
      text: the chunks of text of a PNG file but for XMP: name and data of each, as they are there.
      jpeg: how a JPEG file was compressed; None of other files.
    """

    icc_profile: bytes | None = None
    exif: bytes | None = None
    resolution: tuple[float, float] | None = None
    jpeg: Jpeg | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    text: tuple[tuple[bytes, bytes], ...] = ()

    def __post_init__(self) -> None:
        require_kind(self.icc_profile, (bytes, type(None)), "icc_profile", "bytes, or None")
        require_kind(self.exif, (bytes, type(None)), "exif", "bytes, or None")
        require_kind(self.xmp, (bytes, type(None)), "xmp", "bytes, or None")
        require_kind(self.iptc, (bytes, type(None)), "iptc", "bytes, or None")
        require_kind(self.text, tuple, "text", "a tuple of chunks, (name, data) in bytes")
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

    def xmp_for(self, height: int, width: int) -> bytes | None:
        """The XMP packet for an image of this size that is not turned, or None."""
        if self.xmp is None:
            return None

        def stated(match: re.Match) -> bytes:
            side = width if match[1].endswith((b"Width", b"XDimension")) else height
            value = 1 if match[1].endswith(b"Orientation") else side
            return match[1] + match[2] + str(value).encode()

        return _SIZE_IN_XMP.sub(stated, self.xmp)

    def segments_for(self, height: int, width: int) -> dict[str, bytes]:
        """XMP and IPTC for a JPEG file, as Pillow takes them; too long ones are left out."""
        segments = {}
        xmp = self.xmp_for(height, width)
        if xmp is not None and len(xmp) <= _MOST_IN_JPEG:
            segments["xmp"] = xmp
        if self.iptc is not None and len(self.iptc) <= _MOST_IN_JPEG:
            odd = bytes(len(self.iptc) % 2)
            about = b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(self.iptc))
            data = _PHOTOSHOP + about + self.iptc + odd
            segments["extra"] = b"\xff\xed" + struct.pack(">H", len(data) + 2) + data
        return segments


def of_pillow(opened: Image.Image, exif: Image.Exif, *, keep_profile: bool = True) -> Metadata:
    """The metadata of a file that Pillow opened, with its EXIF block."""
    resolution = turned_resolution(opened.info.get("dpi"), orientation(exif))
    return Metadata(
        icc_profile=as_block(opened.info.get("icc_profile")) if keep_profile else None,
        exif=block(exif),
        resolution=resolution,
        jpeg=_jpeg(opened),
        xmp=as_block(opened.info.get("xmp")),
        iptc=_iptc(opened.info.get("photoshop")),
    )


def as_block(value: Any) -> bytes | None:
    """A colour profile, or another block of bytes, if there is one."""
    return value if isinstance(value, bytes) and value else None


def _iptc(kept: Any) -> bytes | None:
    """IPTC among what Photoshop keeps in a JPEG, by Pillow's names."""
    return as_block(kept.get(_IPTC)) if isinstance(kept, dict) else None


def orientation(exif: Image.Exif) -> int:
    """How the stored image is turned, 1 to 8; 1 if it is not or nothing sensible is said."""
    value = exif.get(ORIENTATION, 1)
    return int(value) if isinstance(value, (int, np.integer)) and 1 <= value <= 8 else 1


def orientation_in(xmp: bytes | None) -> int:
    """The same of an XMP packet, which counts where EXIF says nothing."""
    found = _TURN_IN_XMP.search(xmp or b"")
    return int(found[1]) if found else 1


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
