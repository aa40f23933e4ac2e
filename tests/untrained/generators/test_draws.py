import jax
import numpy as np
import pytest
from flax import nnx

from drp_jax.untrained.generators.draws import drawn_together, uniform_weight
from drp_jax.untrained.generators.layers import Conv

SIZES = ((4,), (1, 1, 5, 3), (3, 3, 4, 5), (3, 3, 5, 5), (100,), (1,))


def weights(rngs):
    return [uniform_weight(rngs, shape, 1 / (number + 1)) for number, shape in enumerate(SIZES)]


def test_together_they_are_what_each_is_alone():
    alone = nnx.Rngs(3)
    together = nnx.Rngs(3)
    expected = weights(alone)
    with drawn_together():
        drawn = weights(together)
    for one, other, shape in zip(drawn, expected, SIZES, strict=True):
        assert one[...].shape == shape
        np.testing.assert_array_equal(one[...], other[...])
    assert (together.params() == alone.params()).all()


def test_numbers_are_uniform_within_the_bound():
    with drawn_together():
        conv = Conv(16, 64, filter_size=3, rngs=nnx.Rngs(0))
    kernel, bound = np.asarray(conv.kernel[...]), 1 / 12  # sqrt(16 * 9) inputs
    assert -bound <= kernel.min() < -0.99 * bound
    assert 0.99 * bound < kernel.max() <= bound
    assert kernel.mean() == pytest.approx(0, abs=0.01 * bound)
    assert kernel.var() == pytest.approx(bound**2 / 3, rel=0.02)
    assert len(np.unique(kernel)) > 0.99 * kernel.size


def test_an_error_within_leaves_nothing_behind():
    with pytest.raises(ValueError, match="mine"), drawn_together():
        raise ValueError("mine")
    assert np.asarray(uniform_weight(nnx.Rngs(0), (8,), 1.0)[...]).any()


def test_it_works_inside_of_jit_and_vmap():
    def drawn(key):
        with drawn_together():
            conv = Conv(2, 3, filter_size=3, rngs=nnx.Rngs(key))
        return conv.kernel[...]

    keys = jax.random.split(jax.random.key(0), 2)
    batch = jax.jit(jax.vmap(drawn))(keys)
    for key, one in zip(keys, batch, strict=True):
        np.testing.assert_array_equal(
            one, Conv(2, 3, filter_size=3, rngs=nnx.Rngs(key)).kernel[...]
        )
