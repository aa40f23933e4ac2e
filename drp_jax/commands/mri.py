"""Reconstruct an image from k-space: `drp-jax reconstruct mri --kspace k.npy`.

K-space is complex, on a Cartesian grid, with frequency 0 at (H // 2, W // 2): the transform is
orthonormal, and centred as that of fastMRI. What was not sampled is 0, or said by `--mask`.

\b
    [H, W]                  one coil
    [slices, H, W]          one coil, a stack of slices
    [coils, H, W]           several coils, with --sensitivities or --calibration
    [slices, coils, H, W]   the same, a stack of slices

The image is complex unless `--real` is given. Without `--kspace` a measurement of a phantom is
simulated: a third of the columns, those in the middle among them, and noise.
"""

import dataclasses
import pathlib
from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.arguments import presets_of
from drp_jax.commands.arrays import (
    ArrayFile,
    array_file,
    read_array,
    read_kspace,
    read_optional,
)
from drp_jax.commands.coils import estimated_sensitivities
from drp_jax.commands.reconstructing import (
    TASK,
    Measurement,
    ReconstructArguments,
    phantom,
    refuse_without,
    run_measurement,
)
from drp_jax.commands.restoring import given
from drp_jax.operators import MaskedFourier, from_fft2

MOST_MISSING = 0.1
"""Share of what a mask says was sampled that may be 0 before that is said."""
SIMULATED_NOISE = 0.01
SIMULATED_SHARE = 3  # one column in so many
SIMULATED_MIDDLE = 8  # one in so many is in the middle, side by side
_SEVERAL = "--sensitivities s.npy, or --calibration N"


@dataclasses.dataclass(frozen=True)
class KspaceFiles:
    """What was measured."""

    kspace: pathlib.Path | None = options.file(
        "Complex k-space as .npy, in one of the layouts above, or an .h5 file of fastMRI.",
        shown="a simulated measurement",
    )
    mask: pathlib.Path | None = options.file(
        "Which entries were sampled, as .npy of 1 and 0: [H, W], [1, W] or [W] for columns, "
        "[H, 1] for rows.",
        shown="that of the .h5 file, or those that are not 0",
    )
    sensitivities: pathlib.Path | None = options.file(
        "By what each coil multiplies the image, as .npy [coils, H, W], or one such a slice.",
        shown="none, one coil",
    )
    calibration: int | None = options.whole(
        "Estimate the sensitivities from the N lines in the middle of k-space, which are sampled "
        "fully.",
        shown="none, one coil",
        least=4,
    )
    real: bool = options.flag("The image is real, which helps if it is true.")
    numpy_fft: bool = options.flag(
        "K-space, and a mask with it, is in the order and scale of numpy.fft.fft2, with frequency "
        "0 and the first pixel at [0, 0]."
    )


@dataclasses.dataclass(frozen=True)
class MriArguments(ReconstructArguments, KspaceFiles):
    """The flags of the command."""


@options.command("mri", MriArguments, help=__doc__, epilog=presets_of(TASK))
def mri(parsed: MriArguments) -> int:
    """Reconstruct an image from k-space."""
    method = parsed.chosen_method(TASK)
    return run_measurement(_measurement(parsed), parsed, method)


