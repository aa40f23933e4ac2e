"""HEIC and raw files: read where the package is there, and where it is not said what to install."""

import sys
import types

import numpy as np
import pytest
import tifffile
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError, read_image

EIGHT = np.rint(make_photograph(64, 48, 3) * 255).astype(np.uint8)


def test_without_the_packages_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for name, content, package, extra in (
        ("in.heic", b"x", "pillow-heif", "heic"),
        ("in.jpg", b"\0\0\0\x18ftypheic\0\0\0\0", "pillow-heif", "heic"),
        ("in.nef", b"x", "rawpy", "raw"),
        ("IN.DNG", b"II*\0", "rawpy", "raw"),
    ):
        (tmp_path / name).write_bytes(content)
        message = rf"{name}: reading it needs {package}; accepted: after pip install .*\[{extra}\]"
        with pytest.raises(InputError, match=message):
            read_image(tmp_path / name)


def test_heic(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[271] = "maker"
    path = tmp_path / "in.heic"
    heif.from_pillow(Image.fromarray(EIGHT)).save(path, quality=95, exif=exif.tobytes())
    picture = read_image(path)
    assert picture.depth == "uint8"
    np.testing.assert_allclose(picture.image, EIGHT / 255, atol=0.25)
    assert picture.metadata.exif_for(64, 48)[271] == "maker"
    with pytest.raises(InputError, match=r"48 x 64 pixels take .* GB; accepted: up to"):
        read_image(path, memory=30_000)
    deep = np.rint(make_photograph(64, 48, 3) * 65535).astype(np.uint16)
    heif.from_bytes("RGB;16", (48, 64), deep.tobytes()).save(path, quality=95)
    picture = read_image(path)
    assert picture.depth == "uint16"
    np.testing.assert_allclose(picture.image, deep / 65535, atol=0.25)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be read as an image: "):
        read_image(path)


def bayer_dng(path):
    """A raw file as a camera writes one: one colour a pixel, here of a gray ramp."""
    ramp = np.tile(np.linspace(1000, 60000, 64).astype(np.uint16), (48, 1))
    one = (1, 1)
    matrix = [(int(value * 10000), 10000) for value in np.eye(3).ravel()]
    tifffile.imwrite(
        path,
        ramp,
        photometric=32803,
        extratags=[
            (50706, 1, 4, (1, 4, 0, 0), True),  # the version of DNG
            (50708, 2, 0, "camera", True),
            (33421, 3, 2, (2, 2), True),  # the pattern: red, green, green, blue
            (33422, 1, 4, (0, 1, 1, 2), True),
            (50721, 10, 9, [one for pair in matrix for one in pair], True),
            (50728, 5, 3, [*one, *one, *one], True),
            (50778, 3, 1, 21, True),  # daylight
        ],
    )


def test_raw(tmp_path):
    pytest.importorskip("rawpy")
    path = tmp_path / "in.dng"
    bayer_dng(path)
    picture = read_image(path)
    assert (picture.depth, picture.image.shape) == ("uint16", (48, 64, 3))
    columns = picture.image.mean(axis=(0, 2))
    assert (np.diff(columns[2:-2]) > 0).all()
    with pytest.raises(InputError, match=r"64 x 48 pixels take .* GB; accepted: up to"):
        read_image(path, memory=20_000)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read as an image: "):
        read_image(path)


def test_raw_files_are_developed_at_16_bits(tmp_path, monkeypatch):
    """What is asked of rawpy, where it need not be there."""
    asked = {}

    class Opened:
        sizes = types.SimpleNamespace(height=9, width=12)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def postprocess(self, **options):
            asked.update(options)
            return np.full((9, 12, 3), 60000, np.uint16)

    monkeypatch.setitem(sys.modules, "rawpy", types.SimpleNamespace(imread=lambda _: Opened()))
    (tmp_path / "in.NEF").write_bytes(b"raw")
    picture = read_image(tmp_path / "in.NEF")
    assert picture.depth == "uint16"
    np.testing.assert_allclose(picture.image, 60000 / 65535)
    assert asked == {"output_bps": 16, "use_camera_wb": True, "no_auto_bright": True}
