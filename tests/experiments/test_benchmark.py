import json
import re

import golden_values
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import shorten_reconstruction
from PIL import Image
from untrained.test_golden import CASES

from drp_jax import preset, presets
from drp_jax.untrained import HourglassConfig
from experiments import cameras, photographs
from experiments.benchmark import ablations, batch, noise_spectra, units
from experiments.benchmark.__main__ import COMMANDS, main
from experiments.measurements import MEASUREMENTS, measured


@pytest.mark.slow
def test_a_batch_is_compared_with_single_runs(tmp_path, capsys):
    output = tmp_path / "batch.json"
    flags = ["--images", "3", "--size", "12", "--width", "4", "--iterations", "5"]
    flags += ["--slots", "2", "--repeats", "1", "--output", str(output)]
    assert main(["batch", *flags]) == 0
    report = json.loads(output.read_text())
    assert report["slots"] == 2
    assert 1 <= report["least_iterations"] <= report["most_iterations"] <= 5
    assert 0.5 <= report["busy_share"] <= 1
    assert report["largest_difference"] < 1e-4
    single, together = report["seconds"]["restore"], report["seconds"]["restore_many"]
    np.testing.assert_allclose(report["ratio"], together[0] / single[0])
    assert "3 images of 12 x 12" in capsys.readouterr().out


@pytest.mark.slow
def test_vmap_is_compared_with_single_runs(tmp_path, capsys, monkeypatch):
    small = preset("paper").adjusted(width=4, iterations=2)
    monkeypatch.setattr(batch, "preset", lambda: small)
    output = tmp_path / "vmap.json"
    flags = ["--images", "2", "--size", "16", "--repeats", "2", "--output", str(output)]
    assert main(["vmap", *flags]) == 0
    report = json.loads(output.read_text())
    assert (report["images"], report["size"]) == (2, 16)
    single, vmap = (report["seconds"][name] for name in ("single", "vmap"))
    assert len(single) == len(vmap) == 2
    np.testing.assert_allclose(report["ratio"], np.median(vmap) / np.median(single))
    assert report["largest_difference"] < 1e-3
    assert "2 images of 16 x 16" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_told_of_noise_is_beside_what_is_true(tmp_path, monkeypatch):
    pytest.importorskip("cv2", reason="needs the extra bench")
    monkeypatch.setattr(cameras, "KINDS", {"white": cameras.KINDS["white"]})
    monkeypatch.setattr(cameras, "CAMERAS", {"weak": cameras.CAMERAS["weak"]})
    monkeypatch.setattr(noise_spectra, "SIGMAS", (15,))
    monkeypatch.setattr(noise_spectra, "QUALITIES", (20,))
    output = tmp_path / "told.json"
    flags = ["--size", "128", "--photographs", "1", "--data", str(tmp_path / "none")]
    assert main(["noise-spectra", *flags, "--output", str(output)]) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [row["noise"] for row in rows] == ["white, 15", "camera, weak noise", "JPEG 20"]
    white = rows[0]
    assert white["by_told"] > white["as_it_is"] + 2
    assert white["by_true"] > white["as_it_is"] + 2
    told, true = ([float(one) for one in white[name].split(" / ")] for name in ("told", "true"))
    np.testing.assert_allclose(true, [15] * 4, rtol=0.4)  # of brightness, which has all colours
    np.testing.assert_allclose(told, true, rtol=0.4)
    assert "| white, 15 | astronaut.png |" in (tmp_path / "told.md").read_text()


@pytest.mark.slow
def test_variants_have_rows(tmp_path, capsys, monkeypatch):
    names = ("threshold", "threshold, Wiener, ridge: `default`")
    names += ("`default` with one noise level for all brightnesses",)
    every = ablations.variants("speckle", 3)
    some = {name: every[name] for name in names} | {"by hand": ablations.denoised}
    monkeypatch.setattr(ablations, "variants", lambda *_: some)
    output = tmp_path / "ablations.json"
    flags = ["--photographs", "1", "--draws", "1", "--size", "32", "--case", "speckle"]
    assert main(["ablations", *flags, "--output", str(output)]) == 0
    rows = json.loads(output.read_text())["rows"]
    threshold, default, one_level, by_hand = (row["psnr"] for row in rows)
    np.testing.assert_allclose(by_hand, default, atol=1e-3)
    assert default > threshold
    assert default > one_level
    assert "| speckle | threshold, Wiener, ridge: `default` |" in capsys.readouterr().out


