"""Measurements of clean images: MRI, tomography, blurs, compressed sensing ...

mri:4              one row of k-space in 4, a third of them around the centre
mri:8,8            one in 8, by 8 coils around the image
ct:24              24 parallel views of half a turn
blur:gaussian:1.6  a blur, by a kernel of `operators.kernels`; also blur:motion:9,30, blur:disk:4
sensing:0.25       compressed sensing: products with normal numbers, a quarter as many as values
phase              phase retrieval: magnitudes of the transforms of 4 copies with random signs
mosaic             one colour a pixel, as a camera's sensor sees
"""

import dataclasses
import functools
import math
import re
from collections.abc import Callable
from typing import NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import InputError
from drp_jax.noise import Gaussian
from drp_jax.operators import Bayer, Blur, FourierMagnitude, MaskedFourier, Matrix, Operator, Radon
from drp_jax.operators.kernels import KernelShape
from drp_jax.problem import Problem

ACCEPTED = (
    'mri:ACCELERATION, "mri:ACCELERATION,COILS", ct:VIEWS, blur:KERNEL, sensing:SHARE, phase, '
    "mosaic"
)

_MOST_COILS = 64
_MOST_VIEWS = 10_000
_MOST_ENTRIES = 2**28  # of a matrix, a gigabyte
_COPIES = 4

Shape = tuple[int, int, int]
Draw = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Measurement:
    """How an image is measured.

    Attributes:
      text: its name in a plan.
      check: raises InputError unless an image of a shape (H, W, C) can be measured so.
      operator: makes the operator for such an image, from draws.
    """

    text: str
    check: Callable[[Shape], None]
    operator: Callable[[Shape, Draw], Operator]

    def measured(self, clean: np.ndarray, draw: Draw, noise: float = 0.0) -> Problem:
        """What it gives of an image `[H, W, C]`, with white noise.

        Args:
          clean: the image.
          draw: what the operator and then the noise are drawn from.
          noise: its deviation, of a complex number's both parts together; for tomography that of
            a ray through half of the image.

        Raises:
          InputError: if such an image cannot be measured so.
        """
        self.check(clean.shape)
        operator = self.operator(clean.shape, draw)
        through = len(clean) / 2 if isinstance(operator, Radon) else 1.0
        return observed(clean, draw, operator=operator, noise=noise * through)


def observed(clean: np.ndarray, draw: Draw, *, operator: Callable, noise: float = 0.0) -> Problem:
    """What an operator gives of a clean image, with white noise whose level the problem states.

    Args:
      clean: `[H, W, C]`.
      draw: what the noise is drawn from.
      operator: a function of an image.
      noise: its deviation, of a complex number's both parts together; 0 for none.
    """
    exact = jax.tree.map(np.asarray, jax.jit(lambda image: operator(image))(jnp.asarray(clean)))
    return Problem(
        jax.tree.map(lambda one: one + noise * white_noise(one, draw), exact),
        operator,
        noise=Gaussian(noise) if noise else None,
        image_shape=clean.shape,
        reference=clean,
    )


def white_noise(like: np.ndarray, draw: Draw) -> np.ndarray:
    """White noise of deviation 1 for an array; of complex numbers that of both parts together."""
    white = draw.normal(size=like.shape)
    if np.iscomplexobj(like):
        white = (white + 1j * draw.normal(size=like.shape)) / 2**0.5
    return white


def measurement(text: str) -> Measurement | None:
    """The measurement that a text names, None if it begins like none.

    Raises:
      InputError: if what follows is not accepted.
    """
    kind, _, argument = text.partition(":")
    if kind not in KINDS:
        return None
    return KINDS[kind](text, argument)


def _mri(text: str, argument: str) -> Measurement:
    accepted = f"mri:ACCELERATION, from 2 up, or mri:ACCELERATION,COILS, 2 to {_MOST_COILS} coils"
    match _whole_numbers(argument):
        case [acceleration]:
            coils = None
        case [acceleration, coils] if 2 <= coils <= _MOST_COILS:
            pass
        case _:
            _refuse(text, accepted)
    if acceleration < 2:
        _refuse(text, accepted)

    def check(shape: Shape) -> None:
        _channels(text, 1)(shape)
        if acceleration > shape[0] // 2:
            raise InputError(
                f"degradation {text!r} of an image with {shape[0]} rows; accepted: an acceleration "
                f"up to {shape[0] // 2}"
            )

    return Measurement(text, check, functools.partial(_accelerated, acceleration, coils))


