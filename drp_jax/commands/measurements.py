"""Reading arrays of numbers from files: what was measured, and what goes with it."""

import pathlib

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


def require_file(path: pathlib.Path) -> None:
    """Raises InputError unless there is such a file."""
    if not path.exists():
        raise InputError(f"{path}: no such file; accepted: a file with an array")
    if not path.is_file():
        raise InputError(f"{path}: not a file; accepted: a file with an array")
