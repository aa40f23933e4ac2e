"""The clean images of a plan: files, folders, patterns of paths, names, and one's own functions."""

import functools
import glob
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

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
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # of red, green and blue, BT.601


class TooSmallError(InputError):
    """An image is smaller than the plan wants it."""


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
      entry: a file, a folder, a pattern, a name, a folder with what it holds, or `module:name`
        of a function that is called with nothing and gives images `[H, W, C]` by their names.
      folder: that paths are relative to.
      prepared: what is done to each when it is read.
      bundled: as `read_plan` has it.

    Raises:
      InputError: if there are none, or the function gives anything else.
    """
    if entry.is_mapping:
        yield from _held(entry, folder, prepared)
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
    fields = entry.mapping(_FOLDER)
    for name in _FOLDER:
        if name not in fields:
            entry.fail(f"{entry.field} has no {name}; accepted: {', '.join(_FOLDER)}")
    path, holds = folder / fields["folder"].text("a folder"), fields["holds"].text("words")
    if not path.is_dir():
        entry.fail(f"{entry.field}: no folder {path.absolute()}; accepted: one with {holds}")
    files = _pictures_in(path)
    if not files:
        entry.fail(f"{entry.field}: {_none_at(path)}; accepted: {holds}")
    for file in files:
        yield _image(file, folder, prepared)


def _given(entry: Entry, text: str, prepared: Prepared) -> Iterator[CleanImage]:
    """The images that a function of one's own gives."""
    function = entry.made(functools.partial(imported, text))
    accepted = (
        "a function that is called with nothing and gives arrays [H, W, C], values in [0, 1], by "
        "their names"
    )
    try:
        images = function()
    except Exception as error:  # whatever a function of one's own raises
        entry.fail(f"{text}: {in_a_line(error)}; accepted: {accepted}")
    if not isinstance(images, Mapping) or not images:
        entry.fail(f"{text}: gives {type(images).__name__}; accepted: {accepted}")
    for name, given in images.items():
        pixels = np.asarray(given)
        if pixels.ndim != 3 or pixels.size == 0 or pixels.dtype.kind not in "buif":
            entry.fail(
                f"{text}: {name} has the shape {pixels.shape} and type {pixels.dtype}; accepted: "
                "(H, W, C), real numbers"
            )
        least, most = pixels.min(), pixels.max()
        if not (least >= 0 and most <= 1):  # NaN is neither
            entry.fail(
                f"{text}: {name} has values from {least:g} to {most:g}; accepted: from 0 to 1"
            )
        read = functools.partial(np.asarray, pixels)
        yield CleanImage(str(name), functools.partial(prepared, read))


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


def prepared_image(read: Callable[[], np.ndarray], size: int | None, is_gray: bool) -> np.ndarray:
    """An image, of colours the luma, or the largest square around its centre, of so many pixels.

    The square becomes smaller by means over areas.

    Raises:
      TooSmallError: if it would have to become larger.
    """
    image = np.asarray(read(), np.float32)
    if is_gray and image.shape[-1] == 3:
        image = np.sum(image * _LUMA, axis=-1, keepdims=True)
    if size is None:
        return image
    from skimage.transform import resize_local_mean

    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = image[top : top + side, left : left + side]
    if side < size:
        raise TooSmallError(
            f"has a side of {side} pixels, and size is {size}; accepted: a size up to {side}, or a "
            "larger image"
        )
    return resize_local_mean(square, (size, size), channel_axis=-1).astype(np.float32)
