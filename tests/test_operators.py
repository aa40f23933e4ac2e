import jax
import numpy as np

from drp_jax import Identity


def test_identity_gives_the_image_and_keeps_shapes():
    image = jax.random.uniform(jax.random.key(0), (5, 6, 3))
    np.testing.assert_array_equal(Identity()(image), image)
    assert Identity().image_shape((5, 6, 3)) == (5, 6, 3)
