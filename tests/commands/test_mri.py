"""The command reconstruct mri: layouts, masks, coils, and what does not fit."""

import functools
import os

import command_line
import numpy as np
import pytest
from measured import SMALL, blob, centred_fft, columns_sampled, save_kspace

from drp_jax import Problem
from drp_jax.commands import mri, options, reconstruct
from drp_jax.commands.slices import direct

run = functools.partial(command_line.run, reconstruct, "mri")
COILS = 3


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def measurement(*flags):
    """The measurement that flags ask for, without running it."""
    received = []

    @options.command("mri", mri.MriArguments, help=None)
    def note(parsed):
        received.append(mri._measurement(parsed))
        return 0

    assert options.run(note, [*map(str, flags)], program="mri") == 0
    return received[0]


def sensitivities():
    """Smooth, complex, their squares sum to 1: `[3, 16, 18]`."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 18), indexing="ij")
    maps = np.stack([np.exp(-0.5 * (rows - r) ** 2 + 1j * r * columns) for r in (-1, 0, 1)])
    maps /= np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
    return maps.astype(np.complex64)


def save_coils(slices=None, mask=None):
    """Writes k-space of several coils and their sensitivities."""
    images = np.stack([blob(seed=index) for index in range(slices or 1)])
    kspace = centred_fft(sensitivities() * images[:, None])
    kspace = np.where(columns_sampled() if mask is None else mask, kspace, 0)
    kspace = kspace.astype(np.complex64)
    np.save("k.npy", kspace if slices else kspace[0])
    np.save("s.npy", sensitivities())
    return kspace


def predicted(one, image, index=0):
    return np.asarray(one.operator(index)(image.astype(np.complex64)[..., None]))


def test_zeros_are_not_sampled_and_the_transform_is_centred(capsys):
    kspace = save_kspace("k.npy")
    one = measurement("--kspace", "k.npy")
    np.testing.assert_allclose(predicted(one, blob()), kspace, atol=1e-6)
    assert (one.is_stack, one.complex_image, one.image_shape) == (False, True, (16, 18, 1))
    share = f"{columns_sampled().mean():.0%}"
    assert capsys.readouterr().out == f"k.npy: 16 x 18, one coil, {share} sampled\n"


@pytest.mark.parametrize("shape", [(16, 18), (18,)])
def test_what_numpy_transforms_is_read_as_it_is(shape):
    mask = np.fft.ifftshift(np.broadcast_to(columns_sampled(), shape))
    np.save("k.npy", np.fft.fft2(blob()))
    np.save("m.npy", mask)
    one = measurement("--kspace", "k.npy", "--mask", "m.npy", "--numpy-fft")
    expected = np.where(columns_sampled(), centred_fft(blob()), 0)
    np.testing.assert_allclose(predicted(one, blob()), expected, atol=1e-5)
    np.testing.assert_allclose(np.where(columns_sampled(), one.slices[0], 0), expected, atol=1e-5)
    np.save("k.npy", np.fft.fft2(blob()) * mask)
    one = measurement("--kspace", "k.npy", "--numpy-fft")
    np.testing.assert_allclose(predicted(one, blob()), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 18), (1, 18), (18,)])
def test_a_mask_says_what_is_sampled(shape):
    np.save("k.npy", centred_fft(blob()).astype(np.complex64))
    np.save("m.npy", np.broadcast_to(columns_sampled(), shape))
    one = measurement("--kspace", "k.npy", "--mask", "m.npy")
    expected = np.where(columns_sampled(), centred_fft(blob()), 0)
    np.testing.assert_allclose(predicted(one, blob()), expected, atol=1e-6)


def test_a_mask_of_rows():
    np.save("k.npy", centred_fft(blob()).astype(np.complex64))
    rows = np.arange(16)[:, None] % 2
    np.save("m.npy", rows)
    one = measurement("--kspace", "k.npy", "--mask", "m.npy")
    np.testing.assert_allclose(predicted(one, blob()), rows * centred_fft(blob()), atol=1e-6)


@pytest.mark.parametrize(
    ("kspace_rows", "line"),
    [
        (False, "k.npy: 16 x 16, one coil, 4 of 16 columns sampled\n"),
        (
            True,
            "k.npy: 16 x 16, one coil, 4 of 16 columns sampled\n--mask m.npy: of what it says was "
            "sampled 75% is exactly 0 in k-space; [W] and [1, W] choose columns, [H, 1] rows\n",
        ),
    ],
)
def test_a_mask_of_the_other_axis_is_noticed(capsys, kspace_rows, line):
    kspace = centred_fft(blob()[:, 1:17])
    sampled = np.isin(np.arange(16), (1, 7, 8, 9))
    np.save("k.npy", np.where(sampled[:, None], kspace, 0) if kspace_rows else kspace)
    np.save("m.npy", sampled)
    measurement("--kspace", "k.npy", "--mask", "m.npy")
    assert capsys.readouterr().out == line


def test_slices_along_the_last_axis_are_noticed(capsys):
    np.save("k.npy", np.ones((20, 18, 8), np.complex64))
    measurement("--kspace", "k.npy")
    assert "slices are the first axis: transposed?" in capsys.readouterr().out


def test_coils_along_the_last_axis_are_noticed(capsys):
    np.save("k.npy", np.ones((20, 18, 4), np.complex64))
    measurement("--kspace", "k.npy", "--calibration", "4")
    assert "coils come before rows and columns: transposed?" in capsys.readouterr().out


def test_the_first_axis_is_slices_without_sensitivities_and_coils_with(capsys):
    kspace = save_coils()[0]
    stack = measurement("--kspace", "k.npy")
    assert (stack.is_stack, len(stack.slices)) == (True, COILS)
    assert "; several coils need --sensitivities s.npy, or --cal" in capsys.readouterr().out
    one = measurement("--kspace", "k.npy", "--sensitivities", "s.npy")
    assert (one.is_stack, len(one.slices)) == (False, 1)
    assert "k.npy: 16 x 18, 3 coils, " in capsys.readouterr().out
    np.testing.assert_allclose(predicted(one, blob()), kspace, atol=1e-6)


@pytest.mark.parametrize("own", [False, True])
def test_a_stack_of_coils_has_one_set_of_sensitivities_or_one_a_slice(capsys, own):
    kspace = save_coils(slices=2)
    maps = sensitivities()
    if own:
        np.save("s.npy", np.stack([maps, -maps]))
    one = measurement("--kspace", "k.npy", "--sensitivities", "s.npy")
    assert (one.is_stack, len(one.slices)) == (True, 2)
    assert "k.npy: 2 slices of 16 x 18, 3 coils, " in capsys.readouterr().out
    for index in range(2):
        sign = -1 if own and index else 1
        found = sign * predicted(one, blob(seed=index), index)
        np.testing.assert_allclose(found, kspace[index], atol=1e-6)


def test_sensitivities_are_estimated_from_the_middle():
    save_coils()
    one = measurement("--kspace", "k.npy", "--calibration", "8")
    found = np.asarray(one.operator(0).sensitivities)
    inside = blob() > 0.3
    alike = np.abs(np.sum(np.conj(found) * sensitivities(), axis=0))
    assert alike[inside].min() > 0.95


def test_zero_filling_recovers_what_was_sampled_fully():
    mask = np.ones(18, bool)
    save_coils(mask=mask)
    np.save("s.npy", 2 * sensitivities())
    one = measurement("--kspace", "k.npy", "--sensitivities", "s.npy")
    problem = Problem(one.slices[0], one.operator(0), complex_image=True)
    np.testing.assert_allclose(direct(problem)[..., 0], blob() / 2, atol=1e-5)


def test_a_stack_of_fastmri_is_reconstructed():
    h5py = pytest.importorskip("h5py")
    full = centred_fft(sensitivities() * np.stack([blob(), blob(seed=1)])[:, None])
    with h5py.File("file1.h5", "w") as file:
        file["kspace"] = full.astype(np.complex64)
        file["mask"] = columns_sampled().astype(np.float32)
    flags = ["--kspace", "file1.h5", "--calibration", "8"]
    one = measurement(*flags)
    assert one.operator(0).mask.shape == (1, 18)
    assert run(*flags, *SMALL) == 0
    assert np.load("file1_restored.npy").shape == (2, 16, 18)


def test_frequency_0_at_a_corner_is_noticed(capsys):
    def told(kspace, *flags):
        np.save("k.npy", kspace)
        measurement("--kspace", "k.npy", *flags)
        return capsys.readouterr().out

    kspace = save_kspace("k.npy", slices=2)
    assert "numpy" not in told(kspace)
    line = told(np.fft.ifftshift(kspace, (1, 2))).splitlines()[-1]
    assert line.startswith("--kspace k.npy: is strongest at its corners, and frequency 0 is taken")
    assert line.endswith("at (8, 9); --numpy-fft reads it as numpy.fft.fft2 gives it")
    assert told(kspace, "--numpy-fft").endswith("; is it there without --numpy-fft?\n")


def test_real_images_are_written_as_real_numbers():
    save_kspace("k.npy")
    assert run("--kspace", "k.npy", "--real", *SMALL) == 0
    assert np.load("k_restored.npy").dtype == np.float32


def test_help_says_what_the_axes_are(capsys):
    assert run("--help") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "[slices, H, W]          one coil, a stack of slices" in lines
    assert "[coils, H, W]           several coils, with --sensitivities or --calibration" in lines


SEVERAL = "--sensitivities s.npy, or --calibration N"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--kspace", "none.npy"],
            "--kspace none.npy: no such file; accepted: a file with an array",
        ),
        (["--kspace", "m.npy"], "--kspace m.npy: has type float64; accepted: complex k-space"),
        (
            ["--kspace", "objects.npy"],
            "--kspace objects.npy: cannot be read as an array: ValueError",
        ),
        (["--kspace", "zeros.npy"], "--kspace zeros.npy: is 0 everywhere; accepted: some entries"),
        (["--kspace", "nan.npy"], "--kspace nan.npy: has NaN or infinity in 176 of 288 values; "),
        (["--kspace", "small.npy"], "--kspace small.npy: image has shape (4, 5, 1)"),
        (
            ["--kspace", "line.npy"],
            "--kspace line.npy: has shape (18,); accepted: [H, W] or [slices, H, W], and of "
            "several coils [coils, H, W] or [slices, coils, H, W]",
        ),
        (
            ["--kspace", "stack.npy"],
            "--kspace stack.npy: has shape (2, 3, 16, 18) of several coils; accepted: "
            f"[slices, H, W], or {SEVERAL}",
        ),
        (
            ["--kspace", "k.npy", "--sensitivities", "s.npy"],
            "--kspace k.npy: has shape (16, 18); accepted: [coils, H, W] or [slices, coils, H, W]",
        ),
        (
            ["--kspace", "coils.npy", "--sensitivities", "wide.npy"],
            "--sensitivities wide.npy: has shape (3, 16, 20); accepted: (3, 16, 18), as k-space ha",
        ),
        (
            ["--kspace", "last.npy", "--sensitivities", "s.npy"],
            "--sensitivities s.npy: has shape (3, 16, 18); accepted: (16, 18, 3), as k-space has "
            "shape (16, 18, 3); coils come before rows and columns in both: transposed?",
        ),
        (
            ["--kspace", "stack.npy", "--sensitivities", "wide.npy"],
            "--sensitivities wide.npy: has shape (3, 16, 20); accepted: (3, 16, 18) or (2, 3, 16,",
        ),
        (
            ["--kspace", "coils.npy", "--sensitivities", "s.npy", "--calibration", "8"],
            "--sensitivities and --calibration are given; accepted: one of them",
        ),
        (
            ["--kspace", "coils.npy", "--calibration", "12"],
            "--calibration is 12, and of the 12 x 12 entries in the middle",
        ),
        (["--kspace", "coils.npy", "--calibration", "2"], "--calibration is 2; accepted: from 4"),
        (
            ["--kspace", "k.npy", "--mask", "wrong.npy"],
            "--mask wrong.npy: mask of shape (18, 16); accepted: (16, 18), (1, 18), (16, 1), "
            "(18,), as k-space is 16 x 18",
        ),
        (
            ["--kspace", "k.npy", "--mask", "half.npy"],
            "--mask half.npy: mask with values beside 0 and 1",
        ),
        (
            ["--kspace", "k.npy", "--mask", "blank.npy"],
            "--mask blank.npy: mask of zeros; accepted: 1 where k-space was sampled",
        ),
        (["--mask", "m.npy"], "--mask needs --kspace; what is simulated has its own"),
        (["--calibration", "8"], "--calibration needs --kspace; what is simulated has its own"),
        (["--numpy-fft"], "--numpy-fft needs --kspace; what is simulated has its own"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, arguments, message):
    kspace = save_kspace("k.npy")
    stack = save_coils(slices=2)
    np.save("stack.npy", stack)
    np.save("coils.npy", stack[0])
    np.save("k.npy", kspace)
    np.save("m.npy", np.ones((16, 18)))
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    np.save("zeros.npy", 0 * kspace)
    np.save("nan.npy", np.where(kspace == 0, 0, np.nan + kspace))
    np.save("small.npy", kspace[:4, 5:10])
    np.save("line.npy", kspace[0])
    np.save("wide.npy", np.ones((3, 16, 20)))
    np.save("last.npy", np.moveaxis(stack[0], 0, -1))
    np.save("wrong.npy", np.ones((18, 16)))
    np.save("half.npy", np.full((16, 18), 0.5))
    np.save("blank.npy", np.zeros((1, 18)))
    before = sorted(os.listdir())
    assert run(*arguments, *SMALL) == 2
    line = capsys.readouterr().err
    assert message in line
    assert line.startswith("reconstruct mri: error: ")
    assert line.count("\n") == 1
    assert sorted(os.listdir()) == before
