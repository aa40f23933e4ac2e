"""The image itself as a generator, and the method that it makes."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import make_photograph
from flax import nnx

from drp_jax import Problem, preset, restore
from drp_jax.untrained import Pixels, Weight, anisotropic_tv


def test_it_is_gray_and_all_of_it_are_weights():
    model = Pixels((4, 4, 3), (12, 10, 2), rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(model(jnp.ones((4, 4, 3))), np.full((12, 10, 2), 0.5))
    ((path, variable),) = nnx.to_flat_state(nnx.state(model))
    assert path == ("pixels",)
    assert type(variable) is Weight


def test_total_variation_is_minimised_over_the_pixels():
    """Without a weight it is the image, with a large one a constant."""
    image = make_photograph(12, 10, 1)
    method = preset(method="tv", task="reconstruct")

    def run(weight):
        changed = method.adjusted(regularizer_weight=weight)
        return restore(Problem(image), key=jax.random.key(0), method=changed).image

    np.testing.assert_allclose(run(0.0), image, atol=5e-3)
    flat = run(30.0)
    assert anisotropic_tv(flat) < 0.05 * anisotropic_tv(jnp.asarray(image))
