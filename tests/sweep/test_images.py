"""The clean images of a plan: gray ones, folders with what they hold, where paths begin."""

import numpy as np
import pytest
from command_line import save
from conftest import make_photograph

from drp_jax import InputError
from drp_jax.commands import sweep_flags
from drp_jax.sweep import read_plan
from drp_jax.sweep.reading import ready_plans

COLOURS = make_photograph(12, 10, 3)


def read(folder, images, more=""):
    path = folder / "plan.yaml"
    path.write_text(f"images: {images}\n{more}\ndegradations: gaussian:25\nmethods: non-local\n")
    return read_plan(path, bundled=lambda name: COLOURS)


def test_gray_images_have_the_luma_of_colours(tmp_path):
    np.save(tmp_path / "gray.npy", COLOURS[..., :1])
    colours, gray = read(tmp_path, "[chelsea, gray.npy]", "gray: true").images
    luma = 0.299 * COLOURS[..., 0] + 0.587 * COLOURS[..., 1] + 0.114 * COLOURS[..., 2]
    np.testing.assert_allclose(colours.pixels()[..., 0], luma, atol=1e-6)
    np.testing.assert_array_equal(gray.pixels(), COLOURS[..., :1])
    (as_it_is,) = read(tmp_path, "chelsea", "gray: false").images
    np.testing.assert_array_equal(as_it_is.pixels(), COLOURS)
    assert as_it_is.digest != colours.digest


def test_gray_images_are_made_smaller_too(tmp_path):
    (small,) = read(tmp_path, "chelsea", "gray: true\nsize: 8").images
    assert small.pixels().shape == (8, 8, 1)
    np.testing.assert_allclose(small.pixels().mean(), COLOURS[1:11].mean(), atol=0.1)


def test_a_plan_may_say_what_a_folder_holds(tmp_path):
    (tmp_path / "set").mkdir()
    images = "{folder: set, holds: two pictures}"
    with pytest.raises(
        InputError, match=r"line 1: images: no picture in .*/set; accepted: two pictures$"
    ):
        read(tmp_path, images)
    for name in ("b", "a"):
        np.save(tmp_path / f"set/{name}.npy", COLOURS)
    (tmp_path / "set/readme.txt").write_text("of whom")
    assert [one.name for one in read(tmp_path, images).images] == ["set/a.npy", "set/b.npy"]


@pytest.mark.parametrize(
    ("images", "more", "message"),
    [
        (
            "{folder: none, holds: two pictures}",
            "",
            r"line 1: images: no folder .*/none; accepted: one with two pictures$",
        ),
        ("{folder: set}", "", r"line 1: images has no holds; accepted: folder, holds"),
        ("[{holds: pictures}]", "", r"line 1: images\[0\] has no folder; accepted: folder, hol"),
        ("chelsea", "gray: 1", r"line 2: gray is 1; accepted: true or false"),
    ],
)
def test_what_is_not_accepted_is_named_with_its_line(tmp_path, images, more, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, images, more)


def test_ready_plans_find_folders_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, holds in (("set5", "the five photographs of"), ("set12", "the twelve gray photo")):
        with pytest.raises(
            InputError, match=f"images: no folder {tmp_path}/{name}; accepted: one with {holds}"
        ):
            sweep_flags.read([tmp_path.__class__(name)])
        (tmp_path / name).mkdir()
        save(f"{name}/a.png", height=40, width=32)
        assert [one.name for one in sweep_flags.read([tmp_path.__class__(name)]).images] == [
            f"{name}/a.png"
        ]


@pytest.mark.parametrize("name", ["paper", "reconstruction", "smoke"])
def test_ready_plans_are_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert name in ready_plans()
    plan = sweep_flags.read([tmp_path.__class__(name)])
    for run in plan.runs():
        if run.degradation.check is not None:
            run.degradation.check(run.image.pixels().shape)
    presets = {one.preset for one in plan.variants}
    tasks = {one.task for one in plan.degradations}
    if name == "paper":
        assert {one.name for one in plan.variants} == {"drp-dip", "drp-dd", "dip", "dd"}
        assert (presets, tasks) == ({"paper"}, {"denoise", "inpaint", "super-resolve"})
    if name == "reconstruction":
        assert tasks == {"reconstruct"}
        assert [one.pixels().shape for one in plan.images] == [(64, 64, 1)]


def test_an_image_that_is_not_there_is_named(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("{images: phantum, degradations: x2, methods: non-local}")
    with pytest.raises(
        InputError,
        match=f"images: no file or folder {tmp_path}/phantum, and no picture of "
        r"scikit-image is called phantum \(did you mean phantom\?\); accepted: chelsea, camera",
    ):
        sweep_flags.read([plan])


LAB = """
import numpy

def slices():
    return {"first": numpy.full((12, 10, 1), 0.25), "second": numpy.ones((9, 9, 3))}

def nothing():
    return {}

def broken():
    raise ValueError("no disk")

def flat():
    return {"first": numpy.zeros((8, 8))}

def words():
    return {"first": [[["red"]]]}

def hounsfield():
    return {"first": numpy.linspace(-1000, 1200, 64).reshape(8, 8, 1)}

def unknown():
    return {"first": numpy.full((8, 8, 1), numpy.nan)}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A module with images of one's own in the current folder; its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"lab_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(LAB)
    return name


def test_a_function_gives_images_by_their_names(tmp_path, lab):
    first, second = read(tmp_path, f"'{lab}:slices'").images
    assert (first.name, second.name) == ("first", "second")
    np.testing.assert_array_equal(first.pixels(), np.full((12, 10, 1), 0.25, np.float32))
    gray = read(tmp_path, f"['{lab}:slices']", "gray: true\nsize: 8").images
    assert [one.shape for one in gray] == [(8, 8, 1), (8, 8, 1)]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("none", r"line 1: lab_\S+:none: cannot be imported: .* no attribute"),
        ("nothing", r"gives dict; accepted: a function that is called with nothing and gives arr"),
        ("broken", r":broken: ValueError: no disk; accepted: a function that is called with noth"),
        ("flat", r"line 1: \S+: first has the shape \(8, 8\) and type float64; accepted: \(H, W"),
        ("words", r"first has the shape \(1, 1, 1\) and type <U3; accepted: \(H, W, C\), real num"),
        ("hounsfield", r"first has values from -1000 to 1200; accepted: from 0 to 1"),
        ("unknown", r"first has values from nan to nan; accepted: from 0 to 1"),
    ],
)
def test_what_a_function_may_not_give_is_named(tmp_path, lab, function, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, f"'{lab}:{function}'")
