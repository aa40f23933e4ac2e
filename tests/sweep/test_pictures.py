"""Plans of pictures: pairs that are given, crops, JPEG, and degradations of one's own."""

import io
import pathlib

import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image
from sweeping import rows_of

from drp_jax import InputError
from drp_jax.operators import Mask
from drp_jax.sweep import read_plan, run_sweep
from drp_jax.sweep.on_ray import _with_pixels

CLEAN, NOISY = make_photograph(14, 12, 3), make_photograph(14, 12, 3, 1)
LAB = """
import numpy
from drp_jax import Problem
from drp_jax.operators import Mask

def darker(clean, draw):
    return clean / 2 + draw.uniform(0, 0.01, clean.shape)

def striped(clean, draw):
    mask = numpy.ones((*clean.shape[:2], 1), numpy.float32)
    mask[::2] = 0
    return Problem(clean * mask, Mask(mask))

def developed(clean, draw):
    return Problem(clean, reference=clean**2)

def pairs():
    ones = numpy.ones((9, 9, 1))
    return {"first": (ones, ones / 2), "second": ones}

def uneven():
    return {"first": (numpy.ones((9, 9, 1)), numpy.ones((9, 8, 1)))}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with pairs of pictures, and with a module, whose name is that of the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"lab_{tmp_path.name}.py").write_text(LAB)
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}_clean.npy", CLEAN)
        np.save(tmp_path / f"{name}_noisy.npy", NOISY)
    return tmp_path


def read(folder, **fields):
    fields = {"images": "a_clean.npy", "degradations": "given", "methods": "non-local"} | fields
    text = "\n".join(f"{name}: {value}" for name, value in fields.items())
    path = folder / "plan.yaml"
    path.write_text(text.replace("lab:", f"lab_{folder.name}:"))
    return read_plan(path)


PAIRS = "{clean: '*_clean.npy', degraded: '*_noisy.npy'}"


def test_pairs_are_given_and_restored(folder):
    method = "{method: tv, iterations: 3}"
    plan = read(folder, images=PAIRS, methods="{method: non-local, preset: fast}")
    assert [one.name for one in plan.images] == ["a_clean.npy", "b_clean.npy"]
    first, _ = plan.runs()
    problem = first.problem()
    np.testing.assert_array_equal(problem.observation, NOISY)
    np.testing.assert_array_equal(problem.reference, CLEAN)
    list(run_sweep(plan, folder / "results"))
    rows = rows_of(folder / "results")
    assert {row["degradation"] for row in rows} == {"given"}
    start = np.load(folder / "results" / f"{rows[0]['inputs']}.npz")["start"]
    np.testing.assert_array_equal(start, NOISY)
    with pytest.raises(InputError, match="tv, a method to reconstruct, and given asks for one to"):
        read(folder, images=PAIRS, methods=method)


def test_pairs_travel_to_workers(folder):
    run = next(read(folder, images=PAIRS).runs())
    _, sent = _with_pixels(("id", run))
    for name in ("a_clean", "a_noisy"):
        pathlib.Path(f"{name}.npy").unlink()
    np.testing.assert_array_equal(sent.problem().observation, NOISY)
    np.testing.assert_array_equal(sent.problem().reference, CLEAN)


def test_another_degraded_picture_is_another_image(folder):
    (first, _), (alone,) = read(folder, images=PAIRS).images, read(folder, degradations="x2").images
    assert first.shape == alone.shape
    assert first.digest != alone.digest
    np.save("a_noisy.npy", CLEAN)
    assert read(folder, images=PAIRS).images[0].digest not in (first.digest, alone.digest)


def test_a_crop_is_the_middle_of_both(folder):
    image = read(folder, images=PAIRS, crop=8).images[0]
    np.testing.assert_array_equal(image.pixels(), CLEAN[3:11, 2:10])
    np.testing.assert_array_equal(image.degraded(), NOISY[3:11, 2:10])


def test_a_function_gives_pairs_too(folder):
    first, second = read(folder, images="'lab:pairs'", degradations="gaussian:5").images
    np.testing.assert_array_equal(first.degraded(), np.full((9, 9, 1), 0.5))
    assert second.read_degraded is None


def test_jpeg_is_what_pillow_writes(folder):
    (run,) = read(folder, degradations="jpeg:20").runs()
    file = io.BytesIO()
    picture = Image.fromarray(np.rint(CLEAN * 255).astype(np.uint8))
    picture.save(file, "JPEG", quality=20)
    np.testing.assert_array_equal(run.problem().observation * 255, np.asarray(Image.open(file)))
    gray = read(folder, degradations="jpeg:20", gray="true").runs()
    assert next(gray).problem().observation.shape == (14, 12, 1)


def test_a_degradation_of_ones_own_gives_a_picture_or_a_problem(folder):
    plan = read(
        folder,
        degradations="""
