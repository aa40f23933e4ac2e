"""Line integrals of an image along the rays of a beam, and their adjoint. Linear.

Coordinates are in pixels from the centre of rotation, x to the right and y upwards. A ray is the
line `x cos(phi) + y sin(phi) = s`. An image `[H, W, 1]`, real or complex, gives a sinogram
`[views, detectors]`: integrals with the side of a pixel as the unit of length.

A ray is followed by Joseph's method (IEEE Trans. Med. Imaging 1, 1982): at every column, or at
every row if it is steeper than 45 degrees, the image is interpolated linearly between two pixels. A
pixel whose centre is r away from the ray has thus the weight `max(m - |r|, 0) / m^2` where m is the
greater one of |cos(phi)| and |sin(phi)|. The adjoint sums, for every pixel, the few rays whose
weight is not zero; it is the exact transpose. Derivatives with respect to the geometry are zero.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from drp_jax.errors import require
from drp_jax.operators.base import Observation, Operator, Shape

_UNROLLED = 4  # steps along the rays that make one loop body


class Projection(Operator):
    """Base of the two beams: what a ray is and where a pixel is seen differs, all else is here.

    Attributes:
      angles: `[views]`, radians.
      shape: (H, W) of the image.
      detectors: how many there are.
      spacing: between two detectors, in pixels.
      offset: of the middle of the detectors from where the central ray meets them, in pixels.
      centre: (row, column) of the centre of rotation; None is the middle of the image,
        ((H - 1) / 2, (W - 1) / 2).
    """

    angles: jax.Array
    shape: tuple[int, int]
    detectors: Any
    spacing: Any
    offset: Any
    centre: tuple[float, float] | None

    def __call__(self, image: jax.Array) -> jax.Array:
        require(
            image.shape == (*self.shape, 1),
            f"image has shape {image.shape}; accepted: {(*self.shape, 1)}",
        )
        return for_complex(lambda part: _project(self, part), image[..., 0])

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        if not jnp.issubdtype(image.dtype, jnp.complexfloating):
            observation = jnp.real(observation)
        spread = for_complex(lambda part: _spread(self, part), jnp.asarray(observation))
        return spread[..., None].astype(image.dtype)

    def image_shape(self, observation: Observation) -> Shape:
        shape, own = getattr(observation, "shape", None), (len(self.angles), self.detectors)
        require(
            shape == own,
            f"observation has shape {shape}; accepted: {own}, the views and detectors of the "
            "operator",
        )
        return (*self.shape, 1)

    def rays(self, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The phi and s `[detectors]` of the rays of a view."""
        raise NotImplementedError

    def seen(self, x: jax.Array, y: jax.Array, angle: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Where on the detector a point is seen, from the central ray, and how enlarged."""
        raise NotImplementedError

    def most_enlarged(self) -> Any:
        """A bound on how wide the shadow of a disc in the image is, over the disc's width."""
        raise NotImplementedError

    def most_oblique(self) -> Any:
        """How much wider a shadow is where a ray meets the detector most obliquely."""
        raise NotImplementedError

    @property
    def positions(self) -> jax.Array:
        """Where the detectors are, in pixels from the central ray `[detectors]`."""
        middle = (self.detectors - 1) / 2
        return (jnp.arange(self.detectors) - middle) * self.spacing + self.offset

    @property
    def middle(self) -> tuple[float, float]:
        """The row and the column of the centre of rotation."""
        height, width = self.shape
        return ((height - 1) / 2, (width - 1) / 2) if self.centre is None else self.centre

    def pixels(self, dtype: Any) -> tuple[jax.Array, jax.Array]:
        """The coordinates x `[1, W]` and y `[H, 1]` of the pixels."""
        (height, width), (row, column) = self.shape, self.middle
        x, y = jnp.arange(width, dtype=dtype) - column, row - jnp.arange(height, dtype=dtype)
        return x[None], y[:, None]

    @property
    def radius(self) -> float:
        """From the centre of rotation to the farthest corner of the image, in pixels."""
        (height, width), (row, column) = self.shape, self.middle
        return math.hypot(max(row, height - 1 - row) + 0.5, max(column, width - 1 - column) + 0.5)

    def detector(self, position: jax.Array) -> jax.Array:
        """Which detector, as a real number, is at a position."""
        return (position - self.offset) / self.spacing + (self.detectors - 1) / 2


@jax.custom_vjp
def _project(operator: Projection, image: jax.Array) -> jax.Array:
    """The sinogram `[views, detectors]` of a real image `[H, W]`."""
    dtype, (height, width) = image.dtype, operator.shape
    side = max(height, width)
    phi, s = jax.vmap(operator.rays)(jnp.asarray(operator.angles, dtype))
    cosine, sine, s = jnp.cos(phi).astype(dtype), jnp.sin(phi).astype(dtype), s.astype(dtype)
    # A hair more than 45 degrees, where rounding must not decide.
    flat = jnp.abs(sine) > jnp.abs(cosine) - 1e-5
    # A flat ray meets column j at a row, another one row j at a column: at first + j * slope.
    middle_row, middle_column = operator.middle
    safe_sine, safe_cosine = jnp.where(flat, sine, 1.0), jnp.where(flat, 1.0, cosine)
    row = middle_row - (s + middle_column * cosine) / safe_sine
    column = middle_column + (s - middle_row * sine) / safe_cosine
    first = jnp.where(flat, row, column)
    slope = jnp.where(flat, cosine / safe_sine, sine / safe_cosine)
    # Lines of pixels one after the other, each between two zeros: first columns, then rows.
    square = jnp.pad(image, ((0, side - height), (0, side - width)))
    lines = jnp.pad(jnp.stack([square.T, square]), ((0, 0), (0, 0), (1, 1)))
    pixels, pitch = lines.reshape(-1), side + 2
    start = jnp.where(flat, 0, side * pitch) + 1

    def add(step: jax.Array, total: jax.Array) -> jax.Array:
        place = jnp.clip(first + step * slope, -1.0, side)
        below = jnp.minimum(jnp.floor(place), side - 1)
        at = start + step * pitch + below.astype(jnp.int32)
        one = pixels.at[at].get(mode="promise_in_bounds")
        other = pixels.at[at + 1].get(mode="promise_in_bounds")
        return total + one + (place - below) * (other - one)

    total = lax.fori_loop(0, side, add, jnp.zeros(phi.shape, dtype), unroll=_UNROLLED)
    return total / jnp.where(flat, jnp.abs(sine), jnp.abs(cosine))


@jax.custom_vjp
def _spread(operator: Projection, sinogram: jax.Array) -> jax.Array:
    """The transpose of `_project`: a real image `[H, W]`."""
    dtype, last = sinogram.dtype, operator.detectors - 1
    x, y = operator.pixels(dtype)
    # Rays that pass a pixel at less than 1 meet the detector in an interval: the first of them, and
    # how many there are at most. A shadow on a flat detector is wider where the ray is oblique.
    radius = operator.most_oblique() / operator.spacing
    most = jnp.ceil(2 * radius * operator.most_enlarged()).astype(jnp.int32)

    def add_view(image: jax.Array, view: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        angle, values = view
        phi, s = operator.rays(angle)
        cosine, sine = jnp.cos(phi).astype(dtype), jnp.sin(phi).astype(dtype)
        widest = jnp.maximum(jnp.abs(cosine), jnp.abs(sine))
        scaled = values / jnp.square(widest)
        position, enlarged = operator.seen(x, y, angle)
        first = jnp.floor(operator.detector(position) - radius * enlarged).astype(jnp.int32) + 1

        def add(step: jax.Array, image: jax.Array) -> jax.Array:
            ray = first + step
            at = jnp.clip(ray, 0, last)
            off = jnp.abs(x * cosine[at] + y * sine[at] - s[at])
            weight = jnp.maximum(widest[at] - off, 0.0) * scaled[at]
            return image + jnp.where(ray == at, weight, 0.0).astype(dtype)

        return lax.fori_loop(0, most, add, image), None

    angles = jnp.asarray(operator.angles, dtype)
    image, _ = lax.scan(add_view, jnp.zeros(operator.shape, dtype), (angles, sinogram))
    return image


def _with_geometry(function: Callable) -> Callable:
    """The first half of a derivative, which keeps the geometry."""
    return lambda operator, value: (function(operator, value), operator)


def _without_geometry(function: Callable) -> Callable:
    """The second half: the other of two functions that are each other's transpose."""
    return lambda operator, value: (None, function(operator, value))  # None stands for zeros


_project.defvjp(_with_geometry(_project), _without_geometry(_spread))
_spread.defvjp(_with_geometry(_spread), _without_geometry(_project))


def for_complex(function: Callable[[jax.Array], jax.Array], value: jax.Array) -> jax.Array:
    """A real linear function of the real and of the imaginary part; of whole numbers as float."""
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        value = value.astype(jnp.float32)
    if jnp.iscomplexobj(value):
        return lax.complex(function(value.real), function(value.imag))
    return function(value)
