"""Reconstruct an image from products with a matrix: `drp-jax reconstruct matrix --matrix A.npz
--measurements y.npy --shape 64,64`.

The measurements are `y = A x` [M], or [slices, M] for a stack, where x [N] are the values of the
image row by row, `image.ravel()` of NumPy: N is H * W, or H * W * C of an image with channels.
Without `--matrix` a measurement of a phantom is simulated: products with a sparse random matrix, a
quarter as many as there are pixels, and noise.
"""

import dataclasses
import pathlib
from typing import Any

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.arguments import presets_of
from drp_jax.commands.arrays import ArrayFile, read_array, read_matrix
from drp_jax.commands.reconstructing import (
    TASK,
    Measurement,
    ReconstructArguments,
    phantom,
    run_measurement,
)
from drp_jax.commands.restoring import given
from drp_jax.errors import renamed
from drp_jax.operators import Matrix

SIMULATED_NOISE = 0.01
SIMULATED_SHARE = 4  # one measurement for so many pixels
SIMULATED_ENTRIES = 32  # of a row that are not 0


def _shape(text: str) -> tuple[int, int, int]:
    height, width, *rest = (int(part) for part in text.split(","))
    channels = rest[0] if rest else 1
    if len(rest) > 1 or min(height, width, channels) < 1:
        raise ValueError
    return height, width, channels


@dataclasses.dataclass(frozen=True)
class MatrixFiles:
    """What was measured."""

    matrix: pathlib.Path | None = options.file(
        "The matrix [M, N]: sparse as scipy.sparse.save_npz writes it, or dense as .npy or .npz.",
        shown="a simulated measurement",
    )
    measurements: pathlib.Path | None = options.file(
        "The products as .npy [M], or [slices, M].", shown="none"
    )
    shape: tuple[int, int, int] | None = options.option(
        _shape,
        "H,W[,C]",
        "two or three whole numbers from 1 up, like 64,64",
        "Height, width and channels of the image.",
        shown="none",
    )
    complex: bool = options.flag("The image is complex.")


@dataclasses.dataclass(frozen=True)
class MatrixArguments(ReconstructArguments, MatrixFiles):
    """The flags of the command."""


@options.command("matrix", MatrixArguments, help=__doc__, epilog=presets_of(TASK))
def matrix(parsed: MatrixArguments) -> int:
    """Reconstruct an image from products with a matrix."""
    method = parsed.chosen_method(TASK)
    return run_measurement(_measurement(parsed), parsed, method)


def _measurement(parsed: MatrixArguments) -> Measurement:
    flags = {
        "--matrix": parsed.matrix,
        "--measurements": parsed.measurements,
        "--shape": parsed.shape,
    }
    missing = [name for name, value in flags.items() if value is None]
    if len(missing) == len(flags):
        return _simulated(parsed)
    if parsed.matrix is None or parsed.measurements is None or parsed.shape is None:
        raise InputError(f"{' and '.join(missing)} missing; accepted: all of {', '.join(flags)}")
    files = ArrayFile("--matrix", parsed.matrix), ArrayFile("--measurements", parsed.measurements)
    entries, measured = read_matrix(files[0]), read_array(files[1])
    _check(files, parsed.shape, entries, measured)
    with renamed({"matrix": f"{files[0]}:"}):
        operator = Matrix(_as_matrix(entries), parsed.shape)
    rows, columns = entries.shape
    is_stack = measured.ndim == 2
    count = f"{len(measured)} slices, each " if is_stack else ""
    print(f"{parsed.measurements}: {count}{rows} measurements of {columns} unknowns")
    kind = np.complex64 if "c" in (entries.dtype.kind, measured.dtype.kind) else np.float32
    return Measurement(
        path=parsed.measurements,
        slices=list(measured.reshape(-1, rows).astype(kind)),
        is_stack=is_stack,
        operator=lambda index: operator,
        image_shape=parsed.shape,
        complex_image=parsed.complex,
        simple_name="least squares",
        inputs=given(parsed.matrix, parsed.measurements),
        names={"observation": f"{files[1]}:", "image": "--shape: image"},
    )


def _check(
    files: tuple[ArrayFile, ArrayFile],
    shape: tuple[int, int, int],
    entries: Any,
    measured: np.ndarray,
) -> None:
    """Raises InputError unless the shapes of the files fit each other and the image."""
    file, measured_file = files
    if entries.ndim != 2 or entries.dtype.kind not in "biufc":
        raise InputError(
            f"{file}: has type {entries.dtype} and shape {entries.shape}; accepted: numbers [M, N]"
        )
    rows, columns = entries.shape
    height, width, channels = shape
    if columns != height * width * channels:
        hint = "; transposed?" if rows == height * width * channels else ""
        raise InputError(
            f"{file}: has shape {entries.shape}, and --shape {height},{width},{channels} has "
            f"{height * width * channels} values; accepted: as many columns{hint}"
        )
    if measured.ndim not in (1, 2) or measured.shape[-1] != rows or not measured.size:
        raise InputError(
            f"{measured_file}: has shape {measured.shape}, and {file} {entries.shape}; "
            f"accepted: ({rows},) or (slices, {rows})"
        )


def _as_matrix(entries: Any) -> Any:
    """A dense array or a sparse matrix of JAX, of floats."""
    from jax.experimental.sparse import BCOO  # slow to import, and only needed here

    kind = np.complex64 if entries.dtype.kind == "c" else np.float32
    if isinstance(entries, np.ndarray):
        return jnp.asarray(entries, kind)
    return BCOO.from_scipy_sparse(entries.astype(kind))


def _simulated(parsed: MatrixArguments) -> Measurement:
    if parsed.complex:
        raise InputError("--complex needs --matrix; what is simulated is real")
    from scipy.sparse import coo_array  # as above

    draw = np.random.default_rng(parsed.seed)
    image = phantom()
    count = max(image.size // SIMULATED_SHARE, 1)
    columns = draw.integers(0, image.size, (count, SIMULATED_ENTRIES))
    rows = np.broadcast_to(np.arange(count)[:, None], columns.shape)
    values = draw.normal(size=columns.size) / SIMULATED_ENTRIES**0.5
    entries = coo_array((values, (rows.ravel(), columns.ravel())), shape=(count, image.size))
    operator = Matrix(_as_matrix(entries), image.shape)
    measured = np.asarray(operator(jnp.asarray(image)))
    measured = measured + SIMULATED_NOISE * draw.normal(size=count)
    return Measurement(
        path=pathlib.Path("phantom_matrix"),
        slices=[measured.astype(np.float32)],
        is_stack=False,
        operator=lambda index: operator,
        image_shape=image.shape,
        complex_image=False,
        simple_name="least squares",
        reference=image[None],
        noise=SIMULATED_NOISE,
    )
