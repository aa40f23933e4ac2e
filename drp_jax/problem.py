"""The problem: what was measured, how, and what is known of the unknown image."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import (
    InputError,
    is_known,
    plugged_in,
    require,
    require_finite,
    require_form,
    require_kind,
    require_number_of,
    shown,
)
from drp_jax.metrics import Metric, psnr
from drp_jax.noise import Gaussian, Noise, NoiseFree, Poisson
from drp_jax.operators import Operator, as_operator
from drp_jax.operators.base import Observation, Shape
from drp_jax.operators.pixels import picture_shape
from drp_jax.pytrees import as_pytree, fixed, record

SMALLEST_SIDE = 8
UNIT = (0.0, 1.0)

_NUMBERS = "arrays of numbers, real or complex, or a pytree of them"
_NOISES = (NoiseFree, Gaussian, Poisson)


@record
class Problem:
    """An observation with all that belongs to it, checked when it is made.

    A pytree: what the operator, the noise and the range hold are leaves, so that `jax.vmap` runs
    over masks, kernels or noise levels, and another value does not compile again.

    Args:
      observation: what was measured: an array of any shape, real or complex, or a pytree of
        arrays. A picture is float `[H, W, C]`.
      operator: how the observation comes from the image: an operator, or any function of an
        image; the identity by default.
      noise: what is known of the noise: `NoiseFree()`, `Gaussian(level)`, `Gaussian()` if the
        level is to be estimated, `Poisson(scale)`; None if nothing is said.
      image_shape: the shape `(H, W, C)` of the unknown image, H and W from 8 up; needed where the
        operator does not know it.
      value_range: the least and the greatest value of the unknown image, or of its real and its
        imaginary part; None if they are not known.
      complex_image: whether the unknown image is complex. Its range is then None unless it is
        given.
      reference: the true image `(H, W, C)` if it is known, for the history alone.
      metric: what the history follows, a function of image and reference. It is given both as
        `as_scored` has them.

    Raises:
      InputError: if a type, a shape or a value does not fit. Values are checked only where they
        are known, not inside transformations.
    """

    observation: Observation
    operator: Any = None
    noise: Noise | None = None
    image_shape: Shape | None = fixed(default=None)
    value_range: tuple[float, float] | None = UNIT
    complex_image: bool = fixed(default=False)
    reference: Any = None
    metric: Metric = psnr

    def __post_init__(self) -> None:
        require_kind(self.complex_image, bool, "complex_image", "True or False")
        operator = as_operator(self.operator)
        is_level = isinstance(self.noise, (int, float)) and self.noise > 0
        level = shown(self.noise) if is_level else "..."
        accepted = f"Gaussian({level}), Poisson(...) or NoiseFree()"
        require_kind(self.noise, (*_NOISES, type(None)), "noise", accepted)
        value_range = _checked_range(self.value_range, self.complex_image)
        is_picture = operator.maps_pictures
        if is_picture:
            picture_shape(self.observation)
        observation = _as_numbers(
            self.observation, refuse_whole=is_picture and _is_unit(value_range)
        )
        shape = _image_shape(operator, observation, self.image_shape)
        observation = operator.known(observation)
        check_values(observation, "observation", value_range if is_picture else None)
        _check_noise(self.noise, observation)
        for name, value in (
            ("operator", operator),
            ("value_range", value_range),
            ("observation", observation),
            ("image_shape", shape),
            ("metric", as_pytree(self.metric, "metric")),
        ):
            object.__setattr__(self, name, value)
        _check_prediction(operator, self.image, observation)
        if self.reference is not None:
            reference = _as_numbers(self.reference, "reference", refuse_whole=_is_unit(value_range))
            require(
                getattr(reference, "shape", None) == shape,
                f"reference has shape {getattr(reference, 'shape', None)}; accepted: {shape}, the "
                "image's",
            )
            require(
                self.complex_image or reference.dtype.kind != "c",
                f"reference has type {reference.dtype}, and the image is real; accepted: float, or "
                "complex_image=True",
            )
            check_values(reference, "reference", value_range)
            object.__setattr__(self, "reference", reference.astype(self.image.dtype))
            scored = jax.eval_shape(self.as_scored, self.image)
            name, given = f"metric {self.metric_name}", f"two images {shape}"
            require_number_of(self.metric, scored, scored, name=name, given=given)

    @property
    def image(self) -> jax.ShapeDtypeStruct:
        """Shape and type of the unknown image."""
        assert self.image_shape is not None
        kind = jnp.complex64 if self.complex_image else jnp.float32
        return jax.ShapeDtypeStruct(self.image_shape, kind)

    @property
    def metric_name(self) -> str:
        """What the metric is called in the history."""
        return getattr(self.metric, "__name__", type(self.metric).__name__)

    def in_range(self, image: jax.Array) -> jax.Array:
        """The image with its values brought into the range, if there is one."""
        if self.value_range is None:
            return image
        if self.complex_image:
            return jax.lax.complex(
                jnp.clip(image.real, *self.value_range), jnp.clip(image.imag, *self.value_range)
            )
        return jnp.clip(image, *self.value_range)

    def as_scored(self, image: jax.Array) -> jax.Array:
        """An image as metrics take it: the range brought to [0, 1]; the magnitude if complex."""
        if self.complex_image:
            return jnp.abs(image)
        if self.value_range is None:
            return image
        low, high = self.value_range
        return (image - low) / (high - low)


def _checked_range(value_range: Any, complex_image: bool) -> tuple | None:
    if value_range is None or (complex_image and value_range is UNIT):
        return None
    accepted = "None, or two finite numbers, the least and the greatest value"
    require(
        isinstance(value_range, (tuple, list)) and len(value_range) == 2,
        f"value_range is {shown(value_range)}; accepted: {accepted}",
    )
    if all(is_known(bound) for bound in value_range):
        is_fine = all(
            isinstance(bound, (int, float, np.generic, np.ndarray, jax.Array))
            and np.asarray(bound).dtype.kind in "iuf"
            and np.ndim(bound) == 0
            and np.isfinite(np.asarray(bound))
            for bound in value_range
        ) and bool(np.asarray(value_range[0]) < np.asarray(value_range[1]))
        require(is_fine, f"value_range is {shown(value_range)}; accepted: {accepted}")
    return tuple(value_range)


def _is_unit(value_range: tuple | None) -> bool:
    """Whether a range is known to be [0, 1]."""
    if value_range is None:
        return False
    return all(is_known(bound) for bound in value_range) and value_range == UNIT


def _as_numbers(value: Any, name: str = "observation", *, refuse_whole: bool) -> Observation:
    """The arrays of a pytree as float32 or complex64."""

    def converted(leaf: Any) -> Any:
        is_array = isinstance(leaf, (np.ndarray, np.generic, jax.Array, int, float, complex))
        kind = getattr(leaf, "dtype", np.dtype(type(leaf))) if is_array else np.dtype(object)
        is_number = jnp.issubdtype(kind, jnp.number) or jnp.issubdtype(kind, jnp.bool_)
        require(is_number, f"{name} is {shown(leaf)}; accepted: {_NUMBERS}")
        require(
            jnp.issubdtype(kind, jnp.inexact) or not refuse_whole,
            f"{name} has type {kind}; accepted: float, values in [0, 1]; or give value_range, like "
            "(0, 255)",
        )
        wanted = np.complex64 if jnp.issubdtype(kind, jnp.complexfloating) else np.float32
        # What NumPy holds stays there: inside a trace JAX would hide its values.
        return leaf.astype(wanted) if isinstance(leaf, jax.Array) else np.asarray(leaf, wanted)

    try:
        leaves = jax.tree.leaves(value)
    except Exception as error:  # a container that JAX cannot take apart
        raise InputError(f"{name} is {shown(value)} ({error}); accepted: {_NUMBERS}") from None
    require(len(leaves) > 0, f"{name} is {shown(value)}; accepted: {_NUMBERS}")
    return jax.tree.map(converted, value)


def _image_shape(operator: Operator, observation: Observation, given: Any) -> Shape:
    accepted = f"(H, W, C) with H and W from {SMALLEST_SIDE} up"
    if given is not None:
        is_shape = isinstance(given, (tuple, list)) and len(given) == 3
        is_shape = is_shape and all(
            isinstance(side, (int, np.integer)) and not isinstance(side, bool) for side in given
        )
        require(is_shape, f"image_shape is {shown(given)}; accepted: {accepted}")
        given = tuple(int(side) for side in given)
    own = operator.image_shape(observation)
    # A function that does not know the image's shape takes it to be the observation's.
    is_guess = not operator.maps_pictures and given is not None
    shape = given if own is None or is_guess else own
    require(
        shape is not None,
        "the operator does not say the shape of its image; accepted: "
        f"Problem(observation, operator, image_shape=...), {accepted}",
    )
    require(
        given is None or given == shape,
        f"image_shape is {given}; accepted: {shape}, which the operator and the observation have",
    )
    require(
        min(shape[:2]) >= SMALLEST_SIDE and shape[2] >= 1,
        f"image has shape {shape}; accepted: {accepted}",
    )
    return shape


def check_values(value: Observation, name: str, value_range: tuple | None) -> None:
    """Raises InputError if values that are known are not finite, or far outside the range.

    Noise may take values out of a range; three times its width tells it from another scale.
    """
    for leaf in jax.tree.leaves(value):
        if not is_known(leaf) or leaf.size == 0:
            continue
        numbers = np.asarray(leaf)  # NumPy, because JAX would compute it inside a trace
        require_finite(numbers, name)
        if value_range is None or numbers.dtype.kind == "c":
            continue
        if not all(is_known(bound) for bound in value_range):
            continue
        bounds = [float(np.asarray(bound).flat[0]) for bound in value_range]
        span = bounds[1] - bounds[0]
        low, high = float(numbers.min()), float(numbers.max())
        require(
            bounds[0] - span <= low and high <= bounds[1] + span,
            f"{name} has values from {low:g} to {high:g}; accepted: [{bounds[0]:g}, "
            f"{bounds[1]:g}], or a little more; or another value_range",
        )


def _check_noise(noise: Noise | None, observation: Observation) -> None:
    """Raises InputError unless what the noise holds fits the observation."""
    own = getattr(observation, "shape", ())
    if isinstance(noise, Poisson):
        shape = jnp.shape(noise.scale)
        require(shape == (), f"photon scale has shape {shape}; accepted: one number")
    if isinstance(noise, Gaussian) and noise.level is not None:
        shape = jnp.shape(noise.level)
        is_map = len(shape) == len(own) and all(
            n in (1, most) for n, most in zip(shape, own, strict=True)
        )
        require(
            shape == () or is_map or shape == own[:2],
            f"noise level has shape {shape}; accepted: one number, or a map {own[:2]} or {own}",
        )


@jax.jit
def _prediction(operator: Callable, image: jax.Array) -> Observation:
    """What an operator predicts; compiled, so that it is traced once for many alike problems."""
    return operator(image)


def _check_prediction(
    operator: Callable, image: jax.ShapeDtypeStruct, observation: Observation
) -> None:
    """Raises InputError unless the operator's prediction has the observation's form."""
    given = f"an image {image.shape} of type {image.dtype}"
    with plugged_in("operator", given):
        predicted = _prediction.eval_shape(operator, image)
    require_form(predicted, observation, "operator", given)