- {degradation: "lab:darker", task: denoise}
- {degradation: "lab:striped", task: inpaint, name: every second row}
- {degradation: "lab:developed", task: denoise, name: film}
""",
        keys="[3]",
    )
    darker, striped, film = plan.runs()
    drawn = CLEAN / 2 + np.random.default_rng(3).uniform(0, 0.01, CLEAN.shape)
    np.testing.assert_allclose(darker.problem().observation, drawn, atol=1e-6)
    np.testing.assert_array_equal(darker.problem().reference, CLEAN)
    assert isinstance(striped.problem().operator, Mask)
    np.testing.assert_array_equal(striped.problem().reference, CLEAN)
    assert (striped.degradation.name, striped.degradation.task) == ("every second row", "inpaint")
    np.testing.assert_allclose(film.problem().reference, CLEAN**2, rtol=1e-6)


def test_a_changed_module_is_another_degradation(folder):
    own = '{degradation: "lab:darker", task: denoise}'
    (before,) = read(folder, degradations=own).degradations
    with (folder / f"lab_{folder.name}.py").open("a") as module:
        module.write("# more\n")
    (after,) = read(folder, degradations=own).degradations
    assert before.version != after.version


def test_one_name_for_two_functions_is_two_degradations_and_methods(folder):
    text = '{{degradation: "lab:{}", task: denoise, name: mine}}'
    first, second = (
        read(folder, degradations=text.format(name)) for name in ("darker", "developed")
    )
    assert first.degradations[0].name == second.degradations[0].name == "mine"
    (one,), (other,) = first.runs(), second.runs()
    assert one.inputs_identity != other.inputs_identity
    assert first.identity(one) != second.identity(other)
    text = '{{method: "drp_jax.presets:{}", name: mine}}'
    (one,), (other,) = (
        read(folder, degradations="gaussian:5", methods=text.format(name)).variants
        for name in ("PLUG_AND_PLAY", "TV")
    )
    assert one.version != other.version


def test_a_method_of_ones_own_has_a_name(folder):
    method = '{method: "drp_jax.presets:preset", name: as it is}'
    (variant,) = read(folder, degradations="gaussian:5", methods=method).variants
    assert variant.label == "as it is"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "a_clean.npy came without a degraded picture, which given asks for; accepted: images"),
        (
            {"images": "{clean: a_clean.npy}"},
            "line 1: images has no degraded; accepted: clean, deg",
        ),
        (
            {"images": "{clean: '*.npy', degraded: a_noisy.npy}"},
            "line 1: images: 4 clean and 1 degraded pictures; accepted: as many of both",
        ),
        (
            {"images": "{clean: a_clean.npy, degraded: none.npy}"},
            r"line 1: images.degraded: no file or folder .*/none.npy; accepted: a file",
        ),
        (
            {"images": PAIRS, "crop": 16},
            r"line 4: a_clean.npy has a side of 12 pixels, and crop is",
        ),
        (
            {"images": PAIRS, "crop": 8, "size": 8},
            "line 4: crop is given beside size; accepted: on",
        ),
        (
            {"images": "'lab:uneven'"},
            r"first: its degraded picture has shape \(9, 8, 1\); accepted: \(9, 9, 1\), that of",
        ),
        ({"degradations": "jpeg:0"}, "line 2: degradation 'jpeg:0'; accepted: jpeg:1 to jpeg:100"),
        ({"degradations": "jepg:5"}, r"'jepg:5' \(did you mean jpeg\?\); accepted: gaussian:SIG"),
        (
            {"degradations": '{degradation: "lab:darker"}'},
            "line 2: degradations has no task; accepted: denoise, super-resolve, inpaint, reconstr",
        ),
        (
            {"degradations": '{degradation: "lab:darker", task: sharpen}'},
            "line 2: degradations.task is 'sharpen'; accepted: denoise, super-resolve, inpaint",
        ),
        (
            {"degradations": "{degradation: gaussian, task: denoise}"},
            "line 2: degradations.degradation is 'gaussian'; accepted: module:function",
        ),
        (
            {"degradations": '{degradation: "lab:drker", task: denoise}'},
            r"no attribute 'drker' \(did you mean darker\?\)",
        ),
        (
            {"degradations": '{degradation: "lab:darker", task: denoise, name: " "}'},
            "line 2: degradations.name is ' '; accepted: a name",
        ),
        (
            {"degradations": "gaussian:5", "methods": "{method: non-local, name: ours}"},
            "line 3: methods.name is given beside a method of the library; accepted: none",
        ),
    ],
)
def test_what_is_not_accepted_is_named(folder, fields, message):
    with pytest.raises(InputError, match=message):
        read(folder, **fields)


def test_jpeg_wants_gray_or_three_colours(folder):
    np.save("a_clean.npy", np.ones((9, 9, 2), np.float32))
    with pytest.raises(InputError, match=r"a_clean.npy: shape \(9, 9, 2\); accepted: \(H, W, 1\)"):
        read(folder, degradations="jpeg:50")
