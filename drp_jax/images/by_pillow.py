"""JPEG, WebP, GIF, BMP and all else that Pillow reads, 8 bits a colour or gray of any depth."""

import io
import pathlib
from collections.abc import Sequence
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from drp_jax.errors import require
from drp_jax.images.memory import require_room
from drp_jax.images.metadata import of_pillow, orientation, oriented
from drp_jax.images.picture import MOST_CHANNELS, Decoded

_GRAY = ("1", "L", "LA", "La")
_RGB = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa")
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_DEEP: dict[str | None, Any] = {
    "JPEG2000": imagecodecs.jpeg2k_decode,
    "AVIF": imagecodecs.avif_decode,
}
"""What tells the depth of files of which Pillow only gives 8 bits."""
_MISSING = 128
"""The gray that a JPEG decoder puts where the data end."""


def decode(path: pathlib.Path, content: bytes, pages: Sequence[int] | None, memory: int) -> Decoded:
    """The picture in a file, or the frames that are chosen as its channels.

    Of a multi-picture JPEG the first is taken where none is chosen.

    Raises:
      InputError: if there are several frames and none is chosen, it is larger than `memory` bytes
        allow, it has more bits than can be read, or pixel data are missing.
      Exception: of Pillow, if it is damaged.
    """
    with Image.open(io.BytesIO(content)) as opened:
        width, height = opened.size
        require_room(path, height, width, max(len(opened.getbands()), 3), 1, memory)
        is_multi_picture = opened.format == "MPO" and pages is None
        frames = 1 if is_multi_picture else getattr(opened, "n_frames", 1)
        require_pages(path, frames, pages, "frames")
        _require_eight_bits(path, opened, content)
        decoded = []
        for number in pages or (0,):
            if frames > 1:
                opened.seek(number)
            decoded.append(picture_of(path, opened))
        if opened.format in ("JPEG", "MPO") and frames == 1:
            require(
                not _ends_early(opened, content),
                f"{path}: pixel data are missing at its end; accepted: a file with all of them",
            )
        return joined(path, decoded)


def picture_of(path: pathlib.Path, opened: Image.Image) -> Decoded:
    """The frame of a file that Pillow is at."""
    exif = opened.getexif()
    turn = orientation(exif)
    alpha = None
    is_known = True
    if opened.mode in _SIXTEEN_BIT:
        pixels = np.asarray(opened)
        require(
            pixels.min() >= 0 and pixels.max() <= 65535,
            f"{path}: values from {pixels.min()} to {pixels.max()}; accepted: 0 to 65535",
        )
        pixels = pixels.astype(np.uint16)
    elif opened.mode == "F":
        pixels = np.asarray(opened)
    else:
        is_gray = opened.mode in _GRAY
        is_known = is_gray or opened.mode in _RGB
        has_alpha = opened.has_transparency_data
        converted = opened.convert(("L" if is_gray else "RGB") + ("A" if has_alpha else ""))
        pixels = np.asarray(converted)
        if has_alpha:
            pixels, alpha = pixels[..., :-1], oriented(pixels[..., -1], turn)
    pixels = oriented(pixels.reshape(*pixels.shape[:2], -1), turn)
    # The profile of another colour space described what is converted from.
    metadata = of_pillow(opened, exif, keep_profile=is_known)
    return Decoded(pixels, alpha, metadata=metadata)


def require_pages(path: pathlib.Path, count: int, pages: Sequence[int] | None, word: str) -> None:
    """Raises InputError unless there is one page, or those chosen exist."""
    if pages is None:
        require(
            count == 1,
            f"{path}: has {count} {word}; accepted: one, or a choice like --pages 0 (pages=0)",
        )
        return
    wrong = [number for number in pages if number >= count]
    require(
        not wrong,
        f"pages is {', '.join(map(str, wrong))}, and {path} has {count} {word}; accepted: from 0 "
        f"to {count - 1}",
    )


def joined(path: pathlib.Path, pages: Sequence[Decoded]) -> Decoded:
    """Gray pages of one size as the channels of one picture; a page alone as it is.

    Raises:
      InputError: if they have colours, alpha or other sizes.
    """
    first = pages[0]
    if len(pages) == 1:
        return first
    require(len(pages) <= MOST_CHANNELS, f"{path}: {len(pages)} pages; accepted: up to 64")
    alike = all(
        page.alpha is None
        and page.pixels.shape == (*first.pixels.shape[:2], 1)
        and page.pixels.dtype == first.pixels.dtype
        for page in pages
    )
    require(
        alike,
        f"{path}: the pages differ in size or type, or have colours; accepted: one of them, or "
        "gray ones that are alike",
    )
    pixels = np.concatenate([page.pixels for page in pages], axis=-1)
    return Decoded(pixels, are_pages=True, metadata=first.metadata)


def _require_eight_bits(path: pathlib.Path, opened: Image.Image, content: bytes) -> None:
    """Raises InputError if Pillow would take more bits of a colour down to 8 without a word."""
    is_deep = False
    if opened.format in _DEEP:
        is_deep = _DEEP[opened.format](content).dtype.itemsize > 1
    elif opened.mode not in (*_SIXTEEN_BIT, "F", "1", "P"):
        for codec, _, _, given in getattr(opened, "tile", []):
            numbers = given if isinstance(given, tuple) else (given,)
            raw = numbers[0] if numbers and isinstance(numbers[0], str) else ""
            most = numbers[-1] if codec.startswith("ppm") else 0
            is_deep |= ";16" in raw or codec == "SGI16" or (isinstance(most, int) and most > 255)
    require(
        not is_deep,
        f"{path}: {opened.format} with more than 8 bits a colour; accepted: .png or .tif of 16 "
        "bits",
    )


def _ends_early(opened: Image.Image, content: bytes) -> bool:
    """Whether the data of a JPEG end before its pixels, which the decoder then fills with gray.

    Then other data before the end of the file change the pixels, and else they do not.
    """
    last = np.asarray(opened)[-1, -1]
    end = content.rfind(b"\xff\xd9")
    if opened.mode not in ("L", "RGB") or (last != _MISSING).any() or end < 0:
        return False
    more = content[:end] + 64 * b"\x2d\xb6\x5a" + content[end:]
    with Image.open(io.BytesIO(more)) as other:
        return bool((np.asarray(other) != np.asarray(opened)).any())
