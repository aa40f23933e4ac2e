"""Written images come back, in every format."""

import numpy as np
import pytest
import tifffile
from command_line import pixels_of

from drp_jax import InputError
from drp_jax.commands.volumes import check_format, paths_of, shown_as, write_volume


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def images(*shape, complex_image=False):
    draw = np.random.default_rng(0)
    values = draw.normal(size=shape).astype(np.float32)
    return (values + 1j * draw.normal(size=shape)).astype(np.complex64) if complex_image else values


@pytest.mark.parametrize("complex_image", [False, True])
def test_numbers_stay_as_they_are(in_empty_folder, complex_image):
    volume = images(3, 8, 9, complex_image=complex_image)
    for name, is_stack, expected in (("a.npy", True, volume), ("b.npy", False, volume[0])):
        path = in_empty_folder / name
        assert write_volume(path, volume, is_stack=is_stack) == [path]
        np.testing.assert_array_equal(np.load(path), expected)
        assert np.load(path).dtype == volume.dtype
    write_volume(in_empty_folder / "c.npz", volume, is_stack=True)
    with np.load(in_empty_folder / "c.npz") as opened:
        assert list(opened) == ["image"]
        np.testing.assert_array_equal(opened["image"], volume)


@pytest.mark.parametrize("is_stack", [True, False])
def test_an_npz_file_has_the_uncertainty_too(in_empty_folder, is_stack):
    volume, uncertainty = images(2, 8, 9), np.abs(images(2, 8, 9)) + 1
    path, count = in_empty_folder / "a.npz", 2 if is_stack else 1
    write_volume(path, volume[:count], is_stack=is_stack, uncertainty=uncertainty[:count])
    with np.load(path) as opened:
        written = {name: opened[name] for name in opened}
    expected = {"image": volume, "uncertainty": uncertainty}
    assert written.keys() == expected.keys()
    for name, whole in expected.items():
        np.testing.assert_array_equal(written[name], whole if is_stack else whole[0])


@pytest.mark.parametrize("suffix", [".tif", ".TIFF"])
def test_a_tiff_has_floats_and_a_page_a_slice(in_empty_folder, suffix):
    volume = images(3, 8, 9, complex_image=True)
    path = in_empty_folder / f"a{suffix}"
    write_volume(path, volume, is_stack=True)
    written = tifffile.imread(path)
    assert written.dtype == np.float32
    np.testing.assert_allclose(written, np.abs(volume), rtol=1e-6)
    with tifffile.TiffFile(path) as opened:
        assert len(opened.pages) == 3


def test_sixteen_bits_span_the_range_and_say_so(in_empty_folder, capsys):
    volume = images(2, 8, 9)
    volume[1, 0, 0] = np.nan
    path = in_empty_folder / "a.tif"
    write_volume(path, volume, is_stack=True, bits="16")
    written = tifffile.imread(path)
    assert written.dtype == np.uint16
    low, high = np.nanmin(volume), np.nanmax(volume)
    restored = low + written / 65535 * (high - low)
    np.testing.assert_allclose(restored[0], volume[0], atol=(high - low) / 65535)
    line = capsys.readouterr().out
    assert line == f"{path}: in 16 bits 0 stands for {low:g} and 65535 for {high:g}\n"
    with tifffile.TiffFile(path) as opened:
        (said,) = opened.shaped_metadata
    assert (said["value_of_0"], said["value_of_65535"]) == (low, high)


def test_pictures_are_numbered_and_share_a_scale(in_empty_folder):
    volume = np.stack([np.full((8, 9), value) for value in (0.5, np.nan, 2.0)])
    files = write_volume(in_empty_folder / "a.png", volume, is_stack=True)
    assert [path.name for path in files] == ["a_000.png", "a_002.png"]  # none of what failed
    assert (pixels_of(files[0]) == 64).all()
    assert (pixels_of(files[1]) == 255).all()
    (alone,) = write_volume(in_empty_folder / "b.png", volume[:1], is_stack=False)
    assert alone.name == "b.png"


def test_a_picture_of_a_complex_image_is_its_magnitude():
    volume = images(1, 40, 50, complex_image=True)
    white = np.quantile(np.abs(volume), 0.999)
    np.testing.assert_allclose(shown_as(volume), np.minimum(np.abs(volume) / white, 1), rtol=1e-5)


def test_negative_values_are_darker_than_0():
    volume = images(1, 40, 50)
    low, high = np.quantile(volume, (0.001, 0.999))
    expected = np.clip((volume - low) / (high - low), 0, 1)
    np.testing.assert_allclose(shown_as(volume), expected, atol=1e-5)
    np.testing.assert_allclose(shown_as(2 * volume, like=2 * volume + 0), expected, atol=1e-5)


def test_images_without_contrast_are_shown():
    assert (shown_as(np.zeros((1, 8, 8))) == 0).all()
    assert (shown_as(np.full((1, 8, 8), np.nan)) == 0).all()
    assert (shown_as(np.full((1, 8, 8), 3.0)) == 1).all()


def test_colours_are_written(in_empty_folder):
    volume = np.abs(images(2, 8, 9, 3))
    for name in ("a.png", "b.tif"):
        write_volume(in_empty_folder / name, volume, is_stack=True)
    assert pixels_of(in_empty_folder / "a_001.png").shape == (8, 9, 3)
    np.testing.assert_array_equal(tifffile.imread(in_empty_folder / "b.tif"), volume)


@pytest.mark.parametrize(
    ("name", "bits", "channels", "message"),
    [
        ("a.jpg", "32", 1, "unknown format '.jpg'; accepted: .npy, .npz, .tif, .tiff, .png"),
        ("a", "32", 1, "unknown format ''; accepted"),
        (
            "a.npy",
            "16",
            1,
            "--bits is 16 and the output .*a.npy; accepted: --output with .tif or .tiff",
        ),
        ("a.png", "32", 2, "the image has 2 channels; accepted: 1 or 3, or .npy"),
    ],
)
def test_formats_that_cannot_hold_it_are_refused(in_empty_folder, name, bits, channels, message):
    with pytest.raises(InputError, match=message):
        check_format(in_empty_folder / name, bits, channels)


def test_many_pictures_have_room_in_their_numbers(in_empty_folder):
    names = [path.name for path in paths_of(in_empty_folder / "a.png", 1001)]
    assert (names[0], names[-1]) == ("a_0000.png", "a_1000.png")
