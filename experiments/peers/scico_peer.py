"""SCICO on exported measurements: `PYTHON experiments/peers/scico_peer.py FOLDER OUTPUT.json`.

PYTHON is one with the packages scico and bm3d, see `export`. Isotropic total variation by ADMM and
plug-and-play ADMM with BM3D, both with conjugate gradients for the measurement, as in SCICO's
examples; cases may be named behind the file. The weight of total variation and the strength of
BM3D are the best of a few by the clean image. Plug-and-play has the 10 iterations of the examples;
MRI, which starts far from the image, is not at its end by then.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scico import functional, linop, loss
from scico.optimize.admm import ADMM, LinearSubproblemSolver
from scoring import Measurement, require_same, run

TV_WEIGHTS = (0.0003, 0.001, 0.003, 0.01, 0.03)
TV_ITERATIONS = 100
STRENGTHS = (0.02, 0.04, 0.08)  # of BM3D, as a standard deviation of noise
PPP_ITERATIONS = 10  # as in the examples of SCICO
CONJUGATE = {"tol": 1e-3, "maxiter": 30}


def operator_of(measurement: Measurement) -> linop.LinearOperator:
    """The operator by SCICO's own, checked; k-space of a real image has an adjoint of its own."""
    shape = measurement["clean"].shape
    if "mask" in measurement:
        mask = jnp.asarray(measurement["mask"])

        def sampled(image: jax.Array) -> jax.Array:
            return mask * jnp.fft.fftshift(jnp.fft.fft2(jnp.fft.ifftshift(image), norm="ortho"))

        def spread(spectrum: jax.Array) -> jax.Array:
            image = jnp.fft.ifft2(jnp.fft.ifftshift(mask * spectrum), norm="ortho")
            return jnp.fft.fftshift(image).real

        operator = linop.LinearOperator(
            shape, shape, sampled, spread, input_dtype=np.float32, output_dtype=np.complex64
        )
    elif "kernel" in measurement:
        kernel = jnp.asarray(measurement["kernel"])
        margins = [(side - 1 - side // 2, side // 2) for side in kernel.shape]
        padded = linop.Pad(shape, pad_width=margins, mode="reflect", input_dtype=np.float32)
        operator = linop.Convolve(kernel, padded.output_shape, mode="valid") @ padded
    else:
        rows, columns, values = (jnp.asarray(measurement[n]) for n in ("rows", "columns", "values"))
        size = measurement["exact"].size

        def projected(image: jax.Array) -> jax.Array:
            parts = values * image.reshape(-1)[columns]
            return jnp.zeros(size).at[rows].add(parts).reshape(measurement["exact"].shape)

        def back(sinogram: jax.Array) -> jax.Array:
            parts = values * sinogram.reshape(-1)[rows]
            return jnp.zeros(np.prod(shape)).at[columns].add(parts).reshape(shape)

        operator = linop.LinearOperator(
            shape, measurement["exact"].shape, projected, back, input_dtype=np.float32
        )
    operator.jit()
    require_same(np.asarray(operator(jnp.asarray(measurement["clean"]))), measurement)
    return operator


def scaled(measurement: Measurement) -> tuple[linop.LinearOperator, jax.Array, float]:
    """The operator with norm 1, so that one grid does for all; its observation, and its noise."""
    operator = operator_of(measurement)
    norm = float(linop.operator_norm(operator))
    observation = jnp.asarray(measurement["observation"]) / norm
    return (1 / norm) * operator, observation, float(measurement["level"]) / norm


def total_variation(measurement: Measurement) -> Iterator[np.ndarray]:
    operator, observation, _ = scaled(measurement)
    differences = linop.FiniteDifference(operator.input_shape, append=0)
    for weight in TV_WEIGHTS:
        solver = ADMM(
            f=loss.SquaredL2Loss(y=observation, A=operator),
            g_list=[weight * functional.L21Norm()],
            C_list=[differences],
            rho_list=[10 * weight],
            x0=operator.adj(observation),
            maxiter=TV_ITERATIONS,
            subproblem_solver=LinearSubproblemSolver(cg_kwargs=CONJUGATE),
        )
        yield np.asarray(solver.solve())


def plug_and_play(measurement: Measurement) -> Iterator[np.ndarray]:
    operator, observation, level = scaled(measurement)
    for strength in STRENGTHS:
        penalty = (level / strength) ** 2
        solver = ADMM(
            f=loss.SquaredL2Loss(y=observation, A=operator),
            # The proximal operator is called with the strength over the penalty.
            g_list=[penalty * strength * functional.BM3D()],
            C_list=[linop.Identity(operator.input_shape)],
            rho_list=[penalty],
            x0=operator.adj(observation),
            maxiter=PPP_ITERATIONS,
            subproblem_solver=LinearSubproblemSolver(cg_kwargs=CONJUGATE),
        )
        yield np.asarray(solver.solve())


if __name__ == "__main__":
    run({"SCICO TV": total_variation, "SCICO PPP BM3D": plug_and_play}, "scico")