def _accelerated(acceleration: int, coils: int | None, shape: Shape, draw: Draw) -> Operator:
    """One row of k-space in so many, a third of them around the centre."""
    rows, middle = shape[0], shape[0] // 2
    low = max(rows // (6 * acceleration), 1)
    centre = np.arange(middle - low, middle + low)
    others = np.setdiff1d(np.arange(rows), centre)
    chosen = draw.choice(others, rows // acceleration - 2 * low, replace=False)
    mask = np.zeros((rows, 1), np.float32)
    mask[np.append(centre, chosen)] = 1
    return MaskedFourier(jnp.asarray(mask), None if coils is None else _sensitivities(coils, shape))


def _sensitivities(coils: int, shape: Shape) -> jax.Array:
    """Coils around the image, each of which sees what is near; their squares add up to 1."""
    turns = np.exp(2j * np.pi * np.arange(coils) / coils)[:, None, None]
    height, width, _ = shape
    rows, columns = np.mgrid[:height, :width] * 2 / np.array([height - 1, width - 1])[:, None, None]
    distance = np.hypot(rows - 1 - 1.2 * turns.imag, columns - 1 - 1.2 * turns.real)
    seen = np.exp(-(distance**2)) * turns
    return jnp.asarray(seen / np.sqrt((np.abs(seen) ** 2).sum(0)), jnp.complex64)


def _ct(text: str, argument: str) -> Measurement:
    accepted = f"ct:VIEWS from 1 to {_MOST_VIEWS}"
    numbers = _whole_numbers(argument)
    if len(numbers) != 1 or not 1 <= numbers[0] <= _MOST_VIEWS:
        _refuse(text, accepted)
    (views,) = numbers

    def half_a_turn(shape: Shape, draw: Draw) -> Operator:
        return Radon(jnp.asarray(np.arange(views) * np.pi / views, jnp.float32), shape=shape[:2])

    return Measurement(text, _channels(text, 1), half_a_turn)


def _blur(text: str, argument: str) -> Measurement:
    try:
        kernel = KernelShape(argument)
    except InputError as error:
        raise InputError(f"degradation {text!r}: {error}") from None

    def check(shape: Shape) -> None:
        kernel.sampled(*shape[:2])

    def blurred(shape: Shape, draw: Draw) -> Operator:
        return Blur(jnp.asarray(kernel.sampled(*shape[:2])))

    return Measurement(text, check, blurred)


def _sensing(text: str, argument: str) -> Measurement:
    try:
        share = float(argument)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        _refuse(text, "sensing:SHARE, above 0, up to 1")

    def count(shape: Shape) -> int:
        return max(round(share * math.prod(shape)), 1)

    def check(shape: Shape) -> None:
        values = math.prod(shape)
        if count(shape) * values > _MOST_ENTRIES:
            raise InputError(
                f"degradation {text!r} of an image {shape} needs a matrix of {count(shape)} x "
                f"{values} numbers; accepted: images of up to "
                f"{math.isqrt(int(_MOST_ENTRIES / share))} values, or a smaller share"
            )

    def products(shape: Shape, draw: Draw) -> Operator:
        matrix = draw.normal(size=(count(shape), math.prod(shape))) / count(shape) ** 0.5
        return Matrix(jnp.asarray(matrix, jnp.float32), shape)

    return Measurement(text, check, products)


def _phase(text: str, argument: str) -> Measurement:
    if text != "phase":
        _refuse(text, "phase, without a number")

    def magnitudes(shape: Shape, draw: Draw) -> Operator:
        signs = draw.choice([-1.0, 1.0], (_COPIES, *shape[:2]))
        return FourierMagnitude(jnp.asarray(signs, jnp.float32), oversampling=1)

    return Measurement(text, _channels(text, 1), magnitudes)


def _mosaic(text: str, argument: str) -> Measurement:
    if text != "mosaic":
        _refuse(text, "mosaic, without a number")
    return Measurement(text, _channels(text, 3), lambda shape, draw: Bayer())


def _whole_numbers(argument: str) -> list[int]:
    """The whole numbers of an argument, none if it has anything else."""
    is_fine = re.fullmatch(r"\d{1,9}(,\d{1,9})*", argument) is not None
    return [int(part) for part in argument.split(",")] if is_fine else []


def _refuse(text: str, accepted: str) -> NoReturn:
    raise InputError(f"degradation {text!r}; accepted: {accepted}")


def _channels(text: str, count: int) -> Callable[[Shape], None]:
    """A check that an image has so many channels."""
    accepted = "1 channel, as `gray: true` makes of colours" if count == 1 else f"{count} channels"

    def check(shape: Shape) -> None:
        if shape[2] != count:
            raise InputError(
                f"degradation {text!r} of an image {shape}; accepted: an image of {accepted}"
            )

    return check


KINDS: dict[str, Callable[[str, str], Measurement]] = {
    "mri": _mri,
    "ct": _ct,
    "blur": _blur,
    "sensing": _sensing,
    "phase": _phase,
    "mosaic": _mosaic,
}
"""What makes the measurement of a text, from the text and what follows its colon, by its kind."""
