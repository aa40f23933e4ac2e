"""Which pictures are found where, and what goes with them."""

import os
from pathlib import Path

import pytest

from drp_jax import InputError
from drp_jax.commands.inputs import companion, found, is_one_file

FILES = [
    *("photos/b.JPG", "photos/a.png", "photos/sub/deep/c.tif", "photos/odd[1].png"),
    *("photos/a_restored.png", "photos/a_figure.png", "photos/drp-jax.jsonl"),
    *("photos/.hidden.png", "photos/.thumbs/d.png", "photos/notes.txt", "photos/e.dat"),
    "other/a.png",
]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def names_of(*paths):
    return [(str(one.path), str(one.name)) for one in found([*map(Path, paths)])[0]]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["photos/a.png"], {"photos/a.png": "a.png"}),
        (
            ["photos"],
            {
                "photos/a.png": "a.png",
                "photos/b.JPG": "b.JPG",
                "photos/odd[1].png": "odd[1].png",
                "photos/sub/deep/c.tif": "sub/deep/c.tif",
            },
        ),
        (["photos/sub", "other"], {"photos/sub/deep/c.tif": "photos/sub/deep/c.tif"}),
        (["photos/a.png", "other"], {"photos/a.png": "photos/a.png", "other/a.png": "other/a.png"}),
        (["photos/a.png", "photos/../photos/a.png"], {"photos/a.png": "a.png"}),
        (["photos/?.*"], {"photos/a.png": "a.png", "photos/b.JPG": "b.JPG"}),
        (["photos/**/c*"], {"photos/sub/deep/c.tif": "sub/deep/c.tif"}),
        (["photos/s*"], {"photos/sub/deep/c.tif": "sub/deep/c.tif"}),
        (["photos/*.dat"], {"photos/e.dat": "e.dat"}),
        (["photos/odd[1].png"], {"photos/odd[1].png": "odd[1].png"}),
        (["photos/a_restored.png"], {"photos/a_restored.png": "a_restored.png"}),
        (["none.png"], {"none.png": "none.png"}),
    ],
)
def test_files_folders_and_patterns_mean_pictures(paths, expected):
    others = {"other/a.png": "other/a.png"} if paths == ["photos/sub", "other"] else {}
    assert names_of(*paths) == list((expected | others).items())


def test_what_is_left_out_is_said_but_for_hidden_files_and_own_outputs():
    assert found([Path("photos")])[1] == [
        "no pictures by their suffix, and left out: photos/e.dat, photos/notes.txt"
    ]
    assert found([Path("photos/sub")])[1] == []


@pytest.mark.parametrize("path", ["empty", "photos/*.gif", "no/*.png"])
def test_nothing_found_is_refused(path):
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r": no picture there; accepted: files that end in \.png"):
        found([Path(path)])


def test_a_folder_that_cannot_be_read_is_refused(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="photos: Permission denied; accepted: folders that can"):
        found([Path("photos")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [("photos/a.png", True), ("none.png", True), ("photos", False), ("photos/*.png", False)],
)
def test_one_file_is_neither_folder_nor_pattern(path, expected):
    assert is_one_file(Path(path)) is expected


def test_a_companion_has_the_same_name_or_another_suffix():
    name = Path("sub/deep/c.png")
    assert companion(None, name, "mask") is None
    assert companion(Path("photos/a.png"), name, "mask") == Path("photos/a.png")
    assert companion(Path("photos"), name, "mask") == Path("photos/sub/deep/c.tif")
    Path("photos/sub/deep/c.png").touch()
    assert companion(Path("photos"), name, "mask") == Path("photos/sub/deep/c.png")
    with pytest.raises(InputError, match=r"mask of sub/deep/c.gif: photos.* and photos.*are there"):
        companion(Path("photos"), Path("sub/deep/c.gif"), "mask")
    with pytest.raises(InputError, match=r"other/d.png: no such file; accepted: a folder with a m"):
        companion(Path("other"), Path("d.png"), "mask")