def _measurement(parsed: MriArguments) -> Measurement:
    if parsed.kspace is None:
        refuse_without("--kspace", parsed, ("mask", "sensitivities", "calibration", "numpy_fft"))
        return simulated(real=parsed.real, seed=parsed.seed)
    file = ArrayFile("--kspace", parsed.kspace)
    kspace, own_mask = read_kspace(file)
    has_coils = parsed.sensitivities is not None or parsed.calibration is not None
    slices = _slices(file, kspace, has_coils)
    is_stack = kspace.ndim - has_coils == 3
    height, width = slices.shape[-2:]
    mask_file = array_file("--mask", parsed.mask)
    mask = own_mask if mask_file is None else read_array(mask_file)
    if mask is not None:
        mask = _checked_mask(mask_file or file, mask, height, width)
    if parsed.numpy_fft:
        for index, one in enumerate(slices):  # a stack may fill half of the memory
            slices[index] = from_fft2(one)
        mask = None if mask is None else np.fft.fftshift(mask)
    maps_file = array_file("--sensitivities", parsed.sensitivities)
    sensitivities = read_optional(maps_file)
    if sensitivities is not None:
        accepted = (slices.shape[1:], slices.shape) if is_stack else (slices.shape[1:],)
        if sensitivities.shape not in accepted:
            is_permuted = sorted(sensitivities.shape) in map(sorted, accepted)
            advice = "; coils come before rows and columns in both: transposed?"
            raise InputError(
                f"{maps_file}: has shape {sensitivities.shape}; accepted: "
                f"{' or '.join(map(str, accepted))}, as k-space has shape {kspace.shape}"
                f"{advice if is_permuted else ''}"
            )
    if sensitivities is not None and parsed.calibration is not None:
        raise InputError("--sensitivities and --calibration are given; accepted: one of them")

    def sampled(index: int) -> np.ndarray:
        if mask is not None:
            return mask
        entries = slices[index] != 0
        return entries.any(axis=0) if has_coils else entries

    def operator(index: int) -> MaskedFourier:
        entries = sampled(index)
        if not entries.any():
            raise InputError(f"{file}: is 0 everywhere; accepted: some entries that are not")
        coils = sensitivities
        if parsed.calibration is not None:
            whole = np.broadcast_to(entries, (height, width))
            coils = estimated_sensitivities(slices[index], whole, parsed.calibration)
        elif coils is not None and coils.ndim == 4:
            coils = coils[index]
        return MaskedFourier(
            jnp.asarray(entries, jnp.float32),
            None if coils is None else jnp.asarray(coils, jnp.complex64),
        )

    every = (sampled(index) for index in range(len(slices)))
    print(_described(file.path, slices, is_stack, has_coils, _sampling(every, height, width)))
    if _is_at_corners(slices):
        advice = "--numpy-fft reads it as numpy.fft.fft2 gives it"
        print(
            f"{file}: is strongest at its corners, and frequency 0 is taken to be in the middle, "
            f"at ({height // 2}, {width // 2}); "
            + ("is it there without --numpy-fft?" if parsed.numpy_fft else advice)
        )
    if mask_file is not None and mask is not None:
        missing = _share_missing(slices, mask)
        if missing > MOST_MISSING:
            print(
                f"{mask_file}: of what it says was sampled {missing:.0%} is exactly 0 in k-space; "
                "[W] and [1, W] choose columns, [H, 1] rows"
            )
    return Measurement(
        path=file.path,
        slices=list(slices),
        is_stack=is_stack,
        operator=operator,
        image_shape=(height, width, 1),
        complex_image=not parsed.real,
        simple_name="zero-filled",
        inputs=given(file.path, parsed.mask, parsed.sensitivities),
        names={
            "observation": f"{file}:",
            "image": f"{file}: image",
            "sensitivities": f"{maps_file}:",
        },
    )


def _slices(file: ArrayFile, kspace: np.ndarray, has_coils: bool) -> np.ndarray:
    """K-space `[slices, H, W]`, with coils `[slices, coils, H, W]`."""
    layouts = {2: "[coils, H, W] or [slices, coils, H, W]", 4: f"[slices, H, W], or {_SEVERAL}"}
    is_fine = kspace.ndim in ((3, 4) if has_coils else (2, 3)) and kspace.size > 0
    if not is_fine:
        others = (
            "[H, W] or [slices, H, W], and of several coils [coils, H, W] or [slices, coils, H, W] "
            f"with {_SEVERAL}"
        )
        accepted = layouts[2] if has_coils else layouts.get(kspace.ndim, others)
        why = " of several coils" if kspace.ndim == 4 and not has_coils else ""
        raise InputError(f"{file}: has shape {kspace.shape}{why}; accepted: {accepted}")
    alone = kspace.ndim == (3 if has_coils else 2)
    return (kspace[None] if alone else kspace).astype(np.complex64)


