"""Damaged image files through the reader: `python -m experiments.fuzz --files 10000`.

Files of every format are cut, overwritten, lengthened and have the numbers of their headers
changed. Each must end in a picture or in an `InputError` of one line, in seconds and within the
memory that it is allowed. What does not is kept and named; the exit status is then 1. The file at
work is always on disk, so that it is there if the process itself is ended by a decoder.
"""

import argparse
import collections
import dataclasses
import io
import pathlib
import resource
import shutil
import struct
import sys
import tempfile
import time
import zlib
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from drp_jax import InputError, read_image
from drp_jax.images import png

MEMORY = 200_000_000
"""Bytes that a file is allowed."""
SLOW = 5.0
"""Seconds that no file may take."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Attributes:
      kind: "picture", "refused", or what is wrong.
      detail: the message.
    """

    kind: str
    detail: str = ""

    @property
    def is_fine(self) -> bool:
        return self.kind in ("picture", "refused")


def samples() -> dict[str, bytes]:
    """A small whole file of each format and kind, by its name."""
    generator = np.random.default_rng(0)
    smooth = np.linspace(0, 50000, 24 * 20).reshape(24, 20, 1)
    deep = (smooth + generator.integers(0, 15000, (24, 20, 4))).astype(np.uint16)
    eight = (deep >> 8).astype(np.uint8)
    rgb, rgba, gray = (Image.fromarray(eight[..., part]) for part in (slice(3), slice(4), 0))
    exif = Image.Exif()
    exif[271] = "maker"
    exif[274] = 6
    files: dict[str, bytes] = {}

    def pillow(name: str, image: Image.Image, form: str, **options: Any) -> None:
        buffer = io.BytesIO()
        image.save(buffer, form, **options)
        files[name] = buffer.getvalue()

    def tiff(name: str, array: np.ndarray, **options: Any) -> None:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, **options)
        files[name] = buffer.getvalue()

    pillow("rgb.png", rgb, "PNG", exif=exif, dpi=(72, 72))
    pillow("palette.png", rgb.quantize(50), "PNG", transparency=3)
    pillow("gray.png", gray, "PNG")
    pillow("bilevel.png", gray.convert("1"), "PNG")
    pillow("rgb.jpg", rgb, "JPEG", exif=exif)
    pillow("progressive.jpg", rgb, "JPEG", progressive=True)
    pillow("gray.jpg", gray, "JPEG")
    pillow("cmyk.jpg", rgb.convert("CMYK"), "JPEG")
    pillow("rgba.webp", rgba, "WEBP", exif=exif)
    pillow("lossless.webp", rgb, "WEBP", lossless=True)
    pillow("rgb.avif", rgb, "AVIF")
    pillow("rgb.jp2", rgb, "JPEG2000")
    pillow("rgb.bmp", rgb, "BMP")
    pillow("palette.bmp", rgb.quantize(50), "BMP")
    pillow("one.gif", rgb.quantize(50), "GIF")
    pillow("two.gif", rgb, "GIF", save_all=True, append_images=[rgb.rotate(180)])
    pillow("rgb.tga", rgb, "TGA", compression="tga_rle")
    pillow("rgb.ppm", rgb, "PPM")
    pillow("rgb.pcx", rgb, "PCX")
    pillow("rgb.sgi", rgb, "SGI")
    pillow("rgb.ico", rgb.resize((16, 16)), "ICO")
    for number, channels in enumerate((deep[..., 0], deep[..., :2], deep[..., :3], deep), 1):
        files[f"deep{number}.png"] = bytes(imagecodecs.png_encode(np.ascontiguousarray(channels)))
    tiff("rgb.tif", eight[..., :3], photometric="rgb")
    tiff("deep.tif", deep[..., :3], photometric="rgb")
    tiff("float.tif", deep[..., 0].astype(np.float32))
    tiff("planar.tif", np.moveaxis(deep[..., :3], -1, 0), photometric="rgb", planarconfig=2)
    tiff("stack.tif", np.moveaxis(deep[..., :3], -1, 0), photometric="minisblack")
    tiff("tiles.tif", np.tile(deep[..., :3], (2, 2, 1)), photometric="rgb", tile=(16, 16))
    tiff("big.tif", deep[..., :3], photometric="rgb", bigtiff=True)
    for name in ("lzw", "zlib", "packbits", "jpeg", "zstd"):
        array = eight[..., :3] if name in ("jpeg", "packbits") else deep[..., :3]
        tiff(f"{name}.tif", array, photometric="rgb", compression=name, rowsperstrip=8)
    tiff("predictor.tif", deep[..., :3], photometric="rgb", compression="zlib", predictor=True)
    pillow("group4.tif", gray.convert("1"), "TIFF", compression="group4")
    pillow("cmyk.tif", rgb.convert("CMYK"), "TIFF", compression="tiff_lzw")
    pillow("palette.tif", rgb.quantize(50), "TIFF")
    arrays: dict[str, np.ndarray] = {"uint8": eight, "float64": deep / 3.0, "bool": deep > 9000}
    for name, values in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, values)
        files[f"{name}.npy"] = buffer.getvalue()
    return files


