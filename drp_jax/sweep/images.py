"""The clean images of a plan: files, folders, patterns of paths, names, and one's own functions."""

import dataclasses
import functools
import glob
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from drp_jax.errors import InputError, in_a_line
from drp_jax.images import read_image
from drp_jax.images.optional import SUFFIXES
from drp_jax.sweep.importing import imported, is_importable
from drp_jax.sweep.lines import Entry
from drp_jax.sweep.plan import CleanImage

_ACCEPTED = (
    "a file, a folder, a pattern like photographs/*.png, a name like chelsea, or module:function"
)
_FOLDER = ("folder", "holds")
_PAIRS = ("clean", "degraded")
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # of red, green and blue, BT.601


class TooSmallError(InputError):
    """An image is smaller than the plan wants it.

    Attributes:
      field: of the plan, "size" or "crop".
    """

    def __init__(self, field: str, side: int, wanted: int):
        super().__init__(
            f"has a side of {side} pixels, and {field} is {wanted}; accepted: a {field} up to "
            f"{side}, or a larger image"
        )
        self.field = field


Prepared = Callable[[Callable[[], np.ndarray]], np.ndarray]
"""Gives the image that a function reads, as the plan wants it."""


def images_of(
    entry: Entry,
    folder: pathlib.Path,
    prepared: Prepared,
    bundled: Callable[[str], np.ndarray] | None,
) -> Iterator[CleanImage]:
    """The images that an entry names.

    Args:
      entry: a file, a folder, a pattern, a name, a folder with what it holds, pairs of clean and
        degraded pictures, or `module:name` of a function that is called with nothing and gives
        images `[H, W, C]`, or pairs of a clean and a degraded one, by their names.
      folder: that paths are relative to.
      prepared: what is done to each when it is read.
      bundled: as `read_plan` has it.

    Raises:
      InputError: if there are none, or the function gives anything else.
    """
    if entry.is_mapping:
        is_pairs = not entry.mapping().keys().isdisjoint(_PAIRS)
        yield from (_pairs if is_pairs else _held)(entry, folder, prepared)
        return
    text = entry.text(_ACCEPTED)
    path = folder / text
    if is_importable(text) and not path.exists():
        yield from _given(entry, text, prepared)
        return
    is_name = not path.suffix and not path.exists() and "/" not in text and not glob.has_magic(text)
    if is_name and bundled is not None:
        try:
            bundled(text)
        except InputError as error:
            entry.fail(f"{entry.field}: {_none_at(path)}, and {error}")
        yield CleanImage(text, functools.partial(prepared, functools.partial(bundled, text)))
        return
    for file in _files(entry, path):
        yield _image(file, folder, prepared)


def _held(
    entry: Entry,
    folder: pathlib.Path,
    prepared: Prepared,
) -> Iterator[CleanImage]:
    """The pictures of a folder that the plan says the contents of."""
    fields = entry.whole_mapping(_FOLDER)
    path, holds = folder / fields["folder"].text("a folder"), fields["holds"].text("words")
    if not path.is_dir():
        entry.fail(f"{entry.field}: no folder {path.absolute()}; accepted: one with {holds}")
    files = _pictures_in(path)
    if not files:
        entry.fail(f"{entry.field}: {_none_at(path)}; accepted: {holds}")
    for file in files:
        yield _image(file, folder, prepared)


def _pairs(entry: Entry, folder: pathlib.Path, prepared: Prepared) -> Iterator[CleanImage]:
    """Clean pictures, each with the degraded one that has the same place in its list."""
    fields = entry.whole_mapping(_PAIRS)
    clean, degraded = (
        _files(fields[name], folder / fields[name].text("a file, a folder or a pattern"))
        for name in _PAIRS
    )
    if len(clean) != len(degraded):
        entry.fail(
            f"{entry.field}: {len(clean)} clean and {len(degraded)} degraded pictures; accepted: "
            "as many of both, in the same order by name"
        )
    for file, other in zip(clean, degraded, strict=True):
        read = functools.partial(prepared, functools.partial(_read, other))
        yield dataclasses.replace(_image(file, folder, prepared), read_degraded=read)


