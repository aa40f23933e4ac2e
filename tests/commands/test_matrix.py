"""The command reconstruct matrix: dense and sparse, layouts, and what does not fit."""

import functools
import os

import command_line
import numpy as np
import pytest
from measured import SMALL, blob
from scipy import sparse

from drp_jax import Problem
from drp_jax.commands import matrix, options, reconstruct
from drp_jax.commands.slices import direct

run = functools.partial(command_line.run, reconstruct, "matrix")
SIZE = 16 * 18


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def measurement(*flags):
    """The measurement that flags ask for, without running it."""
    received = []

    @options.command("matrix", matrix.MatrixArguments, help=None)
    def note(parsed):
        received.append(matrix._measurement(parsed))
        return 0

    assert options.run(note, [*map(str, flags)], program="matrix") == 0
    return received[0]


def save_products(count=60, channels=1):
    """Writes a matrix, dense and sparse, and its products with blobs."""
    draw = np.random.default_rng(0)
    entries = draw.normal(size=(count, SIZE * channels)) * (draw.random((count, 1)) < 0.9)
    image = np.repeat(blob()[..., None], channels, axis=-1)
    np.save("A.npy", entries)
    sparse.save_npz("A.npz", sparse.csr_array(entries))
    np.savez("dense.npz", entries)
    np.save("y.npy", entries @ image.ravel())
    return entries


FLAGS = ["--measurements", "y.npy", "--shape", "16,18"]


@pytest.mark.parametrize("name", ["A.npy", "A.npz", "dense.npz"])
def test_dense_and_sparse_matrices_are_applied(capsys, name):
    save_products()
    one = measurement("--matrix", name, *FLAGS)
    image = blob().astype(np.float32)[..., None]
    np.testing.assert_allclose(one.operator(0)(image), np.load("y.npy"), rtol=1e-4, atol=1e-4)
    assert (one.is_stack, one.complex_image) == (False, False)
    assert capsys.readouterr().out == "y.npy: 60 measurements of 288 unknowns\n"


@pytest.mark.parametrize("name", ["A.npy", "A.npz"])
def test_an_image_with_channels_is_reconstructed(name):
    save_products(channels=3)
    flags = ["--measurements", "y.npy", "--shape", "16,18,3", "--output", "o.npy"]
    assert run("--matrix", name, *flags, *SMALL) == 0
    assert np.load("o.npy").shape == (16, 18, 3)


def test_a_stack_is_a_row_a_slice():
    entries = save_products()
    images = np.stack([blob(seed=index) for index in range(2)])
    np.save("y.npy", images.reshape(2, -1) @ entries.T)
    one = measurement("--matrix", "A.npy", *FLAGS)
    assert (one.is_stack, len(one.slices)) == (True, 2)
    image = images[1].astype(np.float32)[..., None]
    np.testing.assert_allclose(one.operator(1)(image), one.slices[1], rtol=1e-4, atol=1e-4)


def test_least_squares_is_that_of_numpy():
    entries = save_products(count=10)
    one = measurement("--matrix", "A.npy", *FLAGS)
    problem = Problem(one.slices[0], one.operator(0), value_range=None)
    expected = np.linalg.lstsq(entries, np.load("y.npy"), rcond=None)[0]  # the smallest
    np.testing.assert_allclose(direct(problem).ravel(), expected, atol=1e-3)


def test_complex_images_and_measurements():
    entries = save_products() * 1j
    np.save("A.npy", entries)
    np.save("y.npy", entries @ blob().ravel())
    one = measurement("--matrix", "A.npy", *FLAGS)
    assert (one.complex_image, one.slices[0].dtype) == (False, np.complex64)
    assert measurement("--matrix", "A.npy", *FLAGS, "--complex").complex_image


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--matrix", "A.npy"], "--measurements and --shape missing; accepted: all of --matrix, "),
        (["--shape", "16,18"], "--matrix and --measurements missing; accepted: all of"),
        (["--matrix", "none.npz", *FLAGS], "--matrix none.npz: no such file"),
        (["--matrix", "objects.npy", *FLAGS], "--matrix objects.npy: cannot be read as an array"),
        (
            ["--matrix", "y.npy", *FLAGS],
            "--matrix y.npy: has type float64 and shape (60,); accepted: num",
        ),
        (
            ["--matrix", "A.npy", "--measurements", "y.npy", "--shape", "16,17"],
            "--matrix A.npy: has shape (60, 288), and --shape 16,17,1 has 272 values; accepted: as",
        ),
        (
            ["--matrix", "turned.npy", *FLAGS],
            "--matrix turned.npy: has shape (288, 60), and --shape 16,18,1 has 288 values; "
            "accepted: as many columns; transposed?",
        ),
        (
            ["--matrix", "A.npy", "--measurements", "short.npy", "--shape", "16,18"],
            "--measurements short.npy: has shape (59,), and --matrix A.npy (60, 288); accepted: (6",
        ),
        (
            ["--matrix", "A.npy", "--measurements", "none.npy", "--shape", "16,18"],
            "--measurements none.npy: has shape (0, 60), and --matrix A.npy (60, 288); accepted: (",
        ),
        (
            ["--matrix", "A.npy", "--measurements", "nan.npy", "--shape", "16,18"],
            "--measurements nan.npy: has NaN or infinity in 60 of 60 values",
        ),
        (
            ["--matrix", "nan_A.npy", *FLAGS],
            "--matrix nan_A.npy: has NaN or infinity in 17280 of 17280 values",
        ),
        *(
            (
                ["--matrix", "A.npy", "--measurements", "y.npy", "--shape", text],
                f"--shape: '{text}' is not two or three whole numbers from 1 up, like 64,64",
            )
            for text in ("16", "16,0", "16,18,1,1", "x,y")
        ),
        (["--complex"], "--complex needs --matrix; what is simulated is real"),
    ],
)
def test_bad_input_is_answered_in_one_line(capsys, arguments, message):
    entries = save_products()
    np.save("turned.npy", entries.T)
    np.save("short.npy", np.load("y.npy")[:-1])
    np.save("none.npy", np.zeros((0, 60)))
    np.save("nan.npy", np.nan * np.load("y.npy"))
    np.save("nan_A.npy", np.nan * entries)
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    before = sorted(os.listdir())
    assert run(*arguments, *SMALL) == 2
    line = capsys.readouterr().err
    assert message in line
    assert line.startswith("reconstruct matrix: error: ")
    assert line.count("\n") == 1
    assert sorted(os.listdir()) == before
