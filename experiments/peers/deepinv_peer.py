"""deepinv on exported measurements: `PYTHON experiments/peers/deepinv_peer.py FOLDER OUTPUT.json`.

PYTHON is one with the packages deepinv and bm3d, see `export`. Deep image prior with the decoder,
the width and the rate of deepinv's example, on a GPU with its default of 2500 iterations, elsewhere
with fewer; total variation by FISTA; and plug-and-play ADMM with BM3D, since the networks that
deepinv has for it are trained and have to be downloaded. Cases and methods may be named behind the
file. The weight of total variation and the strength of BM3D are the best of a few by the clean
image.
"""

from collections.abc import Callable, Iterator

import deepinv
import numpy as np
import torch
from deepinv.optim import ADMM, FISTA, L2, PnP, TVPrior
from scoring import Measurement, require_same, run

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DIP_ITERATIONS = 2500 if DEVICE.type == "cuda" else 100
WIDTH = 64
SEED = (2, 2)
TV_WEIGHTS = (0.0003, 0.001, 0.003, 0.01, 0.03)
TV_ITERATIONS = 300
STRENGTHS = (0.02, 0.04, 0.08)  # of BM3D, as a standard deviation of noise
PNP_ITERATIONS = 10

Linear = Callable[[torch.Tensor], torch.Tensor]


def tensor(values: np.ndarray) -> torch.Tensor:
    """An array with the axes of deepinv, `[1, C, H, W]`; two channels if it is complex."""
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    return torch.from_numpy(np.stack(parts)[None].astype(np.float32)).to(DEVICE)


def physics_of(measurement: Measurement) -> deepinv.physics.LinearPhysics:
    """The operator by deepinv's own, checked; its MRI of real images."""
    if "mask" in measurement:
        complete = deepinv.physics.MRI(mask=tensor(measurement["mask"])).to(DEVICE)
        physics = linear(
            lambda image: complete.A(torch.cat([image, torch.zeros_like(image)], 1)),
            lambda spectrum: complete.A_adjoint(spectrum)[:, :1],
        )
    elif "kernel" in measurement:
        # With zeros around it, since the adjoint fails for a kernel of one row (deepinv 0.5.0).
        kernel = tensor(np.pad(measurement["kernel"], 1))
        blur = deepinv.physics.Blur(kernel, padding="reflect").to(DEVICE)
        physics = linear(blur.A, blur.A_adjoint)
    else:
        shape, seen = measurement["clean"].shape, measurement["exact"].shape
        places = np.stack([measurement["rows"], measurement["columns"]])
        size = (np.prod(seen), np.prod(shape))
        values = torch.from_numpy(measurement["values"])
        matrix = torch.sparse_coo_tensor(torch.from_numpy(places), values, size)
        matrix = matrix.to(DEVICE).coalesce()
        transposed = matrix.t().coalesce()
        physics = linear(
            lambda image: (matrix @ image.reshape(-1, 1)).reshape(1, 1, *seen),
            lambda sinogram: (transposed @ sinogram.reshape(-1, 1)).reshape(1, 1, *shape),
        )
    observed = physics.A(tensor(measurement["clean"])).cpu().numpy()[0]
    is_complex = len(observed) == 2
    require_same(observed[0] + 1j * observed[1] if is_complex else observed[0], measurement)
    return physics


def linear(forward: Linear, adjoint: Linear) -> deepinv.physics.LinearPhysics:
    return deepinv.physics.LinearPhysics(
        A=lambda image, **_: forward(image),
        A_adjoint=lambda observation, **_: adjoint(observation),
        implicit_backward_solver=False,
        max_iter=30,
        tol=1e-3,
    )


def scaled(measurement: Measurement) -> tuple[deepinv.physics.LinearPhysics, torch.Tensor, float]:
    """The operator with norm 1, so that one grid does for all; its observation, and its noise."""
    physics = physics_of(measurement)
    torch.manual_seed(0)
    image = tensor(measurement["clean"])
    norm = float(physics.compute_sqnorm(torch.rand_like(image), verbose=False)) ** 0.5
    unit = linear(
        lambda image: physics.A(image) / norm,
        lambda observation: physics.A_adjoint(observation) / norm,
    )
    return unit, tensor(measurement["observation"]) / norm, float(measurement["level"]) / norm


def deep_image_prior(measurement: Measurement) -> Iterator[np.ndarray]:
    physics, observation, _ = scaled(measurement)
    torch.manual_seed(0)
    decoder = deepinv.models.ConvDecoder(
        img_size=(1, *measurement["clean"].shape), in_size=SEED, channels=WIDTH
    ).to(DEVICE)
    model = deepinv.models.DeepImagePrior(
        decoder, img_size=(WIDTH, *SEED), iterations=DIP_ITERATIONS, learning_rate=1e-2
    )
    yield model(observation, physics).detach().cpu().numpy()[0, 0]


def total_variation(measurement: Measurement) -> Iterator[np.ndarray]:
    physics, observation, _ = scaled(measurement)
    for weight in TV_WEIGHTS:
        model = FISTA(
            data_fidelity=L2(),
            prior=TVPrior(n_it_max=20),
            lambda_reg=weight,
            stepsize=1.0,
            max_iter=TV_ITERATIONS,
        )
        with torch.no_grad():
            yield model(observation, physics).cpu().numpy()[0, 0]


def plug_and_play(measurement: Measurement) -> Iterator[np.ndarray]:
    physics, observation, level = scaled(measurement)
    for strength in STRENGTHS:
        model = ADMM(
            data_fidelity=L2(),
            prior=PnP(deepinv.models.BM3D()),
            stepsize=(strength / level) ** 2,
            g_param=strength,
            max_iter=PNP_ITERATIONS,
        )
        with torch.no_grad():
            yield model(observation, physics).cpu().numpy()[0, 0]


if __name__ == "__main__":
    methods = {
        "deepinv TV": total_variation,
        "deepinv PnP BM3D": plug_and_play,
        f"deepinv DIP, {DIP_ITERATIONS} iterations": deep_image_prior,
    }
    is_cuda = DEVICE.type == "cuda"
    run(methods, "deepinv", f"gpu: {torch.cuda.get_device_name()}" if is_cuda else "cpu: cpu")
