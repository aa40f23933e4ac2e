import jax.numpy as jnp
import numpy as np
import pytest
from skimage.restoration import inpaint_biharmonic

from drp_jax.filling import fill


def smooth(height=24, width=30):
    rows, columns = np.mgrid[:height, :width]
    waves = 0.5 + 0.2 * np.sin(rows / 5) + 0.2 * np.cos(columns / 6)
    return np.repeat(waves[..., None], 2, axis=-1).astype(np.float32)


@pytest.mark.parametrize("missing", [0.1, 0.5, 0.9])
def test_it_is_biharmonic_interpolation(missing):
    image = smooth()
    known = np.random.default_rng(0).random(image.shape[:2]) >= missing
    filled = fill(jnp.asarray(np.where(known[..., None], image, np.nan)), known_as(image, known))
    np.testing.assert_array_equal(filled[known], image[known])
    expected = inpaint_biharmonic(image, ~known, channel_axis=-1)
    inner = (slice(4, -4), slice(4, -4))  # scikit-image does otherwise at the border
    np.testing.assert_allclose(filled[inner], expected[inner], atol=0.02)


def known_as(image, known):
    return jnp.asarray(np.broadcast_to(known[..., None], image.shape))


def test_a_plane_is_continued_through_a_hole():
    rows, columns = np.mgrid[:20, :20]
    plane = (0.1 + 0.02 * rows + 0.01 * columns)[..., None].astype(np.float32)
    known = np.ones((20, 20), bool)
    known[7:12, 6:13] = False
    filled = fill(jnp.asarray(plane), known_as(plane, known))
    np.testing.assert_allclose(filled, plane, atol=2e-3)


def test_all_known_and_nothing_known():
    image = jnp.asarray(smooth())
    np.testing.assert_array_equal(fill(image, jnp.ones_like(image)), image)
    np.testing.assert_array_equal(fill(image, jnp.zeros_like(image)), jnp.zeros_like(image))
