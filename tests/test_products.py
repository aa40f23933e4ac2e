"""What every matrix product and convolution of the compiled programs asks of the device."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

from drp_jax import Problem, loop, preset
from drp_jax.operators import Blur, Downsample, Matrix
from drp_jax.products import exact_products
from drp_jax.untrained import Precision

FLOAT32 = (jax.lax.Precision.HIGHEST, jax.lax.Precision.HIGHEST)
PICTURE = np.random.default_rng(0).random((32, 32, 1), np.float32)
BLURRED = Problem(PICTURE, Blur(jnp.full((5, 5), 0.04)))
SENSED = Problem(np.ones(9, np.float32), Matrix(np.ones((9, 1024), np.float32), (32, 32)))


def precisions(function, *args) -> set:
    """Those that the products of a function ask for, of its loops and branches too."""
    return {product.params["precision"] for product in _products(jax.make_jaxpr(function)(*args))}


def _products(program: Jaxpr) -> Iterator[JaxprEqn]:
    for equation in program.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from _products(inner)


def test_the_products_of_a_function():
    def product(a):
        return a @ a

    assert precisions(product, PICTURE[..., 0]) == {None}
    assert precisions(exact_products(product), PICTURE[..., 0]) == {FLOAT32}


@pytest.mark.parametrize(
    ("problem", "method", "task"),
    [
        (Problem(PICTURE), "non-local", "denoise"),
        (Problem(PICTURE, Downsample(2)), "non-local", "super-resolve"),
        (BLURRED, "plug-and-play", "reconstruct"),
        (SENSED, "drp-dip", "reconstruct"),
        (SENSED, "tv", "reconstruct"),
    ],
)
def test_a_run_is_in_float32(problem, method, task):
    chosen, key = preset(method=method, task=task), jax.random.key(0)
    run = jax.eval_shape(loop.begun, problem, chosen, key)
    used = precisions(loop.begun, problem, chosen, key) | precisions(loop.advance, run)
    assert used == {FLOAT32}


def test_the_precision_of_a_network_is_not_that_of_its_operator():
    method = preset(method="drp-dip", task="reconstruct").adjusted(precision=Precision.TF32)
    run = jax.eval_shape(loop.begun, SENSED, method, jax.random.key(0))
    used = precisions(loop.advance, run)
    assert FLOAT32 in used
    assert len(used) == 2
