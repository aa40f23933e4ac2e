"""docs/operators.md: its code runs as it is written, and its table has every operator."""

import inspect
import re

import jax
import numpy as np
import pytest
from code_blocks import run_python, table
from conftest import shorten_reconstruction

from drp_jax import operators
from drp_jax.metrics import psnr

PAGE = "docs/operators.md"


@pytest.fixture(scope="module")
def names():
    """What the page's code makes, with the networks cut short."""
    with pytest.MonkeyPatch.context() as patch:
        shorten_reconstruction(patch)
        return run_python(PAGE)


@pytest.mark.slow
def test_the_examples(names):
    image = names["image"]
    assert psnr(names["usual"], image) > 20
    assert psnr(names["zero_filled"], image) > 15
    assert names["result"].image.shape == image.shape
    images = {
        "few_views": (32, 32, 1),
        "without_phase": (32, 32, 1),
        "demosaicing": (32, 32, 3),
        "compressed_sensing": (32, 32, 1),
        "two_measurements": (32, 32, 1),
        "photons": (32, 32, 1),
    }
    assert {name: names[name].image_shape for name in images} == images
    np.testing.assert_allclose(names["back"], 5.25 * image, rtol=1e-5)
    transposed = jax.linear_transpose(names["exposures"], names["problem"].image)
    (expected,) = transposed(names["exposures"](image))
    np.testing.assert_allclose(names["back"], expected, rtol=1e-5)


def test_the_table_has_every_operator():
    rows = [re.match(r"`(\w+)\(", cells[0]).group(1) for cells in table(PAGE, "operator")]
    classes = {
        name
        for name in operators.__all__
        if inspect.isclass(one := getattr(operators, name)) and issubclass(one, operators.Operator)
    }
    assert len(set(rows)) == len(rows)
    assert set(rows) == classes - {"Operator", "PixelOperator"} | {"from_scico"}
