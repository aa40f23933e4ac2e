"""Reading arrays of numbers from files: what was measured, and what goes with it."""

import contextlib
import dataclasses
import pathlib
from typing import Any

import numpy as np

from drp_jax import InputError
from drp_jax.errors import in_a_line

IMAGE = "image"
"""What an image is called in a .npz file that has more."""


@dataclasses.dataclass(frozen=True)
class ArrayFile:
    """A file with an array, and the flag that names it: errors begin with both."""

    flag: str
    path: pathlib.Path

    def __str__(self) -> str:
        return f"{self.flag} {self.path}"

    def require(self) -> None:
        """Raises InputError unless there is such a file."""
        if not self.path.exists():
            raise InputError(f"{self}: no such file; accepted: a file with an array")
        if not self.path.is_file():
            raise InputError(f"{self}: not a file; accepted: a file with an array")


def array_file(flag: str, path: pathlib.Path | None) -> ArrayFile | None:
    """The file of a flag, or None if it is not given."""
    return None if path is None else ArrayFile(flag, path)


def read_array(file: ArrayFile) -> np.ndarray:
    """The array of numbers in a .npy or .npz file; pickles are refused.

    Of several in a .npz file it is the one that is called `image`.

    Raises:
      InputError: if there is no such file, or it holds something else.
    """
    file.require()
    with open(file.path, "rb") as opened:
        start = opened.read(6)
    if not start.startswith((b"\x93NUMPY", b"PK")):
        raise InputError(
            f"{file}: cannot be read as an array: it begins neither as .npy nor as .npz; accepted: "
            "numbers that numpy.save wrote"
        )
    try:
        array, names = _loaded(file.path)
    except Exception as error:  # NumPy raises many kinds on damaged files
        raise InputError(
            f"{file}: cannot be read as an array: {in_a_line(error)}; accepted: numbers that "
            "numpy.save wrote, no objects"
        ) from None
    if len(names) != 1:
        held = ", ".join(names) or "nothing"
        raise InputError(
            f"{file}: holds {held}; accepted: one array, or one called {IMAGE}, in a .npy or .npz "
            "file"
        )
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
        kind = getattr(array, "dtype", type(array).__name__)
        raise InputError(f"{file}: has type {kind}; accepted: numbers")
    return array


def _loaded(path: pathlib.Path) -> tuple[Any, list[str]]:
    """The array of a file and its name, of a .npy file its own; None and all names if unclear."""
    opened = np.load(path, allow_pickle=False)
    if isinstance(opened, np.ndarray):
        return opened, [path.name]
    with opened:
        names = [IMAGE] if IMAGE in opened else list(opened)
        return opened[names[0]] if len(names) == 1 else None, names


def read_optional(file: ArrayFile | None) -> np.ndarray | None:
    """The same, or None without a file."""
    return None if file is None else read_array(file)


def read_kspace(file: ArrayFile) -> tuple[np.ndarray, np.ndarray | None]:
    """Complex k-space and, where the file has one, its mask.

    From a .npy file, or a .h5 file of fastMRI: the data set `kspace` `[slices, H, W]` or
    `[slices, coils, H, W]`, and `mask` if it is there.

    Raises:
      InputError: if the file is unusable or its numbers are real.
    """
    is_h5 = file.path.suffix == ".h5"
    kspace, mask = _read_h5(file) if is_h5 else (read_array(file), None)
    if kspace.dtype.kind != "c":
        raise InputError(f"{file}: has type {kspace.dtype}; accepted: complex k-space")
    return kspace, mask


def _read_h5(file: ArrayFile) -> tuple[np.ndarray, np.ndarray | None]:
    file.require()
    try:
        import h5py  # an extra, and only needed here
    except ImportError:
        raise InputError(
            f"{file}: reading it needs h5py; accepted: after pip install 'drp_jax[mri]', or a "
            ".npy file"
        ) from None
    try:
        with h5py.File(file.path) as opened:
            found = {name: opened[name][()] for name in ("kspace", "mask") if name in opened}
            names = ", ".join(opened) or "nothing"
    except Exception as error:  # of h5py, which raises many kinds
        raise InputError(
            f"{file}: cannot be read: {in_a_line(error)}; accepted: an HDF5 file of fastMRI"
        ) from None
    if "kspace" not in found:
        raise InputError(f"{file}: holds {names}; accepted: a data set named kspace")
    return found["kspace"], found.get("mask")


def read_matrix(file: ArrayFile) -> Any:
    """A matrix: a sparse one as SciPy writes it, or the dense array of a .npy or .npz file.

    Raises:
      InputError: if the file holds something else.
    """
    accepted = "a sparse matrix that scipy.sparse.save_npz wrote"
    if not _is_sparse(file.path):
        try:
            return read_array(file)
        except InputError as error:
            raise InputError(f"{error}, or {accepted}") from None
    from scipy import sparse  # slow to import, and only needed here

    try:
        return sparse.load_npz(file.path)
    except Exception as error:  # of NumPy or SciPy, which raise many kinds
        raise InputError(
            f"{file}: cannot be read as a sparse matrix: {in_a_line(error)}; accepted: {accepted}, "
            "or one dense array in a .npy or .npz file"
        ) from None


def _is_sparse(path: pathlib.Path) -> bool:
    """Whether a file looks like what SciPy writes: several arrays, and the format of the matrix."""
    with contextlib.suppress(Exception), np.load(path, allow_pickle=False) as opened:
        return "format" in opened
    return False
