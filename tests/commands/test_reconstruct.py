"""What the commands under reconstruct have in common: files, scores, stacks and exit statuses."""

import contextlib
import functools
import json
import os
import re
from pathlib import Path

import command_line
import numpy as np
import pytest
import tifffile
from command_line import pixels_of
from measured import NETWORK, SMALL, blob, centred_fft, save_kspace, save_sinogram
from PIL import Image

from drp_jax import Gaussian, NoiseFree, Problem, preset
from drp_jax.commands import program, reconstruct
from drp_jax.commands.reconstructing import ReconstructArguments
from drp_jax.commands.report import score_in_range

run = functools.partial(command_line.run, reconstruct)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys, name, *arguments):
    """The error that a bad input is answered with."""
    before = sorted(os.listdir())
    assert run(name, *SMALL, *arguments) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert sorted(os.listdir()) == before
    return err


def problems_of(monkeypatch, *arguments):
    """The problems that a command makes, which are not run."""
    made = []

    def note(problem, *_, **__):
        made.append(problem)
        raise KeyError

    monkeypatch.setattr("drp_jax.commands.reconstructing.run_one", note)
    with pytest.raises(KeyError):
        run(*arguments, *SMALL)
    return made


def test_the_image_is_beside_the_input_with_a_picture(capsys):
    os.mkdir("data")
    save_kspace("data/k.npy")
    assert run("mri", "--kspace", "data/k.npy", *SMALL) == 0
    assert sorted(os.listdir("data")) == ["k.npy", "k_restored.npy", "k_restored.png"]
    image = np.load("data/k_restored.npy")
    assert (image.shape, image.dtype) == ((16, 18), np.complex64)
    white = np.quantile(np.abs(image), 0.999)
    expected = np.rint(255 * np.minimum(np.abs(image) / white, 1))
    np.testing.assert_allclose(pixels_of("data/k_restored.png"), expected, atol=1)
    out, err = capsys.readouterr()
    assert "The run reached its iteration limit.\n2 iterations in " in out
    assert "PSNR" not in out + err
    assert "wrote data/k_restored.npy\nwrote data/k_restored.png\n" in out


def test_a_reference_is_scored_against_with_its_range_as_the_peak(capsys):
    save_kspace("k.npy", scale=1000)
    np.save("r.npy", 1000 * blob())
    flags = ["--reference", "r.npy", "--metrics", "m.json", "--figure", "f.png"]
    assert run("mri", "--kspace", "k.npy", *flags, *SMALL) == 0
    metrics = json.loads(Path("m.json").read_text())
    image = np.abs(np.load("k_restored.npy"))
    error = np.mean((image - 1000 * blob()) ** 2) / (1000 * np.ptp(blob())) ** 2
    assert metrics["psnr"] == pytest.approx(-10 * np.log10(error), abs=1e-3)
    assert metrics["psnr_zero-filled"] > 10
    assert (metrics["method"], metrics["preset"]) == ("tv", "default")
    out, err = capsys.readouterr()
    line = rf"^PSNR in dB: zero-filled [\d.]+ -> restored {metrics['psnr']:.2f}$"
    assert re.search(line, out, re.MULTILINE)
    # The curve of the run is that of the same score.
    assert re.search(r"^iteration 2/2  loss [\d.]+  PSNR [\d.]+ dB", err, re.MULTILINE)
    with Image.open("f.png") as figure:
        assert figure.width > 2.5 * 400


@pytest.mark.parametrize(("noise", "is_said"), [("0.001", True), ("10", False)])
def test_it_is_said_if_the_image_does_not_explain_the_measurement(capsys, noise, is_said):
    save_kspace("k.npy")
    assert run("mri", "--kspace", "k.npy", "--noise", noise, *SMALL) == 0
    out = capsys.readouterr().out
    line = r"^The image explains the measurement to [\d.]+ only, \d+ times the noise of 0.001: are"
    assert bool(re.search(line, out, re.MULTILINE)) == is_said


def test_it_is_said_if_the_reference_has_another_unit(capsys):
    save_kspace("k.npy", scale=50)
    np.save("r.npy", blob())
    assert run("mri", "--kspace", "k.npy", "--reference", "r.npy", *SMALL) == 0
    out = capsys.readouterr().out
    (found,) = re.findall(
        r"^The image has values ([\d.]+) times those of the reference: are", out, 8
    )
    image = np.load("k_restored.npy")
    expected = np.linalg.norm(np.abs(image)) / np.linalg.norm(blob())
    assert float(found) == pytest.approx(expected, rel=0.01)


