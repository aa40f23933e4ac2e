"""Linear operators that others wrote: a matrix, dense or sparse, and an operator of SCICO."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import is_known, is_whole, require, require_finite, require_kind, shown
from drp_jax.operators.base import Observation, Operator, Shape
from drp_jax.products import exact_products
from drp_jax.pytrees import as_pytree, fixed, record

_ARRAYS = (np.ndarray, jax.Array)


@record
class Matrix(Operator):
    """A matrix times the image as a vector: row by row, the channels of a pixel together. Linear.

    The observation is `[M]`.

    Attributes:
      matrix: `[M, H * W * C]`, real or complex; dense or a `jax.experimental.sparse.BCOO`, as
        `BCOO.from_scipy_sparse` makes one.
      shape: (H, W, C) of the image, or (H, W) for one channel.

    Raises:
      InputError: if a value is something else, or the two do not fit.
    """

    matrix: Any
    shape: tuple[int, ...] = fixed()

    def __post_init__(self) -> None:
        from jax.experimental.sparse import BCOO  # which is slow to import, and seldom needed

        shape = self.shape
        require(
            isinstance(shape, (tuple, list))
            and len(shape) in (2, 3)
            and all(is_whole(side, 1) for side in shape),
            f"shape is {shown(shape)}; accepted: (H, W, C) or (H, W) of the image",
        )
        shape = (*(int(side) for side in shape), 1)[:3]
        object.__setattr__(self, "shape", shape)
        require_kind(self.matrix, (*_ARRAYS, BCOO), "matrix", "an array [M, H * W * C] or a BCOO")
        if is_known(self.matrix):
            kind, size = self.matrix.dtype, self.matrix.shape
            require(jnp.issubdtype(kind, jnp.number), f"matrix has type {kind}; accepted: numbers")
            require(
                len(size) == 2 and size[0] >= 1 and size[1] == np.prod(shape),
                f"matrix has shape {size}; accepted: (M, {np.prod(shape)}), for an image {shape}",
            )
            is_sparse = isinstance(self.matrix, BCOO)
            require_finite(self.matrix.data if is_sparse else self.matrix, "matrix")

    @exact_products
    def __call__(self, image: jax.Array) -> jax.Array:
        kind = jnp.promote_types(self.matrix.dtype, image.dtype)
        return self.matrix @ image.reshape(-1).astype(kind)

    def image_shape(self, observation: Observation) -> Shape:
        shape, rows = getattr(observation, "shape", None), self.matrix.shape[0]
        require(
            shape == (rows,),
            f"observation has shape {shape}; accepted: ({rows},), one number per row of the matrix",
        )
        return self.shape


@record
class External(Operator):
    """A linear operator with an adjoint of its own; made by `from_scico`.

    Attributes:
      operator: a callable with `input_shape` and `adj`.
    """

    operator: Any

    def __call__(self, image: jax.Array) -> Observation:
        return self.operator(image.reshape(self.operator.input_shape))

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        result = self.operator.adj(observation).reshape(image.shape)
        is_complex = jnp.issubdtype(image.dtype, jnp.complexfloating)
        return (result if is_complex else jnp.real(result)).astype(image.dtype)

    def image_shape(self, observation: Observation) -> Shape:
        own, shape = (
            getattr(self.operator, "output_shape", None),
            getattr(observation, "shape", None),
        )
        require(
            own is None or shape is None or tuple(own) == shape,
            f"observation has shape {shape}; accepted: {own}, the operator's output",
        )
        return (*self.operator.input_shape, 1)[:3]


def from_scico(operator: Any) -> External:
    """A linear operator of SCICO, or another with the same interface, as one of this library.

    The adjoint is the operator's own. SCICO is not imported.

    Args:
      operator: a function of an image of `input_shape`, (H, W) or (H, W, C), with `adj(y)` for the
        conjugate transpose; `output_shape`, if it has one, is what observations are checked with.

    Raises:
      InputError: if the operator has no such interface.
    """
    accepted = "a linear operator with input_shape (H, W) or (H, W, C), and adj"
    shape = getattr(operator, "input_shape", None)
    require(
        isinstance(shape, tuple)
        and len(shape) in (2, 3)
        and all(is_whole(side, 1) for side in shape)
        and callable(getattr(operator, "adj", None)),
        f"operator is {shown(operator)}; accepted: {accepted}",
    )
    return External(as_pytree(operator, "operator"))