@pytest.mark.parametrize("case", ablations.CASES)
def test_every_case_has_variants_beside_the_default(case):
    names = list(ablations.variants(case, iterations=3))
    assert len(names) >= 3
    assert sum("`default`" in name for name in names) >= 1


@pytest.fixture
def scans(tmp_path):
    """A folder of data with a disc for every scan."""
    folder = tmp_path / "reconstruction"
    folder.mkdir()
    rows, columns = np.mgrid[:32, :32]
    brain = np.where((rows - 16) ** 2 + (columns - 16) ** 2 < 100, 200, 0).astype(np.uint8)
    np.savez(folder / "brain_slices.npz", slices=np.stack([brain] * 4))
    np.savez(folder / "ct_slice.npz", hounsfield=10.0 * brain - 1000)
    (tmp_path / "set12").mkdir()
    Image.fromarray(brain).save(tmp_path / "set12" / "01.png")
    return tmp_path


@pytest.mark.slow
def test_methods_for_measurements_are_timed_by_turns(scans, capsys, monkeypatch):
    shorten_reconstruction(monkeypatch)
    output = scans / "times.json"
    cases = ("CT, 24 views", "motion blur")
    flags = ["--data", str(scans), "--size", "16", "--iterations", "2", "--methods", "tv,dd fast"]
    flags += ["--cases", ";".join(cases)]
    assert main(["reconstruction", *flags, "--output", str(output)]) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [(row["case"], row["draw"], row["method"]) for row in rows] == [
        (case, draw, method) for case in cases for draw in (0, 1) for method in ("tv", "dd fast")
    ]
    assert {row["image"] for row in rows} == {"brain 1"}
    first, second = (rows[place]["seconds"] / rows[place + 1]["seconds"] for place in (4, 6))
    psnr, seconds = ((rows[4][name] + rows[6][name]) / 2 for name in ("psnr", "seconds"))
    line = f"| motion blur | tv | {psnr:.2f} | {seconds:.1f} | {(first + second) / 2:.2f} |"
    table = (scans / "times.md").read_text()
    assert line in table
    assert "| share of the time of dd fast |" in table
    assert table in capsys.readouterr().out


def test_other_units_are_of_the_same_image(scans, tmp_path):
    output = tmp_path / "units.json"
    flags = ["--data", str(scans), "--size", "16", "--iterations", "2", "--method", "tv"]
    assert main(["units", *flags, "--output", str(output)]) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [row["case"] for row in rows] == [case for case in units.CASES for _ in range(5)]
    assert [row["key"] for row in rows] == [0, 0, 0, 0, 1] * 2
    assert max(row["greatest"] for row in rows) < 1e-3  # nor does total variation use the key
    assert {row["greatest"] for row in rows if row["units"] == "1024 times"} == {0}
    table = (tmp_path / "units.md").read_text().splitlines()
    assert len(table) == 2 + len(rows)
    assert table[-1].startswith(f"| CT, 24 views | as it is | 1 | {rows[-1]['psnr']:.2f} |")


def test_a_problem_in_other_units_is_that_of_the_other_image():
    clean = np.random.default_rng(0).random((16, 16, 1)).astype(np.float32)
    problem = measured(clean, "CT, 24 views", 0)
    other = units.in_units(problem, -1000.0, 1200.0)
    np.testing.assert_allclose(other.reference, 2200 * clean - 1000, rtol=1e-5)
    noise = problem.observation - problem.operator(clean)
    scaled = other.observation - problem.operator(jnp.asarray(other.reference))
    np.testing.assert_allclose(scaled, 2200 * noise, atol=0.05 * 2200 * np.std(noise))
    assert other.noise.level == pytest.approx(2200 * problem.noise.level)


