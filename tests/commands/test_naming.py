"""Where results go, without any picture being there."""

from pathlib import Path

import pytest

from drp_jax import InputError
from drp_jax.commands.inputs import Input
from drp_jax.commands.naming import places


def stems(names, output_dir=None):
    inputs = [Input(Path("photos", name), Path(name)) for name in names]
    return [str(one.stem) for one in places(inputs, output_dir)]


def test_results_lie_beside_the_pictures_or_in_the_same_folders_elsewhere():
    names = ["a.png", "sub/a.png", "b.2019.jpg"]
    assert stems(names) == ["photos/a", "photos/sub/a", "photos/b.2019"]
    assert stems(names, Path("out")) == ["out/a", "out/sub/a", "out/b.2019"]


def test_pictures_of_one_name_are_told_apart_by_their_suffix():
    assert stems(["a.png", "a.tif", "b.tif"]) == ["photos/a_png", "photos/a_tif", "photos/b"]


def test_a_record_lies_in_the_output_folder_or_beside_each_picture():
    inputs = [Input(Path("photos/sub/a.png"), Path("sub/a.png"))]
    (beside,), (elsewhere,) = places(inputs, None), places(inputs, Path("out"))
    assert (beside.top, beside.key) == (Path("photos/sub"), "a")
    assert (elsewhere.top, elsewhere.key) == (Path("out"), "sub/a")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a.png", "a.tif", "a_png.png"],
            "photos/a.png and photos/a_png.png would both go to photos/a_png_restored; accepted: ",
        ),
        (
            ["a.png", "a_restored.png"],
            "photos/a_restored.png: is an input, and what is written for photos/a.png would rep",
        ),
        (["a.png", "a_figure.png"], "photos/a_figure.png: is an input, and what is written for"),
    ],
)
def test_what_would_be_lost_is_refused(names, message):
    with pytest.raises(InputError, match=message):
        stems(names)
    if "a_restored.png" in names:
        assert stems(names, Path("out")) == ["out/a", "out/a_restored"]
