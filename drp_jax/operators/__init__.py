"""Forward operators: what happened to the unknown image before it was observed."""

from drp_jax.operators.base import (
    Function,
    Operator,
    PixelOperator,
    adjoint,
    as_operator,
    back_projected_change,
    back_projection,
    filled_back_projection,
    gain,
    is_linear,
    is_seen,
)
from drp_jax.operators.composition import Composition, Offset, Stack
from drp_jax.operators.direct import direct_reconstruction
from drp_jax.operators.filtered_back_projection import filtered_back_projection
from drp_jax.operators.fourier import FourierMagnitude, MaskedFourier, from_fft2
from drp_jax.operators.matrix import Matrix, from_scico
from drp_jax.operators.mosaic import Bayer
from drp_jax.operators.pixels import (
    MOST_FACTOR,
    Blur,
    Boundary,
    Downsample,
    Identity,
    Mask,
    Resampling,
)
from drp_jax.operators.radon import FanBeam, Radon

__all__ = [
    "MOST_FACTOR",
    "Bayer",
    "Blur",
    "Boundary",
    "Composition",
    "Downsample",
    "FanBeam",
    "FourierMagnitude",
    "Function",
    "Identity",
    "Mask",
    "MaskedFourier",
    "Matrix",
    "Offset",
    "Operator",
    "PixelOperator",
    "Radon",
    "Resampling",
    "Stack",
    "adjoint",
    "as_operator",
    "back_projected_change",
    "back_projection",
    "direct_reconstruction",
    "filled_back_projection",
    "filtered_back_projection",
    "from_fft2",
    "from_scico",
    "gain",
    "is_linear",
    "is_seen",
]