def test_an_image_of_an_interrupted_run_need_not_explain_the_measurement(monkeypatch, capsys):
    save_kspace("k.npy")
    noted = "drp_jax.commands.reconstructing.deferred_interrupts"
    monkeypatch.setattr(noted, lambda: contextlib.nullcontext([15]))
    flags = ["--noise", "0.001", "--figure", "f.png", *SMALL]
    assert run("mri", "--kspace", "k.npy", *flags) == 143
    out = capsys.readouterr().out
    assert "Interrupted after" in out
    assert "explains the measurement" not in out


def test_each_slice_says_if_its_image_does_not_explain_the_measurement(capsys):
    kspace = save_kspace("k.npy", slices=3)
    kspace[[0, 2]] *= 1e-4  # within the noise
    np.save("k.npy", kspace)
    assert run("mri", "--kspace", "k.npy", "--noise", "0.01", *SMALL) == 0
    out = capsys.readouterr().out
    doubt = r"explains the measurement to ([\d.]+) only, (\d+) times the noise of 0.01"
    (found,) = re.findall(rf"^slice 1: [\d.]+ s, {doubt}$", out, re.MULTILINE)
    image = np.load("k_restored.npy")[1]
    residual = (kspace[1] - centred_fft(image))[kspace[1] != 0]
    missed = np.sqrt(np.mean(np.abs(residual) ** 2))
    assert float(found[0]) == pytest.approx(missed, rel=0.01)
    assert int(found[1]) == pytest.approx(missed / 0.01, abs=1)
    assert out.count("explains the measurement") == 1
    assert "\n1 of 3 slices are in doubt: are the operator, its units" in out


def test_scores_do_not_depend_on_the_unit():
    reference = blob()[..., None]
    image = reference + 0.1 * blob(seed=1)[..., None]
    expected = score_in_range(image, reference)
    for factor, shift in ((1000.0, 0.0), (0.01, -3.0)):
        scores = score_in_range(factor * image + shift, factor * reference + shift)
        assert scores == pytest.approx(expected, rel=1e-3)
    assert score_in_range(image, 0 * reference) == {"psnr": None, "ssim": None}


def test_a_weight_of_0_is_given_and_a_switch_that_is_off_is_not():
    method = ReconstructArguments(method="tv", tv_weight=0.0).chosen_method("reconstruct")
    assert method.objective.weight == 0
    assert method == preset(method="tv", task="reconstruct").adjusted(regularizer_weight=0.0)


def test_noise_and_range_reach_the_problem(monkeypatch):
    save_sinogram("s.npy")
    arguments = ["ct", "--sinogram", "s.npy", "--views", "12"]
    (problem,) = problems_of(monkeypatch, *arguments, "--noise", "0.5", "--range", "-1,2")
    assert isinstance(problem.noise, Gaussian)
    assert (problem.noise.level, problem.value_range) == (0.5, (-1, 2))
    (problem,) = problems_of(monkeypatch, *arguments, "--noise", "0")
    assert isinstance(problem.noise, NoiseFree)
    (problem,) = problems_of(monkeypatch, *arguments)
    assert isinstance(problem, Problem)
    assert (problem.noise, problem.value_range) == (None, None)


