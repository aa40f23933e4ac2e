import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import InputError, PixelsConfig


def test_the_image_is_the_seed():
    seed = jnp.asarray(np.random.default_rng(0).random((5, 6, 3)))
    generator = PixelsConfig().build(3, (5, 6, 3), nnx.Rngs(0))
    np.testing.assert_array_equal(generator(seed), seed)
    assert PixelsConfig().seed_size(5, 6) == (5, 6)


def test_what_does_not_fit_is_named():
    with pytest.raises(InputError, match="the seed has 2 channels; accepted: 3, as the image"):
        PixelsConfig().build(2, (5, 6, 3), nnx.Rngs(0))
    with pytest.raises(InputError, match="width is 4, and this method has no network"):
        PixelsConfig().with_width(4)
