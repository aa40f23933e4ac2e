"""Forward operators: what happened to the unknown image before it was observed."""

from drp_jax.operators.base import (
    Function,
    Operator,
    PixelOperator,
    adjoint,
    as_operator,
    back_projection,
    filled_back_projection,
    gain,
    is_seen,
)
from drp_jax.operators.composition import Composition
from drp_jax.operators.pixels import (
    MOST_FACTOR,
    Blur,
    Boundary,
    Downsample,
    Identity,
    Mask,
    Resampling,
)

__all__ = [
    "MOST_FACTOR",
    "Blur",
    "Boundary",
    "Composition",
    "Downsample",
    "Function",
    "Identity",
    "Mask",
    "Operator",
    "PixelOperator",
    "Resampling",
    "adjoint",
    "as_operator",
    "back_projection",
    "filled_back_projection",
    "gain",
    "is_seen",
]