def test_methods_that_are_unknown_or_not_for_it_are_named(scans, capsys):
    assert main(["reconstruction", "--methods", "drp-dip,magic"]) == 2
    assert "--methods: 'drp-dip,magic' is not some of drp-dip" in capsys.readouterr().err
    flags = ["--data", str(scans), "--size", "16", "--cases", "phase retrieval"]
    assert main(["reconstruction", *flags, "--methods", "tv,plug-and-play"]) == 2
    assert "--methods plug-and-play: " in capsys.readouterr().err


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_has_about_the_scale_of_the_image(name):
    channels = 3 if name == "demosaicing" else 1
    clean = np.random.default_rng(0).random((24, 24, channels)).astype(np.float32)
    problem = measured(clean, name, seed=0)
    ratio = np.sqrt(np.mean(np.abs(problem.observation) ** 2) / np.mean(clean**2))
    if name.startswith("CT"):
        ratio /= 24 / 2
    assert 0.2 < ratio < 5
    assert problem.reference.shape == clean.shape


def test_sensitivities_of_coils_add_up_to_one():
    seen = measured(np.ones((24, 24, 1), np.float32), "MRI x8, 8 coils", 0).operator.sensitivities
    np.testing.assert_allclose((np.abs(seen) ** 2).sum(0), 1, rtol=1e-5)


def test_without_the_folder_phantoms_stand_in(tmp_path):
    images = photographs.scans(tmp_path, 32)
    assert list(images) == ["Shepp-Logan", "cameraman"]
    for image in images.values():
        assert image.shape == (32, 32, 1)
        assert 0 <= image.min() < image.max() <= 1


