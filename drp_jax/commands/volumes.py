"""Writing reconstructed images: arrays of numbers for programs, pictures to look at.

Images come as `[slices, H, W]` or `[slices, H, W, C]`, real or complex, in any unit. A slice that
failed is NaN.
"""

import io
import pathlib
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from drp_jax import InputError
from drp_jax.commands.arrays import IMAGE
from drp_jax.images import replace_whole

ACCEPTED = ".npy, .npz, .tif, .tiff, .png"
BRIGHTEST = 0.999
"""The share of the pixels that are not brighter than what a picture shows as white."""


def check_format(path: pathlib.Path, bits: str, channels: int) -> None:
    """Raises InputError unless the suffix names a format that holds such images."""
    suffix = path.suffix.lower()
    if suffix not in ACCEPTED.split(", "):
        raise InputError(f"{path}: unknown format {path.suffix!r}; accepted: {ACCEPTED}")
    if bits == "16" and suffix not in (".tif", ".tiff"):
        raise InputError(
            f"--bits is 16 and the output {path}; accepted: --output with .tif or .tiff"
        )
    if suffix == ".png" and channels not in (1, 3):
        raise InputError(f"{path}: the image has {channels} channels; accepted: 1 or 3, or .npy")


def paths_of(path: pathlib.Path, count: int | None) -> list[pathlib.Path]:
    """The files that a path stands for: several pictures are numbered.

    Args:
      path: where to write.
      count: the number of slices of a stack, or None if it is one image.
    """
    if path.suffix.lower() != ".png" or count is None:
        return [path]
    digits = max(len(str(count - 1)), 3)
    return [path.with_name(f"{path.stem}_{n:0{digits}}{path.suffix}") for n in range(count)]


def write_volume(
    path: pathlib.Path,
    images: np.ndarray,
    *,
    is_stack: bool,
    bits: str = "32",
    uncertainty: np.ndarray | None = None,
) -> list[pathlib.Path]:
    """Writes images in the format that the suffix names, and gives the files written.

    - .npy: the numbers, complex if they are;
    - .npz: the same under the name `image`, and `uncertainty` if it is given;
    - .tif: a page a slice, float32, the magnitude if complex; with 16 bits the range of values
      becomes 0 to 65535: which values 0 and 65535 stand for is in the file, as the JSON of its
      description, and in a line on the standard output;
    - .png: as `shown_as` has them, one file a slice; none for those that failed.

    Args:
      path: where to write.
      images: `[slices, H, W]` or `[slices, H, W, C]`.
      is_stack: whether they are a stack; otherwise there is one, which is written without its axis.
      bits: "32", or "16" of a .tif.
      uncertainty: that of each pixel, `[slices, H, W]`, or None.

    Raises:
      InputError: if it cannot be written.
    """
    suffix = path.suffix.lower()
    files = paths_of(path, len(images) if is_stack else None)
    whole = images if is_stack else images[0]
    if suffix == ".png":
        good = [np.isfinite(image).all() for image in images]
        pairs = zip(files, shown_as(images), strict=True)
        kept = [pair for pair, is_good in zip(pairs, good, strict=True) if is_good]
        for file, picture in kept:
            pixels = Image.fromarray(np.rint(255 * picture).astype(np.uint8))
            with replace_whole(file) as temporary:
                pixels.save(temporary, format="PNG")
        return [file for file, _ in kept]
    buffer = io.BytesIO()
    if suffix == ".npy":
        np.save(buffer, whole)
    elif suffix == ".npz":
        arrays: dict[str, Any] = {IMAGE: whole}
        if uncertainty is not None:
            arrays["uncertainty"] = uncertainty if is_stack else uncertainty[0]
        np.savez_compressed(buffer, **arrays)
    else:
        pages = _real(whole)
        ends: dict[str, float] = {}
        if bits == "16":
            pages, ends = _as_16_bits(path, pages)
        photometric = "rgb" if images.ndim == 4 and images.shape[-1] == 3 else "minisblack"
        tifffile.imwrite(buffer, pages, photometric=photometric, metadata=ends)
    with replace_whole(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return files


def shown_as(images: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Images as they are looked at: brightness in [0, 1], one scale for all.

    The magnitude, if they are complex. White is the value that 99.9 % of the pixels do not exceed;
    black is 0, or where there are negative values what 99.9 % do not fall below.

    Args:
      images: an array of any shape.
      like: other images that the scale is taken from.
    """
    low, high = _black_and_white(images if like is None else like)
    return np.clip((np.nan_to_num(_real(images)) - low) / (high - low), 0, 1)


def _real(images: np.ndarray) -> np.ndarray:
    return np.abs(images) if np.iscomplexobj(images) else images


def _black_and_white(images: np.ndarray) -> tuple[float, float]:
    values = _real(images)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, (1 - BRIGHTEST, BRIGHTEST)) if values.size else (0.0, 0.0)
    low = min(float(low), 0.0)
    return low, float(high) if high > low else low + 1.0


def _as_16_bits(path: pathlib.Path, pages: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """The pages as uint16, and what 0 and 65535 stand for, which is said too."""
    values = pages[np.isfinite(pages)]
    low, high = float(values.min()), float(values.max())
    span = high - low if high > low else 1.0
    print(f"{path}: in 16 bits 0 stands for {low:g} and 65535 for {low + span:g}")
    scaled = np.rint((np.nan_to_num(pages, nan=low) - low) / span * 65535).astype(np.uint16)
    return scaled, {"value_of_0": low, "value_of_65535": low + span}