def test_a_stack_has_a_line_a_slice_and_one_array(capsys):
    save_kspace("k.npy", slices=3)
    np.save("r.npy", np.stack([blob(seed=index) for index in range(3)]))
    flags = ["--reference", "r.npy", "--metrics", "m.json", "--figure", "f.png"]
    assert run("mri", "--kspace", "k.npy", *flags, *SMALL) == 0
    written = ["f.png", "k.npy", "k_restored.npy", *(f"k_restored_00{n}.png" for n in range(3))]
    assert sorted(os.listdir()) == [*written, "m.json", "r.npy"]
    images = np.load("k_restored.npy")
    assert images.shape == (3, 16, 18)
    out = capsys.readouterr().out
    assert out.startswith("k.npy: 3 slices of ")
    assert out.count("several coils need --sensitivities") == 1
    for index in range(3):
        line = rf"^slice {index}: [\d.]+ s, PSNR in dB [\d.]+ -> [\d.]+, SSIM [\d.-]+ -> [\d.-]+$"
        assert re.search(line, out, re.MULTILINE)
    assert re.search(r"^3 of 3 slices in [\d.]+ s, after [\d.]+ s of compilation$", out, re.M)
    metrics = json.loads(Path("m.json").read_text())
    rows = metrics["slices"]
    assert [row["slice"] for row in rows] == [0, 1, 2]
    assert metrics["failed"] == []
    assert metrics["psnr"] == pytest.approx(np.mean([row["psnr"] for row in rows]))
    error = np.mean((np.abs(images[2]) - blob(seed=2)) ** 2) / np.ptp(blob(seed=2)) ** 2
    assert rows[2]["psnr"] == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_one_bad_slice_does_not_end_the_others(capsys):
    kspace = save_kspace("k.npy", slices=3)
    kspace[1, 3, 4] = np.nan
    np.save("k.npy", kspace)
    assert run("mri", "--kspace", "k.npy", "--metrics", "m.json", *SMALL) == 1
    images = np.load("k_restored.npy")
    assert np.isnan(images[1]).all()
    assert np.isfinite(images[[0, 2]]).all()
    pictures = sorted(path.name for path in Path().glob("*.png"))
    assert pictures == ["k_restored_000.png", "k_restored_002.png"]
    out = capsys.readouterr().out
    reason = "--kspace k.npy: has NaN or infinity in 1 of 288 values; accepted: finite numbers"
    assert f"slice 1: no image: {reason}\n" in out
    assert re.search(r"^2 of 3 slices in .*; failed: 1$", out, re.MULTILINE)
    metrics = json.loads(Path("m.json").read_text())
    assert metrics["failed"] == [1]
    assert metrics["slices"][1]["error"] == reason


def test_several_projectors_have_an_uncertainty_which_an_npz_file_holds():
    kspace = save_kspace("k.npy", slices=3)
    kspace[1, 3, 4] = np.nan
    np.save("k.npy", kspace)
    flags = ["--projectors", "2", "--output", "o.npz", *NETWORK]
    assert run("mri", "--kspace", "k.npy", *flags) == 1
    with np.load("o.npz") as opened:
        images, uncertainty = opened["image"], opened["uncertainty"]
    assert uncertainty.shape == images.shape == (3, 16, 18)
    assert np.isnan(uncertainty[1]).all()
    assert (uncertainty[[0, 2]] >= 0).all()
    assert (uncertainty[[0, 2]] > 0).mean() > 0.9
    # The file serves as a reference, of which the image is taken.
    np.save("k.npy", kspace[0])
    np.savez("r.npz", image=images[0], uncertainty=uncertainty[0])
    flags = ["--reference", "r.npz", "--metrics", "m.json", *SMALL]
    assert run("mri", "--kspace", "k.npy", *flags) == 0
    assert json.loads(Path("m.json").read_text())["psnr"] is not None


def test_ctrl_c_keeps_the_slices_that_are_done(monkeypatch, capsys):
    save_kspace("k.npy", slices=3)
    noted = "drp_jax.commands.reconstructing.deferred_interrupts"
    monkeypatch.setattr(noted, lambda: contextlib.nullcontext([2]))
    assert run("mri", "--kspace", "k.npy", *SMALL) == 130
    images = np.load("k_restored.npy")
    assert np.isfinite(images).all(axis=(1, 2)).tolist() == [True, False, False]
    out = capsys.readouterr().out
    assert re.search(r"^1 of 3 slices in .*; interrupted before the other 2$", out, re.MULTILINE)


def test_a_stack_of_one_stays_a_stack():
    save_sinogram("s.npy", slices=1)
    flags = ["--views", "12", "--output", "o.tif"]
    assert run("ct", "--sinogram", "s.npy", *flags, *SMALL) == 0
    assert sorted(os.listdir()) == ["o.tif", "s.npy"]
    assert tifffile.imread("o.tif").dtype == np.float32
    with tifffile.TiffFile("o.tif") as opened:
        assert opened.series[0].shape in ((16, 16), (1, 16, 16))


def test_the_seed_gives_the_same_image_again():
    save_kspace("k.npy")
    for name, seed in (("a.npy", 1), ("b.npy", 1), ("c.npy", 2)):
        assert run("mri", "--kspace", "k.npy", "--output", name, "--seed", seed, *NETWORK) == 0
    one, again, other = (np.load(name) for name in ("a.npy", "b.npy", "c.npy"))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("name", ["mri", "ct", "matrix"])
