"""Networks that tests call themselves compute as they do in a fit: in float32 on every device."""

import jax
import pytest


@pytest.fixture(autouse=True)
def products_in_float32():
    with jax.default_matmul_precision("float32"):
        yield
