import jax.numpy as jnp
import numpy as np

from drp_jax.non_local.patches import Layout

RANDOM = np.random.default_rng(0)
LAYOUT = Layout(9, 11, 3)
CORNERS = np.array([[(0, 0), (6, 8)], [(3, 4), (3, 5)]])
STARTS = jnp.asarray(CORNERS[..., 0] * 11 + CORNERS[..., 1])


def test_patches_are_read_column_after_column():
    planes = RANDOM.random((2, 9, 11)).astype(np.float32)
    patches = LAYOUT.gathered(LAYOUT.columns(jnp.asarray(planes)), STARTS)
    assert patches.shape == (2, 2, 2, 9)
    for channel, group, patch in np.ndindex(2, 2, 2):
        row, column = CORNERS[group, patch]
        expected = planes[channel, row : row + 3, column : column + 3].T.ravel()
        np.testing.assert_array_equal(patches[channel, group, patch], expected)


def test_patches_are_added_where_they_are_read():
    patches = RANDOM.random((2, 2, 2, 9)).astype(np.float32)
    columns = LAYOUT.added(jnp.zeros(2 * LAYOUT.places * 3), STARTS, jnp.asarray(patches))
    expected = np.zeros((2, 9, 11), np.float32)
    for channel, group, patch in np.ndindex(2, 2, 2):
        row, column = CORNERS[group, patch]
        expected[channel, row : row + 3, column : column + 3] += (
            patches[channel, group, patch].reshape(3, 3).T
        )
    np.testing.assert_allclose(LAYOUT.folded(columns), expected, rtol=1e-6)
