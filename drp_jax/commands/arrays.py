"""Reading arrays of numbers from files: what was measured, and what goes with it."""

import pathlib
from typing import Any

import numpy as np

from drp_jax import InputError
from drp_jax.errors import in_a_line


def read_array(path: pathlib.Path) -> np.ndarray:
    """The array of numbers in a .npy file; pickles are refused.

    Raises:
      InputError: if there is no such file, or it holds something else.
    """
    require_file(path)
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # NumPy raises many kinds on damaged files
        raise InputError(
            f"{path}: cannot be read as an array: {in_a_line(error)}; accepted: numbers that "
            "numpy.save wrote, no objects"
        ) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: holds several arrays; accepted: one, in a .npy file")
    if array.dtype.kind not in "biufc":
        raise InputError(f"{path}: has type {array.dtype}; accepted: numbers")
    return array


def read_optional(path: pathlib.Path | None) -> np.ndarray | None:
    """The same, or None without a path."""
    return None if path is None else read_array(path)


def read_kspace(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Complex k-space and, where the file has one, its mask.

    From a .npy file, or a .h5 file of fastMRI: the data set `kspace` `[slices, H, W]` or
    `[slices, coils, H, W]`, and `mask` if it is there.

    Raises:
      InputError: if the file is unusable or its numbers are real.
    """
    kspace, mask = _read_h5(path) if path.suffix == ".h5" else (read_array(path), None)
    if kspace.dtype.kind != "c":
        raise InputError(f"{path}: has type {kspace.dtype}; accepted: complex k-space")
    return kspace, mask


def _read_h5(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    require_file(path)
    try:
        import h5py  # an extra, and only needed here
    except ImportError:
        raise InputError(
            f"{path}: reading it needs h5py; accepted: after pip install 'drp_jax[mri]', or a "
            ".npy file"
        ) from None
    try:
        with h5py.File(path) as opened:
            found = {name: opened[name][()] for name in ("kspace", "mask") if name in opened}
            names = ", ".join(opened) or "nothing"
    except Exception as error:  # of h5py, which raises many kinds
        raise InputError(
            f"{path}: cannot be read: {in_a_line(error)}; accepted: an HDF5 file of fastMRI"
        ) from None
    if "kspace" not in found:
        raise InputError(f"{path}: holds {names}; accepted: a data set named kspace")
    return found["kspace"], found.get("mask")


def read_matrix(path: pathlib.Path) -> Any:
    """A matrix: a sparse one of SciPy from a .npz file, or a dense array from a .npy file.

    Raises:
      InputError: if the file holds something else.
    """
    if path.suffix != ".npz":
        return read_array(path)
    require_file(path)
    from scipy import sparse  # slow to import, and only needed here

    try:
        return sparse.load_npz(path)
    except Exception as error:  # of NumPy or SciPy, which raise many kinds
        raise InputError(
            f"{path}: cannot be read as a sparse matrix: {in_a_line(error)}; accepted: what "
            "scipy.sparse.save_npz wrote, or a dense array in a .npy file"
        ) from None


def require_file(path: pathlib.Path) -> None:
    """Raises InputError unless there is such a file."""
    if not path.exists():
        raise InputError(f"{path}: no such file; accepted: a file with an array")
    if not path.is_file():
        raise InputError(f"{path}: not a file; accepted: a file with an array")