def mutated(content: bytes, generator: np.random.Generator) -> bytes:
    """The file with one to three damages of different kinds."""
    data = bytearray(content)
    for _ in range(generator.integers(1, 4)):
        if not data:
            break
        start = int(generator.integers(len(data)))
        # Half of all damages are near the beginning, where the headers are.
        if generator.random() < 0.5:
            start = min(start, int(generator.integers(1, 200)), len(data) - 1)
        kind = generator.integers(7)
        length = int(generator.integers(1, 1 + min(64, len(data) - start)))
        if kind == 0:
            del data[max(start, 1) :]
        elif kind == 1:
            data[start] ^= 1 << int(generator.integers(8))
        elif kind == 2:
            data[start : start + length] = generator.bytes(length)
        elif kind == 3:
            del data[start : start + length]
        elif kind == 4:
            data[start:start] = data[start : start + length]
        elif kind == 5:  # a number that is large, or nothing
            edge = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff")
            data[start : start + 4] = edge[int(generator.integers(len(edge)))]
        else:
            data[start : start + length] = bytes(length)
    is_png = data.startswith(png.SIGNATURE)
    return with_sums(bytes(data)) if is_png and generator.random() < 0.7 else bytes(data)


def with_sums(content: bytes) -> bytes:
    """A PNG file whose checksums are right, so that they do not hide its other damages."""
    data, place = bytearray(content), len(png.SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        if end + 4 <= len(data):
            data[end : end + 4] = struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return bytes(data)


def outcome(path: pathlib.Path) -> Outcome:
    """What the reader makes of a file."""
    start = time.perf_counter()
    try:
        picture = read_image(path, memory=MEMORY)
        result = Outcome("picture")
        if not np.isfinite(picture.image).all():
            result = Outcome("a picture that is not finite")
    except InputError as error:
        message = str(error)
        is_a_line = "\n" not in message and "; accepted: " in message
        result = Outcome("refused" if is_a_line else "a message of another form", message)
    except BaseException as error:  # anything at all is a fault of the reader
        result = Outcome(f"a traceback of {type(error).__name__}", str(error))
    seconds = time.perf_counter() - start
    return result if seconds < SLOW else Outcome("too slow", f"{seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    whole = samples()
    counts: dict[str, collections.Counter] = {name: collections.Counter() for name in whole}
    failed = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fuzz-"))
    start = time.perf_counter()
    for number in range(asked.files):
        name = list(whole)[number % len(whole)]
        generator = np.random.default_rng((asked.seed, number))
        path = folder / name
        path.write_bytes(mutated(whole[name], generator))
        result = outcome(path)
        counts[name][result.kind] += 1
        if not result.is_fine:
            failed += 1
            kept = path.rename(folder / f"{number}-{name}")
            print(f"{kept}: {result.kind}: {result.detail}", flush=True)
    for name, count in counts.items():
        print(f"{name:16} " + ", ".join(f"{count[kind]} {kind}" for kind in sorted(count)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"{asked.files} files in {time.perf_counter() - start:.0f} s, {failed} of them neither a "
        f"picture nor refused in a line; at most {peak:.0f} MB of memory"
    )
    if not failed:
        shutil.rmtree(folder)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
