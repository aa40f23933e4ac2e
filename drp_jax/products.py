"""Matrix products and convolutions in float32 on every device."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def exact_products(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function with its products of float32 arrays computed in float32.

    JAX lets NVIDIA GPUs from Ampere on round the factors to 10 bits of mantissa, which is not
    enough to invert a matrix or to explain a measurement. Networks choose theirs by
    `untrained.Compute`.
    """

    @functools.wraps(function)
    def exact(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with jax.default_matmul_precision("float32"):
            return function(*args, **kwargs)

    return exact