def test_without_input_a_phantom_is_measured(tmp_path, monkeypatch, capsys, name):
    small = tmp_path / "data"
    small.mkdir()
    pixels = np.rint(255 * np.clip(blob(side=24), 0, 1)).astype(np.uint8)
    Image.fromarray(pixels).save("data/phantom.png")
    monkeypatch.setattr("importlib.resources.files", lambda package: small)
    for module in ("reconstructing", "ct"):
        monkeypatch.setattr(f"drp_jax.commands.{module}.PHANTOM_SIDE", 16)
    assert run(name, *SMALL) == 0
    written = [f"phantom_{name}_{one}" for one in ("figure.png", "restored.npy", "restored.png")]
    assert sorted(os.listdir()) == ["data", *written]
    assert re.search(r"^PSNR in dB: .* -> restored [\d.]+$", capsys.readouterr().out, re.M)
    assert np.load(written[1]).shape == (16, 16)


def test_help_lists_the_measurements(capsys):
    assert run("--help") == 0
    lines = capsys.readouterr().out.splitlines()
    for name, words in (
        ("mri", "Reconstruct an image from k-space."),
        ("ct", "Reconstruct an image from a sinogram."),
        ("matrix", "Reconstruct an image from products with a matrix."),
    ):
        assert any(line.split(None, 1) == [name, words] for line in lines)


def test_an_error_names_the_command_within_the_groups(capsys):
    assert command_line.run(program, "reconstruct", "ct", "--views", "0") == 2
    line = capsys.readouterr().err
    assert line == "drp-jax reconstruct ct: error: --views is 0; accepted: from 1 up\n"
    for arguments, message in (([], "no measurement is named"), (["pet"], "unknown measurement")):
        assert command_line.run(program, "reconstruct", *arguments) == 2
        line = capsys.readouterr().err
        assert line.startswith(f"drp-jax reconstruct: error: {message}")
        assert line.endswith("; accepted: mri, ct, matrix\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "o.jpg"], "o.jpg: unknown format '.jpg'; accepted: .npy, .npz, .tif"),
        (["--output", "k.npy"], "k.npy: is an input too; accepted: a path of its own"),
        (["--output", "none/o.npy"], "the folder none does not exist"),
        (
            ["--bits", "16"],
            "--bits is 16 and the output k_restored.npy; accepted: --output with .tif",
        ),
        (["--bits", "8"], "--bits is '8'; accepted: 32, 16"),
        (["--figure", "f.jpg"], "--figure is f.jpg; accepted: a path that ends in .png"),
        (["--figure", "k_restored.png"], "k_restored.png: is another output too"),
        (["--reference", "none.npy"], "--reference none.npy: no such file"),
        (
            ["--reference", "other.npy"],
            "--reference other.npy: has shape (3, 4); accepted: (16, 18), the",
        ),
        (
            ["--reference", "complex.npy", "--real"],
            "--reference complex.npy: is complex, and the image real",
        ),
        (["--noise", "-1"], "--noise is -1.0; accepted: from 0 up"),
        (["--noise", "inf"], "noise level is inf; accepted: finite, above 0"),
        (["--range", "1,0"], "--range: '1,0' is not two numbers, the lower first, like 0,1"),
        (["--range", "1"], "--range: '1' is not two numbers, the lower first, like 0,1"),
        (["--method", "drp-dd"], "--method is 'drp-dd'; accepted: drp-dip, drp-pnp, dip, dd"),
        (["--preset", "slow"], "unknown preset of tv reconstruct: 'slow'"),
        (["--tv-weight", "-1"], "--tv-weight: "),
        (
            ["--projectors", "2"],
            "--projectors is 2, and method tv takes none; accepted: --iterations, --learning-rate, "
            "--tv-weight, --width, --ema-decay, --precision, --rematerialise, or another method",
        ),
        (["--method", "drp-dip", "--projectors", "0"], "projectors is 0; accepted: whole numbers"),
    ],
)
def test_bad_flags_are_answered_in_one_line(capsys, arguments, message):
    save_kspace("k.npy")
    np.save("other.npy", np.ones((3, 4)))
    np.save("complex.npy", centred_fft(blob()))
    assert message in refused(capsys, "mri", "--kspace", "k.npy", *arguments)


def test_a_stack_without_a_good_slice_is_refused(capsys):
    np.save("s.npy", np.full((2, 12, 16), np.inf))
    line = refused(capsys, "ct", "--sinogram", "s.npy", "--views", "12")
    assert "--sinogram s.npy: has NaN or infinity in 192 of 192 values" in line


def test_what_is_simulated_has_its_own_reference(capsys):
    np.save("r.npy", np.ones((128, 128)))
    line = refused(capsys, "ct", "--reference", "r.npy")
    assert "--reference needs a measurement; what is simulated has its own" in line