def _is_at_corners(slices: np.ndarray) -> bool:
    """Whether k-space `[..., H, W]` has more energy around its corners than around its middle."""
    sides = slices.shape[-2:]
    energy = np.zeros(sides)
    for one in slices.reshape(-1, *sides):  # a stack of coils may fill half of the memory
        energy += np.square(np.abs(one))
    middle = tuple(slice(n // 2 - n // 8, n // 2 + n // 8 + 1) for n in sides)
    return bool(np.sum(np.fft.fftshift(energy)[middle]) > np.sum(energy[middle]))


def _sampling(every: Iterable[np.ndarray], height: int, width: int) -> str:
    """How much the masks of the slices sample, `[H, W]`, `[1, W]` or `[H, 1]` each."""
    masks = list(every)
    if masks[0].shape == (1, width) != (height, width):
        return f"{np.count_nonzero(masks[0])} of {width} columns sampled"
    if masks[0].shape == (height, 1) != (height, width):
        return f"{np.count_nonzero(masks[0])} of {height} rows sampled"
    return f"{np.mean([np.broadcast_to(one, (height, width)).mean() for one in masks]):.0%} sampled"


def _share_missing(slices: np.ndarray, mask: np.ndarray) -> float:
    """Of the entries that a mask says were sampled, the share that is 0 in all slices and coils."""
    height, width = slices.shape[-2:]
    said = np.broadcast_to(mask, (height, width))
    has_value = (slices != 0).reshape(-1, height, width).any(axis=0)
    return float(np.mean(~has_value[said]))


def _checked_mask(file: ArrayFile, mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask as bool `[H, W]`, `[1, W]` or `[H, 1]`."""
    if mask.shape == (width,):
        mask = mask[None]
    accepted = ((height, width), (1, width), (height, 1), (width,))
    if mask.shape not in accepted:
        raise InputError(
            f"{file}: mask of shape {mask.shape}; accepted: {', '.join(map(str, accepted))}, as "
            f"k-space is {height} x {width}"
        )
    if not np.isin(mask, (0, 1)).all():
        raise InputError(f"{file}: mask with values beside 0 and 1; accepted: 1 where sampled")
    if not mask.any():
        raise InputError(f"{file}: mask of zeros; accepted: 1 where k-space was sampled")
    return mask.astype(bool)


def _described(
    path: pathlib.Path, slices: np.ndarray, is_stack: bool, has_coils: bool, sampling: str
) -> str:
    height, width = slices.shape[-2:]
    coils = f"{slices.shape[1]} coils" if has_coils else "one coil"
    count = f"{len(slices)} slices of " if is_stack else ""
    advice = "" if has_coils or not is_stack else f"; several coils need {_SEVERAL}"
    if is_stack and width < min(len(slices), height) / 2:
        advice += "; slices are the first axis: transposed?"
    elif has_coils and width < min(slices.shape[1], height) / 2:
        advice += "; coils come before rows and columns: transposed?"
    return f"{path}: {count}{height} x {width}, {coils}, {sampling}{advice}"


def simulated(
    *,
    share: int = SIMULATED_SHARE,
    noise: float = SIMULATED_NOISE,
    real: bool = False,
    seed: int = 0,
) -> Measurement:
    """Some columns of the phantom's k-space, those in the middle among them.

    Args:
      share: one column in so many is sampled, from 2 to 8.
      noise: standard deviation of the noise, where the image has values in [0, 1].
      real: whether the image is real, or has a smooth phase.
      seed: of the columns and the noise.
    """
    draw = np.random.default_rng(seed)
    image = phantom()
    side = len(image)
    if not real:
        rows, columns = np.meshgrid(*[np.linspace(-1, 1, side)] * 2, indexing="ij")
        image = image * np.exp(0.5j * (rows + columns**2))[..., None]
    image = image.astype(np.float32 if real else np.complex64)
    columns = np.zeros((1, side), np.float32)
    middle = side // SIMULATED_MIDDLE
    columns[0, (side - middle) // 2 :][:middle] = 1
    others = np.flatnonzero(columns[0] == 0)
    count = side // share - middle
    columns[0, draw.choice(others, count, replace=False)] = 1
    operator = MaskedFourier(jnp.asarray(columns))
    drawn = draw.normal(size=(2, side, side)) / 2**0.5
    kspace = np.asarray(operator(jnp.asarray(image)))
    kspace = kspace + noise * (drawn[0] + 1j * drawn[1])
    return Measurement(
        path=pathlib.Path("phantom_mri"),
        slices=[kspace.astype(np.complex64)],
        is_stack=False,
        operator=lambda index: operator,
        image_shape=image.shape,
        complex_image=not real,
        simple_name="zero-filled",
        reference=image[None],
        noise=noise,
    )
