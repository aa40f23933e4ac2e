"""docs/own.md: what it plugs in is used."""

import jax.numpy as jnp
import numpy as np
import pytest
from code_blocks import run_python
from scipy import ndimage

from drp_jax.metrics import psnr

PAGE = "docs/own.md"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def names():
    return run_python(PAGE)


def test_the_network(names):
    assert (
        psnr(names["by_network"].image, names["clean"]) > psnr(names["noisy"], names["clean"]) + 2
    )


def test_the_operator(names):
    image = names["by_operator"].image
    assert image.shape == (32, 32, 1)
    np.testing.assert_allclose(names["every_second_row"](image), names["observed"], atol=0.4)


def test_the_objective(names):
    x = np.array([0.0, 0.1, 0.4, 0.4], np.float32)
    image = np.tile(x, (4, 1))[..., None]
    np.testing.assert_allclose(names["curvature"](image), np.mean([0.2, 0.3]), rtol=1e-5)
    expected = np.mean(np.log(np.cosh(10 * x))) / 10
    np.testing.assert_allclose(names["log_cosh"](x, 0 * x), expected, rtol=1e-5)
    history = names["by_objective"].history
    np.testing.assert_allclose(
        history["loss"], history["fidelity"] + 0.2 * history["regularizer"], rtol=1e-4
    )


def test_the_denoiser(names):
    level = jnp.float32(0.3)
    np.testing.assert_allclose(names["soften"](jnp.ones((9, 9, 1)), level), 1, rtol=1e-5)
    blurred = names["blurred"].observation
    assert psnr(names["by_denoiser"].image, names["clean"]) > psnr(blurred, names["clean"]) + 1


def test_the_program_of_another_package(names):
    expected = ndimage.gaussian_filter(np.asarray(names["noisy"]), (1, 1, 0))
    np.testing.assert_allclose(names["by_scipy"].image, expected, atol=1e-5)