@pytest.mark.slow
def test_the_profile_lists_the_operations_of_the_loop(capsys):
    assert main(["profile", "--size", "32", "--width", "8", "--rows", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    times = [float(line.split("|")[1]) for line in lines[2:7]]
    assert times == sorted(times, reverse=True)
    assert times[0] > 0
    assert all(line.startswith("| ") for line in lines[2:7])
    count, total = re.fullmatch(r"all (\d+) operations: (.*) ms", lines[7]).groups()
    assert int(count) > 20
    assert float(total) >= sum(times) - 0.1


def test_forms_of_a_convolution_are_timed(tmp_path, capsys):
    output = tmp_path / "c.json"
    assert main(["convolutions", "--size", "8", "--repeats", "1", "--output", str(output)]) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [row["channels"] for row in rows] == [16, 32, 64, 128]
    assert all(value > 0 for row in rows for value in row["milliseconds"].values())
    assert "| channels | no padding, ms |" in capsys.readouterr().out


def run(*flags):
    return main(["speed", "--repeats", "1", "--seconds", "0.001", *flags])


@pytest.mark.slow
def test_rows_hold_what_was_measured(tmp_path, capsys):
    output = tmp_path / "speed.json"
    assert run("--suite", "batches", "--size", "32", "--output", str(output)) == 0
    report = json.loads(output.read_text())
    single, batch = report["rows"]
    assert (single["batch"], batch["batch"]) == (1, 8)
    assert batch["flops_per_iteration"] == 8 * single["flops_per_iteration"]
    for row in (single, batch):
        seconds = row["seconds_per_iteration"]
        assert row["all_seconds_per_iteration"]["seconds_per_iteration"] == [seconds]
        np.testing.assert_allclose(
            row["gflops"], row["flops_per_iteration"] / seconds / 1e9, rtol=1e-6
        )
        np.testing.assert_allclose(row["image_iterations_per_second"], row["batch"] / seconds)
        assert row["compile_seconds"] > 0
        assert row["peak_bytes"] > 32 * 32 * 16 * 4 * row["batch"]
        # More than the 3x3 convolution from 20 to 16 channels, both ways.
        assert row["flops_per_iteration"] > row["batch"] * 4 * 9 * 20 * 16 * 32 * 32
    assert report["device"].startswith("cpu")
    printed = capsys.readouterr().out
    assert printed.count("| drp-dip | denoise | 32 | 16 |") == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no measurement is named; accepted: speed, filters, noise-spe"),
        (["sped"], "unknown measurement: 'sped' (did you mean speed?); accepted: speed, filters"),
        (
            ["speed", "--sise", "8"],
            "Unrecognized options: --sise, 8 (did you mean --size?)",
        ),
        (["speed", "--suite", "x"], "--suite is 'x'; accepted: official, methods"),
        (["speed", "--size", "50"], "--size is 50; accepted: multiples of 4 from 32 up"),
        (["speed", "--repeats", "0"], "--repeats is 0; accepted: from 1 up"),
        (["speed", "--seconds", "0"], "--seconds is 0.0; accepted: from 0.001 up"),
        (["profile", "--rows", "0"], "--rows is 0; accepted: from 1 up"),
        (["profile", "--method", "x"], "--method is 'x'; accepted: drp-dip, drp-dd, dip, dd"),
        (["convolutions", "--size", "3"], "--size is 3; accepted: from 8 up"),
        (["noise-spectra", "--size", "32"], "--size is 32; accepted: from 64 to 512"),
        (["ablations", "--case", "x"], "--case is 'x'; accepted: Gaussian 25, speckle, impulse"),
        (["ablations", "--draws", "0"], "--draws is 0; accepted: from 1 up"),
        (["batch", "--images", "0"], "--images is 0; accepted: from 1 to 100000"),
        (["batch", "--cpu-devices", "0"], "--cpu-devices is 0; accepted: from 1 to 1024"),
    ],
)
def test_bad_arguments_are_named_in_one_line(argv, message, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_help_lists_every_measurement_with_a_line(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.split("Commands:")[1].splitlines()[1:]
    named = [line.split() for line in lines if line.startswith("  ") and line[2] != " "]
    assert [words[0] for words in named] == [command.name for command in COMMANDS]
    assert all(len(words) > 2 for words in named)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if isinstance(case.generator, HourglassConfig)],
    ids=lambda case: case.name,
)
def test_the_torch_reference_is_the_original_program(case):
    torch = pytest.importorskip("torch", reason="PyTorch is in the extra `bench`")
    from experiments.benchmark.torch_reference import hourglass

    golden = golden_values.load(case.name).arrays
    seed = torch.from_numpy(golden["seed"])
    network = hourglass(case.generator, seed.shape[1], golden["output_0"].shape[1])
    parameters = {
        name.removeprefix("param/"): torch.from_numpy(array)
        for name, array in golden.items()
        if name.startswith("param/")
    }
    assert parameters.keys() == dict(network.named_parameters()).keys()
    network.load_state_dict(parameters, strict=False)
    if case.normalize_seed:
        norm = torch.nn.BatchNorm2d(seed.shape[1])
        norm.weight.data = torch.from_numpy(golden["seed_norm/weight"])
        norm.bias.data = torch.from_numpy(golden["seed_norm/bias"])
        seed = norm(seed)
    np.testing.assert_allclose(network(seed).detach().numpy(), golden["output_0"], atol=1e-5)


def test_slices_of_a_volume_are_the_same_together(scans, capsys, monkeypatch):
    pixels = preset(method="tv", task="reconstruct").adjusted(iterations=3)
    monkeypatch.setitem(presets._PRESETS["drp-pnp"]["reconstruct"], "default", pixels)
    flags = ["--data", str(scans), "--size", "16", "--slices", "2"]
    output = scans / "slices.json"
    flags += ["--slots", "2", "--alone", "1"]
    assert main(["slices", *flags, "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    assert (report["slices"], report["alone"]) == (2, 1)
    assert report["largest_difference"] < 2e-3
    assert 5 < report["psnr_of_the_first"] < 60
    assert report["seconds_per_slice"]["restore_many"] > 0
    assert "a slice" in capsys.readouterr().out


@pytest.mark.slow
def test_a_projection_is_timed_beside_a_network(tmp_path, capsys):
    output = tmp_path / "projection.json"
    flags = ["--size", "16", "--views", "3", "--repeats", "1", "--output", str(output)]
    assert main(["projection", *flags]) == 0
    seconds = json.loads(output.read_text())["seconds"]
    assert len(seconds["network"]) == len(seconds["projection"]) == 1
    assert capsys.readouterr().out.startswith("3 views of 16 x 16 and back")
