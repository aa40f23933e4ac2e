"""Direct reconstructions: what is looked at before anything is restored, and compared with.

Zero-filled k-space, filtered back-projection, least squares; of other linear operators the filled
back-projection, which of pictures is the picture itself, its gaps filled in or enlarged.
"""

import functools

import jax
import jax.numpy as jnp

from drp_jax.errors import require, shown
from drp_jax.operators.base import (
    Function,
    Observation,
    Operator,
    adjoint,
    filled_back_projection,
)
from drp_jax.operators.filtered_back_projection import filtered_back_projection
from drp_jax.operators.fourier import MaskedFourier
from drp_jax.operators.matrix import Matrix
from drp_jax.operators.radon import FanBeam, Radon

_STEPS = 30  # of conjugate gradients


def direct_reconstruction(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The image `[H, W, C]` that is usual for an operator, without regard to noise.

    | operator | image |
    |---|---|
    | `MaskedFourier` | the inverse transform, 0 for what was not sampled; coils combined |
    | `Radon`, `FanBeam` | `filtered_back_projection` |
    | `Matrix`, `Function` | about least squares: of several images the smallest |
    | others | `filled_back_projection` |

    Args:
      operator: linear, or linear but for a constant.
      observation: what was measured.
      image: shape and type of the image, as `Problem.image` or an image of that kind has them.

    Raises:
      InputError: if the operator is not linear, or the image has no shape `(H, W, C)`.
    """
    require(
        len(getattr(image, "shape", ())) == 3,
        f"image is {shown(image)}; accepted: shape (H, W, C) and type, as Problem.image has them",
    )
    return _direct(operator, observation, jax.ShapeDtypeStruct(image.shape, image.dtype))


@functools.partial(jax.jit, static_argnames="image")
def _direct(operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
    if isinstance(operator, MaskedFourier):
        return _zero_filled(operator, observation, image)
    if isinstance(operator, (Radon, FanBeam)):
        return filtered_back_projection(operator, observation)
    if isinstance(operator, (Matrix, Function)):
        return _least_squares(operator, observation, image)
    return filled_back_projection(operator, observation, image)


def _zero_filled(
    operator: MaskedFourier, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The inverse transform with 0 for what was not sampled, coils combined by least squares."""
    found = adjoint(operator, operator.known(observation), image)
    if operator.sensitivities is None:
        return found
    power = jnp.sum(jnp.square(jnp.abs(operator.sensitivities)), axis=0)[..., None]
    return jnp.where(power > 1e-3 * jnp.max(power), found / jnp.maximum(power, 1e-30), 0)


def _least_squares(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The image that fits best, by conjugate gradients from 0: of several the smallest."""
    constant = operator(jnp.zeros(image.shape, image.dtype))

    def back(measured: Observation) -> jax.Array:
        return adjoint(operator, jax.tree.map(jnp.subtract, measured, constant), image)

    def normal(found: jax.Array) -> jax.Array:
        return back(operator(found))

    start = back(observation)
    found, _ = jax.scipy.sparse.linalg.cg(normal, start, maxiter=_STEPS)
    return found
