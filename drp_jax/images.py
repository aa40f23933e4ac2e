"""Reading and writing image files: the only part of the library that touches files.

Inside the library an image is float32 `[H, W, C]` in [0, 1], C = 1 (gray) or 3 (RGB). A
`Picture` adds what a file has beside that, so that a result can be written like its input.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import tempfile
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from drp_jax.errors import (
    InputError,
    as_path,
    in_a_line,
    require,
    require_finite,
    require_kind,
    require_picture,
    shown,
)

_MODES = ("L", "I;16", "F", "LA", "RGB", "RGBA")
_GRAY_MAXIMUM = {"L": 255, "I;16": 65535, "F": 1}
_GRAY = ("1", "L", "LA", "La")
_RGB = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa")
_A_FILE = "the path of a file"
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image and what its file holds beside it.

    Attributes:
      image: float32 `[H, W, 1]` or `[H, W, 3]`, values in [0, 1].
      mode: Pillow's name of the pixel format to write: L, I;16 or F (gray), RGB; with an
        alpha channel LA or RGBA.
      alpha: the alpha channel, uint8 `[H, W]`, or None.
      icc_profile: the embedded colour profile, or None.
    """

    image: np.ndarray
    mode: str
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None

    def __post_init__(self) -> None:
        require_picture(self.image, "image")
        require_finite(self.image, "image")
        fitting = [mode for mode in _MODES if self.image.shape[2] == (3 if "RGB" in mode else 1)]
        require(
            self.mode in fitting,
            f"mode is {shown(self.mode)} and the image has shape {self.image.shape}; accepted: "
            f"{', '.join(fitting) or 'images with 1 or 3 channels'}",
        )
        height_and_width = self.image.shape[:2]
        is_alpha = self.alpha is None or (
            isinstance(self.alpha, np.ndarray)
            and self.alpha.dtype == np.uint8
            and self.alpha.shape == height_and_width
        )
        require(
            is_alpha and (self.alpha is not None) == self.mode.endswith("A"),
            f"alpha is {shown(self.alpha)} and mode {self.mode}; accepted: a uint8 array "
            f"{height_and_width} for LA and RGBA, None for the others",
        )
        require_kind(self.icc_profile, (bytes, type(None)), "icc_profile", "bytes, or None")

    def with_image(self, image: np.ndarray) -> "Picture":
        """The same file with other pixels of the same shape; alpha and profile stay."""
        require(
            np.shape(image) == self.image.shape,
            f"image has shape {np.shape(image)}; accepted: {self.image.shape}",
        )
        return dataclasses.replace(self, image=np.asarray(image, np.float32))


def read_image(path: str | os.PathLike) -> Picture:
    """Reads a gray or RGB image file.

    EXIF orientation is applied. Palettes and other colour spaces become RGB, bilevel
    images become gray. Alpha is kept beside the image. 16-bit gray is read at full depth;
    32-bit float gray must lie in [0, 1]. Of a multi-picture JPEG the first is read.

    Raises:
      InputError: if there is no such file, it is no image or damaged, it has several frames
        or 16-bit gray with transparency, or its values are not finite or outside [0, 1].
    """
    path = as_path(path, _A_FILE)
    try:
        require(path.exists(), f"{path}: no such file; accepted: an image")
        require(path.is_file(), f"{path}: not a file; accepted: an image")
        require(path.stat().st_size > 0, f"{path}: the file is empty; accepted: an image")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata and on size
            with Image.open(path) as opened:
                frames = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
                require(frames == 1, f"{path}: has {frames} frames; accepted: one")
                return _picture(ImageOps.exif_transpose(opened), path)
    except InputError:
        raise
    except Image.UnidentifiedImageError:
        raise InputError(
            f"{path}: not an image in a known format; accepted: PNG, JPEG, TIFF, WebP and others"
        ) from None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise InputError(
            f"{path}: cannot be read as an image: {in_a_line(error)}; accepted: one that is not "
            "damaged"
        ) from None


def write_image(path: str | os.PathLike, picture: Picture) -> None:
    """Writes a picture; the suffix names the format. An existing file is replaced whole.

    Raises:
      InputError: if the folder is missing or not writable, or the format is unknown or
        cannot hold this kind of image.
    """
    path = as_path(path, _A_FILE)
    require_kind(picture, Picture, "picture", "a Picture, as read_image gives")
    encoded = _encode(path, picture)
    with replace_whole(path) as temporary:
        temporary.write_bytes(encoded)


