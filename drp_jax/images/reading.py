"""Reading an image file: which decoder takes it, and what its numbers mean."""

import contextlib
import logging
import os
import pathlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from drp_jax.errors import (
    InputError,
    as_path,
    in_a_line,
    is_whole,
    require,
    require_finite,
    shown,
)
from drp_jax.images import by_pillow, optional, png, tiff
from drp_jax.images.files import A_FILE
from drp_jax.images.memory import allowed, require_room
from drp_jax.images.picture import (
    DEPTHS,
    FULL_RANGES,
    MOST_CHANNELS,
    Decoded,
    Picture,
    checked_range,
)

MOST_PAGE = 2**31
_NPY = b"\x93NUMPY"


def read_image(
    path: str | os.PathLike,
    *,
    pages: int | Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
    memory: int | None = None,
) -> Picture:
    """Reads a gray or RGB image file, or one of up to 64 channels.

    EXIF orientation is applied. Palettes and other colour spaces become RGB, bilevel images become
    gray. Alpha is kept beside the image. All of a file's bits are read. Of a multi-picture JPEG
    the first is read.

    Args:
      path: PNG, TIFF, JPEG, WebP, BMP, GIF and what else Pillow reads; .npy `[H, W]` or
        `[H, W, C]`; HEIC and raw camera files with the extras `heic` and `raw`.
      pages: of a file with several pages or frames, which, from 0: one, or gray ones that become
        channels. Without a choice such a file is refused.
      value_range: the numbers in the file that are 0 and 1 of the image. By default all of uint8
        or uint16; of float [0, 1], or if it goes beyond, and of other integers, the least and the
        greatest value: then `range_is_guessed` is True.
      memory: how many bytes it may take; by default half of what is free.

    Raises:
      InputError: if there is no such file, it is no image or damaged, pixel data are missing or
        not finite, it is larger than `memory` allows, or it has several pages and none is chosen.
    """
    path = as_path(path, A_FILE)
    chosen = _checked_pages(pages)
    if value_range is not None:
        value_range = checked_range(value_range)
    memory = allowed(memory)
    try:
        require(path.exists(), f"{path}: no such file; accepted: an image")
        require(path.is_file(), f"{path}: not a file; accepted: an image")
        size = path.stat().st_size
        require(size > 0, f"{path}: the file is empty; accepted: an image")
        require(size <= memory, f"{path}: {size} bytes; accepted: up to {memory} bytes of memory")
        with _without_remarks():
            return _picture(_decoded(path, chosen, memory), path, value_range)
    except InputError:
        raise
    except Image.UnidentifiedImageError:
        raise InputError(
            f"{path}: not an image in a known format; accepted: PNG, JPEG, TIFF, WebP, .npy and "
            "others"
        ) from None
    except Exception as error:  # decoders raise many kinds on damaged files
        raise InputError(
            f"{path}: cannot be read as an image: {in_a_line(error)}; accepted: one that is not "
            "damaged"
        ) from None


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """Keeps what decoders say of odd metadata and of size from standard error."""
    loggers = [logging.getLogger(name) for name in ("tifffile", "imagecodecs")]
    before = [logger.disabled for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.disabled = True
            yield
        finally:
            for logger, was in zip(loggers, before, strict=True):
                logger.disabled = was


def _decoded(path: pathlib.Path, pages: Sequence[int] | None, memory: int) -> Decoded:
    """What the decoder for a file makes of it."""
    with path.open("rb") as opened:
        beginning = opened.read(32)
    if path.suffix.lower() in optional.RAW:
        return optional.decode_raw(path, memory)
    if beginning.startswith(tiff.BEGINNINGS):
        return tiff.decode(path, pages, memory)
    if beginning.startswith(_NPY):
        decoded = _read_npy(path, memory)
    else:
        content = path.read_bytes()
        if beginning.startswith(png.SIGNATURE) and not png.is_animated(content):
            decoded = png.decode(path, content, memory)
        elif optional.is_heic(path, beginning):
            decoded = optional.decode_heic(path, content, memory)
        else:
            return by_pillow.decode(path, content, pages, memory)
    by_pillow.require_pages(path, 1, pages, "page")
    return decoded


def _read_npy(path: pathlib.Path, memory: int) -> Decoded:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    accepted = f"real numbers [H, W] or [H, W, C], C up to {MOST_CHANNELS}"
    require(array.dtype.kind in "buif", f"{path}: has type {array.dtype}; accepted: {accepted}")
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= MOST_CHANNELS)
    require(is_image, f"{path}: has shape {array.shape}; accepted: {accepted}")
    height, width, channels = array.shape if array.ndim == 3 else (*array.shape, 1)
    require_room(path, height, width, channels, array.dtype.itemsize, memory)
    return Decoded(np.array(array).reshape(height, width, channels))


def _picture(
    decoded: Decoded, path: pathlib.Path, value_range: tuple[float, float] | None
) -> Picture:
    """The picture with its values in units of its range."""
    pixels, alpha = decoded.pixels, decoded.alpha
    require_finite(pixels, f"{path}:")
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.name not in DEPTHS:
        pixels = _in_a_known_depth(pixels)
    depth = pixels.dtype.name
    if alpha is not None:
        alpha = np.ascontiguousarray(alpha, depth)
    low, high = float(pixels.min()), float(pixels.max())
    full = FULL_RANGES.get(depth)
    is_guessed = value_range is None and (full is None or low < full[0] or high > full[1])
    if is_guessed:
        require(
            bool(np.isfinite(np.float32(high - low))),
            f"{path}: values from {low:g} to {high:g}; accepted: float32 numbers",
        )
        value_range = (low, high if high > low else low + 1)
    bottom, top = value_range or full or (low, high)
    # Not in place: whole numbers, and few of them at a time would be slower.
    image = pixels.astype(np.float32)
    if depth in ("uint32", "int32"):  # more digits than float32 has
        image = (pixels - bottom).astype(np.float32)
    else:
        image -= np.float32(bottom)
    image /= np.float32(top - bottom)
    return Picture(
        image,
        depth,
        alpha,
        (bottom, top),
        range_is_guessed=is_guessed,
        are_pages=decoded.are_pages,
        metadata=decoded.metadata,
    )


def _in_a_known_depth(pixels: np.ndarray) -> np.ndarray:
    """Numbers of another type, or byte order, in one that can be written."""
    native = pixels.dtype.newbyteorder("=")
    if native.name in DEPTHS:
        return pixels.astype(native)
    if native.kind == "i" and native.itemsize == 1:
        return pixels.astype(np.int16)
    return pixels.astype(np.float32)


def _checked_pages(pages: object) -> tuple[int, ...] | None:
    if pages is None:
        return None
    chosen = list(pages) if isinstance(pages, Sequence) and not isinstance(pages, str) else [pages]
    require(
        len(chosen) > 0 and all(is_whole(one, 0, MOST_PAGE) for one in chosen),
        f"pages is {shown(pages)}; accepted: a whole number from 0 up, or several",
    )
    return tuple(int(np.asarray(one)) for one in chosen)
