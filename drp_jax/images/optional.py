"""HEIC and raw camera files, read by packages that are extras."""

import io
import pathlib
from types import ModuleType

import numpy as np

from drp_jax.errors import InputError
from drp_jax.images.by_pillow import picture_of
from drp_jax.images.memory import require_room
from drp_jax.images.metadata import oriented
from drp_jax.images.picture import Decoded

RAW = frozenset(
    (".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw")
)
HEIC = frozenset((".heic", ".heif", ".hif"))
_KINDS = "avif bmp gif j2k jp2 jpeg jpg jpx npy pbm pgm png pnm ppm tga tif tiff webp"
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split()) | HEIC | RAW
"""Of the files in folders that are pictures, with or without the extras, in small letters."""
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heic(path: pathlib.Path, beginning: bytes) -> bool:
    """Whether a file is HEIC by its name or its first 12 bytes."""
    is_marked = beginning[4:8] == b"ftyp" and beginning[8:12] in _BRANDS
    return is_marked or path.suffix.lower() in HEIC


def decode_heic(path: pathlib.Path, content: bytes, memory: int) -> Decoded:
    """The main picture of a HEIC file; of more than 8 bits a colour as uint16.

    Raises:
      InputError: if pillow-heif is missing, or it is larger than `memory` bytes allow.
      Exception: of pillow-heif, if it is damaged.
    """
    try:
        import pillow_heif  # an extra, and only needed here
    except ImportError:
        raise _missing(path, "pillow-heif", "heic") from None
    opened = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False)
    width, height = opened.size
    is_deep = ";16" in opened.mode
    require_room(path, height, width, 4, 1 + is_deep, memory)
    if not is_deep:
        return picture_of(path, opened.to_pillow())
    pixels = np.array(opened)  # a copy: their memory goes with what was opened
    pixels, alpha = (pixels[..., :3], pixels[..., 3]) if pixels.shape[-1] == 4 else (pixels, None)
    eight = pillow_heif.open_heif(io.BytesIO(content)).to_pillow()
    return Decoded(pixels, alpha, metadata=picture_of(path, eight).metadata)


def decode_raw(path: pathlib.Path, memory: int) -> Decoded:
    """A raw camera file as LibRaw develops it: sRGB, the camera's white balance, 16 bits.

    Raises:
      InputError: if rawpy is missing, or it is larger than `memory` bytes allow.
      Exception: of rawpy, if it is damaged.
    """
    rawpy = _rawpy(path)
    with rawpy.imread(str(path)) as opened:
        sizes = opened.sizes
        require_room(path, sizes.height, sizes.width, 3, 2, memory)
        pixels = opened.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True)
    return Decoded(oriented(pixels, 1))


def _rawpy(path: pathlib.Path) -> ModuleType:
    try:
        import rawpy  # an extra, and only needed here
    except ImportError:
        raise _missing(path, "rawpy", "raw") from None
    return rawpy


def _missing(path: pathlib.Path, package: str, extra: str) -> InputError:
    return InputError(
        f"{path}: reading it needs {package}; accepted: after pip install 'drp_jax[{extra}]', or "
        "another format"
    )