def check_writable(path: str | os.PathLike, picture: Picture | None = None) -> None:
    """Raises what writing to `path` would raise, without leaving anything there.

    With a picture, also if the format named by the suffix does not hold such a picture.

    Raises:
      InputError: if so.
    """
    path = as_path(path, _A_FILE)
    if picture is not None:
        require_kind(picture, Picture, "picture", "a Picture, as read_image gives")
        _check_format(path, picture)
    target = pathlib.Path(os.path.realpath(path))  # a link is written through
    try:
        folder = target.parent if path.is_symlink() else path.parent
        require(not target.is_dir(), f"{path}: is a folder; accepted: the path of a file")
        require(
            not target.exists() or target.is_file(),
            f"{path}: is not a regular file; accepted: the path of a file",
        )
        require(
            folder.is_dir(),
            f"{path}: the folder {folder} does not exist; accepted: an existing folder",
        )
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: cannot write there: {error.strerror}; accepted: a folder that can be written"
        ) from None


@contextlib.contextmanager
def replace_whole(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, renamed to it if the block ends well.

    Whatever happens, `path` holds its old content or the whole new one.

    Raises:
      InputError: if the operating system refuses to write there.
    """
    path = as_path(path, _A_FILE)
    check_writable(path)
    target = pathlib.Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
        os.close(handle)
        temporary = pathlib.Path(name)
        try:
            yield temporary
            temporary.chmod(target.stat().st_mode if target.exists() else 0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror}; accepted: a folder that can be written"
        ) from None


def _picture(opened: Image.Image, path: pathlib.Path) -> Picture:
    profile = opened.info.get("icc_profile")
    if opened.mode in _SIXTEEN_BIT:
        mode, pixels, alpha = "I;16", np.asarray(opened), None
        require(
            "transparency" not in opened.info,
            f"{path}: 16-bit gray with transparency; accepted: without it, or 8-bit",
        )
        require(
            pixels.min() >= 0 and pixels.max() <= 65535,
            f"{path}: values from {pixels.min()} to {pixels.max()}; accepted: 0 to 65535",
        )
    elif opened.mode == "F":
        mode, pixels, alpha = "F", np.asarray(opened), None
    else:
        has_alpha = opened.has_transparency_data
        is_gray = opened.mode in _GRAY
        converted = opened.convert(("L" if is_gray else "RGB") + ("A" if has_alpha else ""))
        if not is_gray and opened.mode not in _RGB:
            profile = None  # it described the colour space converted from
        mode, pixels, alpha = converted.mode, np.asarray(converted), None
        if has_alpha:
            pixels, alpha = pixels[..., :-1], pixels[..., -1]
    image = pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / _maximum(mode)
    require_finite(image, f"{path}:")
    require(
        image.min() >= 0 and image.max() <= 1,
        f"{path}: values from {image.min():g} to {image.max():g}; accepted: 0 to 1",
    )
    return Picture(image, mode, alpha, profile)


def _check_format(path: pathlib.Path, picture: Picture) -> None:
    """Raises InputError unless a blank picture of this kind comes back from an encoded file."""
    blank = picture.with_image(np.zeros_like(picture.image))
    height, width = blank.image.shape[:2]
    encoded = io.BytesIO(_encode(path, blank))
    try:
        with Image.open(encoded) as opened:
            is_same = opened.mode == picture.mode and opened.size == (width, height)
    except Image.UnidentifiedImageError:
        is_same = False
    require(
        is_same,
        f"{path}: a {path.suffix} file cannot hold a {width} x {height} image of mode "
        f"{picture.mode}; accepted: .png, .tif",
    )


def _encode(path: pathlib.Path, picture: Picture) -> bytes:
    formats = Image.registered_extensions()
    suffix = path.suffix.lower()
    require(
        suffix in formats and formats[suffix] in Image.SAVE,
        f"{path}: unknown image format {path.suffix!r}; accepted: .png, .tif, .jpg and others",
    )
    maximum = _maximum(picture.mode)
    pixels = np.clip(picture.image, 0, 1) * np.float32(maximum)
    dtype = {1: np.float32, 255: np.uint8, 65535: np.uint16}[maximum]
    pixels = pixels.astype(dtype) if maximum == 1 else np.rint(pixels).astype(dtype)
    if picture.alpha is not None:
        pixels = np.concatenate([pixels, picture.alpha[..., None]], axis=-1)
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    options: dict[str, int | bytes] = {"quality": 95} if formats[suffix] in ("JPEG", "WEBP") else {}
    if picture.icc_profile is not None:
        options["icc_profile"] = picture.icc_profile
    buffer = io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, format=formats[suffix], **options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}; accepted: .png, or .tif for float images") from None
    return buffer.getvalue()


def _maximum(mode: str) -> int:
    """The stored value that stands for 1."""
    return _GRAY_MAXIMUM.get(mode, 255)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
