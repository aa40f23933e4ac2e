"""Writing a picture: the suffix names the format, and what the format cannot hold is refused."""

import dataclasses
import io
import os
import pathlib
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from drp_jax.errors import InputError, as_path, require, require_kind, require_whole
from drp_jax.images import png, tiff
from drp_jax.images.files import A_FILE, replace_whole, require_writable
from drp_jax.images.picture import Picture

QUALITY = 95
"""Of JPEG and WebP, where neither the input nor the user says another."""
_WITH_QUALITY = ("JPEG", "WEBP", "AVIF")
_TIFF = (".tif", ".tiff")
_THIN = 16
_A_PICTURE = "a Picture, as read_image gives"
_LEAST_SHARE = {".npy": 1.0, ".tif": 1.0, ".tiff": 1.0, ".bmp": 1.0, ".png": 0.1}
"""How much of the pixels' bytes a file takes at least, about, by its suffix."""


def write_image(path: str | os.PathLike, picture: Picture, *, quality: int | None = None) -> None:
    """Writes a picture; the suffix names the format. An existing file is replaced whole.

    Args:
      path: where to.
      picture: what to write, in its own range and depth, with its metadata.
      quality: of JPEG, WebP and AVIF, 1 to 100; by default a JPEG is compressed as the JPEG that
        the picture comes from, and all else with 95.

    Raises:
      InputError: if the folder is missing or not writable, or the format is unknown or
        cannot hold this kind of image.
    """
    path = as_path(path, A_FILE)
    require_kind(picture, Picture, "picture", _A_PICTURE)
    _check_quality(quality)
    encoded = _encode(path, picture, quality)
    with replace_whole(path) as temporary:
        temporary.write_bytes(encoded)


def check_writable(
    path: str | os.PathLike, picture: Picture | None = None, *, quality: int | None = None
) -> None:
    """Raises what writing to `path` would raise, without leaving anything there.

    With a picture, also if the format named by the suffix does not hold such a picture, or the
    disk has no room for it.

    Raises:
      InputError: if so.
    """
    path = as_path(path, A_FILE)
    _check_quality(quality)
    size = 0
    if picture is not None:
        require_kind(picture, Picture, "picture", _A_PICTURE)
        _check_format(path, picture, quality)
        share = _LEAST_SHARE.get(path.suffix.lower(), 0.01)
        size = int(share * picture.image.size * np.dtype(picture.depth).itemsize)
    require_writable(path, size)


def suffix_for(picture: Picture) -> str:
    """The suffix of a format that holds a picture without loss."""
    if picture.image.shape[2] not in (1, 3) and not picture.are_pages:
        return ".npy"
    return ".png" if picture.depth in ("uint8", "uint16") and not picture.are_pages else ".tif"


def _check_quality(quality: int | None) -> None:
    if quality is not None:
        require_whole(quality, "quality", 1, 100)


def _check_format(path: pathlib.Path, picture: Picture, quality: int | None) -> None:
    """Raises InputError unless a blank picture of this kind comes back from an encoded file."""
    _require_held(path, picture)
    if path.suffix.lower() in (".npy", *_TIFF):
        return  # which hold all that the line above lets through
    height, width = picture.image.shape[:2]
    # As high and as wide, because formats have limits, but not both at once, which would be slow.
    for shape in ((height, min(width, _THIN)), (min(height, _THIN), width)):
        _check_size(path, picture, shape, quality)


def _check_size(
    path: pathlib.Path, picture: Picture, shape: tuple[int, int], quality: int | None
) -> None:
    """The same for a blank picture of another height and width."""
    height, width = shape
    blank = dataclasses.replace(
        picture,
        image=np.zeros((height, width, picture.image.shape[2]), np.float32),
        alpha=None if picture.alpha is None else picture.alpha[:height, :width],
    )
    encoded = io.BytesIO(_encode(path, blank, quality))
    try:
        with Image.open(encoded) as opened:
            bands = len(opened.getbands())
            is_same = opened.size == (width, height) and opened.mode != "P"
    except Image.UnidentifiedImageError:
        is_same, bands = False, 0
    wanted = picture.image.shape[2] + (picture.alpha is not None)
    is_deep = picture.depth == "uint16"  # some of which Pillow only opens as RGBA
    require(is_same and (bands == wanted or is_deep), _refusal(path, picture))


def _refusal(path: pathlib.Path, picture: Picture) -> str:
    accepted = [suffix for suffix in (".png", ".tif", ".npy") if _holds(suffix, picture)]
    return (
        f"{path}: a {path.suffix} file cannot hold a {picture.described()}; accepted: "
        f"{', '.join(accepted)}"
    )


def _holds(suffix: str, picture: Picture) -> bool:
    """Whether a format holds such pictures, as far as that is known without trying."""
    if suffix == ".npy":
        return picture.alpha is None
    if suffix in _TIFF:
        return True
    is_one = picture.image.shape[2] in (1, 3) and not (
        picture.are_pages and picture.image.shape[2] > 1
    )
    if picture.depth == "uint16":
        return is_one and suffix == ".png"
    return is_one and picture.depth == "uint8"


def _require_held(path: pathlib.Path, picture: Picture) -> None:
    suffix = path.suffix.lower()
    formats = Image.registered_extensions()
    is_known = suffix == ".npy" or (suffix in formats and formats[suffix] in Image.SAVE)
    require(
        is_known,
        f"{path}: unknown image format {path.suffix!r}; accepted: .png, .tif, .jpg, .npy and "
        "others",
    )
    require(_holds(suffix, picture), _refusal(path, picture))


def _encode(path: pathlib.Path, picture: Picture, quality: int | None) -> bytes:
    _require_held(path, picture)
    suffix = path.suffix.lower()
    if suffix in _TIFF:
        return tiff.encode(picture)
    pixels = picture.stored()
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        return buffer.getvalue()
    if picture.alpha is not None:
        pixels = np.concatenate([pixels, picture.alpha[..., None]], axis=-1)
    if picture.depth == "uint16" and pixels.shape[2] > 1:
        return png.encode(pixels, picture.metadata)
    if pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    name = Image.registered_extensions()[suffix]
    buffer = io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, format=name, **_options(name, picture, quality))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}; accepted: .png or .tif") from None
    return buffer.getvalue()


def _options(name: str, picture: Picture, quality: int | None) -> dict[str, Any]:
    """What Pillow is told beside the pixels."""
    metadata = picture.metadata
    options: dict[str, Any] = {}
    if name in _WITH_QUALITY:
        options["quality"] = quality or QUALITY
    jpeg = metadata.jpeg
    tables = {1: (1,), 3: (1, 2, 3)}[picture.image.shape[2]]
    if name == "JPEG" and jpeg is not None and quality is None and len(jpeg.tables) in tables:
        del options["quality"]
        options |= {"qtables": jpeg.tables, "progressive": jpeg.progressive}
        if jpeg.subsampling >= 0:
            options["subsampling"] = jpeg.subsampling
    exif = metadata.exif_for(*picture.image.shape[:2])
    for key, value in (
        ("icc_profile", metadata.icc_profile),
        ("dpi", metadata.resolution),
        ("exif", None if exif is None else exif.tobytes()),
    ):
        if value is not None:
            options[key] = value
    size = picture.image.shape[:2]
    if name == "PNG":
        options["pnginfo"] = PngInfo()
        for kind, data in png.texts_for(metadata, *size):
            options["pnginfo"].add(kind, data)
    elif name == "JPEG":
        options |= metadata.segments_for(*size)
    elif metadata.xmp is not None:
        options["xmp"] = metadata.xmp_for(*size)
    return options
