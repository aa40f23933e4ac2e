"""Writing pictures: refused in time, whole or not at all."""

import errno
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from drp_jax import InputError, read_image, write_image
from drp_jax.images import Metadata, Picture, check_writable, replace_whole
from drp_jax.images.writing import suffix_for

RGB = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)


def save(tmp_path, pixels, name="in.png", **options):
    path = tmp_path / name
    Image.fromarray(pixels).save(path, **options)
    return path


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "kind"), [("o.bmp", "RGB and alpha"), ("o.gif", "RGB"), ("o.pdf", "RGB")]
)
def test_a_format_that_changes_the_picture_is_refused(tmp_path, name, kind):
    alpha = np.full((9, 12), 99, np.uint8) if "alpha" in kind else None
    picture = Picture(RGB.astype(np.float32) / 255, alpha=alpha)
    message = f"cannot hold a 12 x 9 {kind} image of uint8; accepted: .png, .tif"
    with pytest.raises(InputError, match=message):
        check_writable(tmp_path / name, picture)


def test_a_suffix_that_holds_a_picture(tmp_path):
    def of(channels, depth, **options):
        return Picture(np.zeros((9, 12, channels), np.float32), depth, **options)

    assert suffix_for(of(3, "uint16")) == ".png"
    assert suffix_for(of(1, "float32")) == ".tif"
    assert suffix_for(of(5, "uint8")) == ".npy"
    assert suffix_for(of(3, "uint16", are_pages=True)) == ".tif"
    for picture in (of(3, "uint16"), of(5, "uint8"), of(3, "uint16", are_pages=True)):
        check_writable((tmp_path / "x").with_suffix(suffix_for(picture)), picture)


def test_an_unknown_format_is_named(tmp_path):
    picture = read_image(save(tmp_path, RGB))
    with pytest.raises(InputError, match=r"unknown image format '\.xyz'; accepted: \.png"):
        write_image(tmp_path / "out.xyz", picture)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"the folder .*nowhere does not exist"):
        check_writable(tmp_path / "nowhere" / "out.png")
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    """The operating system's refusal is imitated, because root may write anywhere."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"out\.png: cannot write there: Permission denied"):
        check_writable(tmp_path / "out.png")


def test_pixels_of_another_shape_are_refused(tmp_path):
    picture = read_image(save(tmp_path, RGB))
    with pytest.raises(InputError, match=r"image has shape \(9, 11, 3\); accepted: \(9, 12, 3\)"):
        picture.with_image(picture.image[:, 1:])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "out.png", b"old")

    def fail():
        with replace_whole(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    previous = os.umask(0o027)
    try:
        write_image(tmp_path / "out.png", read_image(save(tmp_path, RGB)))
    finally:
        os.umask(previous)
    assert (tmp_path / "out.png").stat().st_mode & 0o777 == 0o640
    (tmp_path / "out.png").chmod(0o600)
    write_image(tmp_path / "out.png", read_image(tmp_path / "in.png"))
    assert (tmp_path / "out.png").stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path):
    target = write(tmp_path / "target.png", b"old")
    link = tmp_path / "link.png"
    link.symlink_to(target)
    write_image(link, read_image(save(tmp_path, RGB)))
    assert link.is_symlink()
    assert read_image(target).image.shape == (9, 12, 3)


def test_the_temporary_file_is_hidden_and_no_picture_by_its_name(tmp_path):
    path = tmp_path / "out.png"
    with replace_whole(path) as temporary:
        temporary.write_bytes(b"half")
        assert list(tmp_path.glob("*.png")) == []
        assert [one for one in tmp_path.glob("*") if not one.name.startswith(".")] == []
        assert temporary.suffix == ".partial"
    assert path.read_bytes() == b"half"


def test_a_kill_while_writing_leaves_no_file_that_looks_like_a_picture(tmp_path):
    code = (
        "import sys, time\n"
        "from drp_jax.images.files import replace_whole\n"
        "with replace_whole('out.png') as temporary:\n"
        "    temporary.write_bytes(b'half')\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert [one.suffix for one in tmp_path.iterdir()] == [".partial"]
    assert [*tmp_path.glob("*.png"), *tmp_path.glob("*.tif")] == []


@pytest.fixture
def small_files():
    """No file may have more than 200 bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_without_room_is_found_before_and_said_in_a_line(tmp_path, small_files):
    picture = Picture(np.random.default_rng(0).random((64, 64, 3)).astype(np.float32))
    for name in ("out.png", "out.tif", "out.npy"):
        with pytest.raises(InputError, match=f"{name}: cannot write there: File too large; acc"):
            check_writable(tmp_path / name, picture)
        with pytest.raises(InputError, match=f"{name}: cannot be written: File too large; acc"):
            write_image(tmp_path / name, picture)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_a_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    picture = Picture(np.zeros((64, 64, 3), np.float32))
    with pytest.raises(InputError, match="cannot write there: No space left on device; accepted"):
        check_writable(tmp_path / "out.tif", picture)
    check_writable(tmp_path / "out.tif")  # of which nothing is known


def test_a_write_protected_file_is_found_before(tmp_path, monkeypatch):
    path = write(tmp_path / "out.png", b"old")
    monkeypatch.setattr(os, "access", lambda file, mode: False)  # root may write to any
    with pytest.raises(InputError, match=r"out\.png: is write-protected; accepted: a file that"):
        check_writable(path)


def test_no_picture_holds_nan():
    picture = Picture(np.zeros((9, 12, 3), np.float32))
    with pytest.raises(InputError, match="image has NaN or infinity in"):
        picture.with_image(np.full((9, 12, 3), np.nan))


def test_what_a_picture_cannot_be_is_named():
    image = np.zeros((9, 12, 2), np.float32)
    for message, options in (
        ("depth is 'uint64'; accepted: uint8, uint16, int16", {"depth": "uint64"}),
        (
            "alpha is an array .* and the image has 2 channels",
            {"alpha": np.uint8(image[..., 0])},
        ),
        ("value_range is None and depth int16; accepted: two numbers", {"depth": "int16"}),
        ("metadata is 3; accepted: Metadata", {"metadata": 3}),
    ):
        with pytest.raises(InputError, match=message):
            Picture(image, **options)
    with pytest.raises(InputError, match="image has 65 channels; accepted: from 1 to 64"):
        Picture(np.zeros((9, 12, 65), np.float32))
    for message, options in (
        ("icc_profile is 'x'; accepted: bytes", {"icc_profile": "x"}),
        ("exif is 3; accepted: bytes", {"exif": 3}),
        ("xmp is 'x'; accepted: bytes", {"xmp": "x"}),
        ("iptc is 3; accepted: bytes", {"iptc": 3}),
        (r"text is \{\}; accepted: a tuple of chunks", {"text": {}}),
        (r"resolution is \(0, 300\); accepted: two numbers above 0", {"resolution": (0, 300)}),
        (r"jpeg is 90; accepted: Jpeg\(", {"jpeg": 90}),
    ):
        with pytest.raises(InputError, match=message):
            Metadata(**options)