def _given(entry: Entry, text: str, prepared: Prepared) -> Iterator[CleanImage]:
    """The images that a function of one's own gives."""
    function = entry.made(functools.partial(imported, text))
    accepted = (
        "a function that is called with nothing and gives arrays [H, W, C], values in [0, 1], or "
        "pairs of a clean and a degraded one, by their names"
    )
    try:
        images = function()
    except Exception as error:  # whatever a function of one's own raises
        entry.fail(f"{text}: {in_a_line(error)}; accepted: {accepted}")
    if not isinstance(images, Mapping) or not images:
        entry.fail(f"{text}: gives {type(images).__name__}; accepted: {accepted}")
    for name, given in images.items():
        is_pair = isinstance(given, tuple) and len(given) == 2
        every = [_checked(entry, f"{text}: {name}", one) for one in (given if is_pair else [given])]
        readers = [functools.partial(prepared, functools.partial(np.asarray, one)) for one in every]
        yield CleanImage(str(name), *readers)


def _checked(entry: Entry, name: str, given: Any) -> np.ndarray:
    """An image that a function of one's own has given."""
    pixels = np.asarray(given)
    if pixels.ndim != 3 or pixels.size == 0 or pixels.dtype.kind not in "buif":
        entry.fail(
            f"{name} has the shape {pixels.shape} and type {pixels.dtype}; accepted: (H, W, C), "
            "real numbers"
        )
    least, most = pixels.min(), pixels.max()
    if not (least >= 0 and most <= 1):  # NaN is neither
        entry.fail(f"{name} has values from {least:g} to {most:g}; accepted: from 0 to 1")
    return pixels


def _image(
    file: pathlib.Path,
    folder: pathlib.Path,
    prepared: Prepared,
) -> CleanImage:
    name = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    return CleanImage(name, functools.partial(prepared, functools.partial(_read, file)))


def _files(entry: Entry, path: pathlib.Path) -> Sequence[pathlib.Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        found = _pictures_in(path)
    else:
        found = [pathlib.Path(one) for one in sorted(glob.glob(str(path), recursive=True))]
    if not found:
        entry.fail(f"{entry.field}: {_none_at(path)}; accepted: {_ACCEPTED}")
    return found


def _none_at(path: pathlib.Path) -> str:
    if path.is_dir():
        return f"no picture in {path.absolute()}"
    return (
        f"no {'picture like' if glob.has_magic(str(path)) else 'file or folder'} {path.absolute()}"
    )


def _pictures_in(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES)


def _read(path: pathlib.Path) -> np.ndarray:
    return np.asarray(read_image(path).image)


def prepared_image(
    read: Callable[[], np.ndarray],
    *,
    size: int | None = None,
    crop: int | None = None,
    is_gray: bool = False,
) -> np.ndarray:
    """An image as a plan wants it.

    Args:
      read: gives it.
      size: the side that the largest square around its centre is brought to, by means over areas.
      crop: the side of the square around its centre that is taken, pixel by pixel.
      is_gray: whether the luma is taken of colours.

    Raises:
      TooSmallError: if it would have to become larger.
    """
    image = np.asarray(read(), np.float32)
    if is_gray and image.shape[-1] == 3:
        image = np.sum(image * _LUMA, axis=-1, keepdims=True)
    side = min(image.shape[:2])
    for field, wanted in (("size", size), ("crop", crop)):
        if wanted is not None and side < wanted:
            raise TooSmallError(field, side, wanted)
    if crop is not None:
        return middle(image, crop)
    if size is None:
        return image
    from skimage.transform import resize_local_mean

    square = middle(image, side)
    return resize_local_mean(square, (size, size), channel_axis=-1).astype(np.float32)


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """The square around the centre, or what the image has of it."""
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]
