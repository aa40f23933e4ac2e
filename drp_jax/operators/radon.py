"""Tomography with parallel or fan beams: which rays the views of a `Projection` have."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import (
    is_known,
    is_whole,
    require,
    require_finite,
    require_kind,
    require_number,
    require_whole,
    shown,
)
from drp_jax.operators.projection import Projection
from drp_jax.pytrees import fixed, record

_ARRAYS = (np.ndarray, jax.Array)
_MOST_DETECTORS = 2**20
_MOST_ANGLE = 2 * math.pi * 1.1  # a turn and a little more


@record
class Radon(Projection):
    """Parallel rays: `phi` is the angle of the view, `s` the place on the detector.

    At angle 0 the rays run along the columns, and the detectors are numbered from left to right.
    The sinogram is the transpose of `skimage.transform.radon(image, numpy.rad2deg(angles))`.

    Attributes:
      angles: `[views]`, radians; from -2 pi to 2 pi.
      shape: (H, W) of the image.
      detectors: how many. By default enough for the whole image at every angle, and odd or even so
        that at angle 0 the rays meet the centres of the pixels.
      spacing: between two detectors, in pixels, above 0.
      offset: of the middle of the detectors from the projected centre of rotation, in pixels; not
        so far that no ray meets the image.
      centre: (row, column) of the centre of rotation; None is the middle of the image,
        ((H - 1) / 2, (W - 1) / 2).

    Raises:
      InputError: if a value is something else.
    """

    angles: jax.Array
    shape: tuple[int, int] = fixed()
    detectors: int | None = fixed(default=None)
    spacing: float | jax.Array = 1.0
    offset: float | jax.Array = 0.0
    centre: tuple[float, float] | None = fixed(default=None)

    def __post_init__(self) -> None:
        _check(self)
        if self.detectors is None:
            width = 2 * self.radius
            object.__setattr__(self, "detectors", _enough(self, width))
        _check_met(self)

    def rays(self, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jnp.broadcast_to(angle, (self.detectors,)), self.positions

    def seen(self, x: jax.Array, y: jax.Array, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        return x * jnp.cos(angle) + y * jnp.sin(angle), jnp.ones(())

    def most_enlarged(self) -> float:
        return 1.0

    def most_oblique(self) -> float:
        return 1.0


@record
class FanBeam(Projection):
    """Rays from a point to a flat detector: `phi = angle + gamma`, `s = R sin(gamma)`.

    R is the distance of the source to the centre of rotation; gamma is the angle of the ray to the
    central one, the arc tangent of the place on the detector over the distance of the source to
    it. At angle 0 the source is above the image and the detectors are numbered from left to right;
    it turns anticlockwise.

    Attributes:
      angles: `[views]`, radians; from -2 pi to 2 pi.
      shape: (H, W) of the image.
      source_distance: from the source to the centre of rotation, in pixels; more than half of the
        image's diagonal.
      detector_distance: from the centre of rotation to the detector, in pixels, from 0 up.
      detectors: how many; by default enough for the circle around the image.
      spacing: between two detectors, in pixels, above 0.
      offset: of the middle of the detectors from the central ray, in pixels; not so far that no
        ray meets the image.
      centre: (row, column) of the centre of rotation; None is the middle of the image,
        ((H - 1) / 2, (W - 1) / 2).

    Raises:
      InputError: if a value is something else.
    """

    angles: jax.Array
    shape: tuple[int, int] = fixed()
    source_distance: float | jax.Array
    detector_distance: float | jax.Array
    detectors: int | None = fixed(default=None)
    spacing: float | jax.Array = 1.0
    offset: float | jax.Array = 0.0
    centre: tuple[float, float] | None = fixed(default=None)

    def __post_init__(self) -> None:
        _check(self)
        radius = self.radius
        require_number(
            self.source_distance,
            "source_distance",
            radius + 1,
            accepted=f"{radius + 1:.1f} pixels or more, so that the source is outside the image",
        )
        require_number(
            self.detector_distance, "detector_distance", 0.0, accepted="pixels, from 0 up"
        )
        if self.detectors is None:
            distances = self.source_distance, self.detector_distance
            require(
                all(map(is_known, distances)),
                "detectors is None, and the distances are not known; accepted: whole numbers",
            )
            source, behind = (float(np.max(np.asarray(one))) for one in distances)
            nearest = float(np.min(np.asarray(self.source_distance)))
            width = 2 * (source + behind) * math.tan(math.asin(radius / nearest))
            object.__setattr__(self, "detectors", _enough(self, width))
        _check_met(self)

    @property
    def reach(self) -> Any:
        """From the source to the detector, in pixels."""
        return self.source_distance + self.detector_distance

    def rays(self, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        gamma = jnp.arctan2(self.positions, self.reach)
        return angle + gamma, self.source_distance * jnp.sin(gamma)

    def seen(self, x: jax.Array, y: jax.Array, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        enlarged = self.reach / (self.source_distance + x * sine - y * cosine)
        return enlarged * (x * cosine + y * sine), enlarged

    def most_enlarged(self) -> Any:
        return self.reach / (self.source_distance - self.radius)

    def most_oblique(self) -> jax.Array:
        return jnp.hypot(1.0, jnp.max(jnp.abs(self.positions)) / self.reach)


def _enough(operator: Projection, width: float) -> int:
    """The least number of detectors that cover a width and have a ray through a row of centres."""
    spacing, like = operator.spacing, round(2 * operator.middle[1]) + 1
    require(
        is_known(spacing),
        "detectors is None, and the spacing is not known; accepted: whole numbers",
    )
    count = math.ceil(width / float(np.min(np.asarray(spacing))))
    return count + (count - like) % 2


def _check(operator: Projection) -> None:
    """Raises InputError unless what both beams have is as it should be."""
    angles, shape = operator.angles, operator.shape
    accepted = "an array [views] of radians from -2 pi to 2 pi"
    require_kind(angles, _ARRAYS, "angles", accepted)
    if is_known(angles):
        values = np.asarray(angles)
        is_fine = values.ndim >= 1 and values.size >= 1 and values.dtype.kind in "iuf"
        require(is_fine, f"angles is {shown(angles)}; accepted: {accepted}")
        require_finite(values, "angles")
        largest = float(np.abs(values).max())
        require(
            largest <= _MOST_ANGLE,
            f"angles reach {largest:g}, which looks like degrees; accepted: {accepted}, which are "
            "pi / 180 times degrees",
        )
    is_pair = isinstance(shape, (tuple, list)) and len(shape) == 2
    require(
        is_pair and all(is_whole(side, 1) for side in shape),
        f"shape is {shown(shape)}; accepted: (H, W) of the image",
    )
    object.__setattr__(operator, "shape", tuple(int(side) for side in shape))
    if operator.detectors is not None:
        require_whole(operator.detectors, "detectors", 1, _MOST_DETECTORS)
    require_number(
        operator.spacing, "spacing", 0.0, least_allowed=False, accepted="pixels, above 0"
    )
    require_number(operator.offset, "offset", -np.inf, accepted="pixels, a finite number")
    if operator.centre is not None:
        accepted = "(row, column) in the image"
        is_pair = isinstance(operator.centre, (tuple, list)) and len(operator.centre) == 2
        require(is_pair, f"centre is {shown(operator.centre)}; accepted: {accepted}")
        for place, side in zip(operator.centre, operator.shape, strict=True):
            require_number(place, "centre of rotation", 0, side - 1, accepted=accepted)
        object.__setattr__(operator, "centre", tuple(map(float, operator.centre)))


def _check_met(operator: Projection) -> None:
    """Raises InputError if the detectors are so far aside that no ray meets the image."""
    if not all(map(is_known, jax.tree.leaves(operator))):
        return
    with jax.ensure_compile_time_eval():  # known arrays are so within transformations too
        half = (operator.detectors - 1) / 2 * operator.spacing
        most = float(np.min(operator.radius * operator.most_enlarged() + half))
        is_met = bool(np.all(np.abs(operator.offset) <= most))
    require(
        is_met,
        f"offset is {shown(operator.offset)}, with which no ray meets the image; accepted: pixels, "
        f"from {-most:g} to {most:g}",
    )
