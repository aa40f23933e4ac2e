"""Arrays from files of several kinds, and what is refused."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from drp_jax import InputError
from drp_jax.commands.arrays import (
    ArrayFile,
    array_file,
    read_array,
    read_kspace,
    read_matrix,
    read_optional,
)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kspace(*shape):
    draw = np.random.default_rng(0)
    return (draw.normal(size=shape) + 1j * draw.normal(size=shape)).astype(np.complex64)


def test_an_array_comes_back(in_empty_folder):
    path = in_empty_folder / "a.npy"
    file = ArrayFile("--data", path)
    np.save(path, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(read_array(file), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(read_optional(array_file("--data", path)), read_array(file))
    assert read_optional(array_file("--data", None)) is None


def test_a_file_of_fastmri_has_kspace_and_perhaps_a_mask(in_empty_folder):
    h5py = pytest.importorskip("h5py")
    path = in_empty_folder / "file1.h5"
    file = ArrayFile("--data", path)
    values = kspace(2, 4, 8, 9)
    with h5py.File(path, "w") as opened:
        opened["kspace"] = values
    found, mask = read_kspace(file)
    np.testing.assert_array_equal(found, values)
    assert mask is None
    with h5py.File(path, "a") as opened:
        opened["mask"] = np.arange(9) % 2
    np.testing.assert_array_equal(read_kspace(file)[1], np.arange(9) % 2)


def test_what_is_no_file_of_fastmri_is_refused(in_empty_folder):
    h5py = pytest.importorskip("h5py")
    path = in_empty_folder / "file1.h5"
    file = ArrayFile("--data", path)
    with h5py.File(path, "w") as opened:
        opened["image"] = np.zeros(3)
    with pytest.raises(InputError, match=r"file1\.h5: holds image; accepted: a data set named ksp"):
        read_kspace(file)
    path.write_text("text")
    with pytest.raises(InputError, match=r"file1\.h5: cannot be read: OSError: .*; accepted: an"):
        read_kspace(file)


def test_without_h5py_it_says_what_to_install(in_empty_folder, monkeypatch):
    path = in_empty_folder / "file1.h5"
    file = ArrayFile("--data", path)
    path.write_text("text")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError) as refused:
        read_kspace(file)
    assert str(refused.value) == (
        f"--data {path}: reading it needs h5py; accepted: after pip install 'drp_jax[mri]', or a "
        ".npy file"
    )


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array_may_be_in_an_npz_file(in_empty_folder, save):
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    save("A.npz", dense)
    file = ArrayFile("--matrix", Path("A.npz"))
    for read in (read_array, read_matrix):
        np.testing.assert_array_equal(read(file), dense)


def test_of_several_arrays_it_is_the_one_called_image(in_empty_folder):
    np.savez("r.npz", image=np.eye(3), uncertainty=np.ones((3, 3)))
    file = ArrayFile("--reference", Path("r.npz"))
    np.testing.assert_array_equal(read_array(file), np.eye(3))


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.coo_matrix])
def test_a_matrix_is_sparse_or_dense(in_empty_folder, form):
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    sparse.save_npz(in_empty_folder / "A.npz", form(dense))
    np.save(in_empty_folder / "A.npy", dense)
    np.testing.assert_array_equal(
        read_matrix(ArrayFile("--matrix", in_empty_folder / "A.npz")).toarray(), dense
    )
    np.testing.assert_array_equal(
        read_matrix(ArrayFile("--matrix", in_empty_folder / "A.npy")), dense
    )


@pytest.mark.parametrize(
    ("read", "name", "message"),
    [
        (read_array, "none.npy", "none.npy: no such file; accepted: a file with an array"),
        (read_array, "folder", "folder: not a file"),
        (read_array, "text.npy", "text.npy: cannot be read as an array: "),
        (read_array, "objects.npy", "objects.npy: cannot be read as an array: ValueError: Object"),
        (read_array, "pickle.npy", "pickle.npy: cannot be read as an array: "),
        (read_array, "words.npy", "words.npy: has type <U1; accepted: numbers"),
        (
            read_array,
            "several.npz",
            "several.npz: holds a, b; accepted: one array, or one called image, in a .npy or .npz",
        ),
        (read_kspace, "real.npy", "real.npy: has type float64; accepted: complex k-space"),
        (read_kspace, "none.h5", "none.h5: no such file"),
        (read_array, "empty.npz", "empty.npz: holds nothing; accepted: one array, or one"),
        (read_array, "archive.npz", "archive.npz: has type bytes; accepted: numbers"),
        (
            read_matrix,
            "several.npz",
            "several.npz: holds a, b; accepted: one array, or one called image, in a .npy or .npz "
            "file, or a sparse matrix that scipy.sparse.save_npz wrote",
        ),
        (read_matrix, "text.npy", "text.npy: cannot be read as an array: "),
        (read_matrix, "objects.npz", "objects.npz: cannot be read as a sparse matrix: "),
        (read_matrix, "none.npz", "none.npz: no such file"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(in_empty_folder, read, name, message):
    (in_empty_folder / "folder").mkdir()
    (in_empty_folder / "text.npy").write_text("text")
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    np.array([None]).dump("pickle.npy")
    np.save("words.npy", np.array(["a"]))
    np.save("real.npy", np.ones((8, 8)))
    np.savez("empty.npz")
    with zipfile.ZipFile("archive.npz", "w") as archive:
        archive.writestr("text", "text")
    np.savez("several.npz", a=np.ones(2), b=np.ones(3))
    np.savez("objects.npz", format=np.array([None]), data=np.ones(2))
    with pytest.raises(InputError) as refused:
        read(ArrayFile("--data", Path(name)))
    assert str(refused.value).startswith(f"--data {message}")
    assert "\n" not in str(refused.value)
