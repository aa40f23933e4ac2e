import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax.non_local.matching import Search, windowed_sum

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("height", [13, 71])  # of one strip and of several
def test_matches_are_the_nearest_patches_by_brute_force(height):
    image = RANDOM.random((height, 14, 2)).astype(np.float32)
    search = Search(height, 14, patch=4, count=5, radius=4, stride=4)
    padded = search.padded(jnp.moveaxis(jnp.asarray(image), -1, 0))
    strips = search.strips
    found = jax.lax.map(lambda strip: search.nearest(padded, strip), strips)
    is_new = np.repeat(np.asarray(strips.is_new), 4, axis=-1)
    found = np.asarray(found)[is_new]
    rows = [*range(0, height - 4, 4), height - 4]
    corners = [(row, column) for row in rows for column in (0, 4, 8, 10)]
    assert found.shape == (len(corners), 5, 2)
    for (row, column), places in zip(corners, found, strict=True):
        reference = image[row : row + 4, column : column + 4]
        near = [
            (np.sum((image[r : r + 4, c : c + 4] - reference) ** 2), (r, c))
            for r in range(max(row - 4, 0), min(row + 4, height - 4) + 1)
            for c in range(max(column - 4, 0), min(column + 4, 10) + 1)
        ]
        assert [tuple(place) for place in places] == [place for _, place in sorted(near)[:5]]


@pytest.mark.parametrize("height", [8, 40, 99, 300])
def test_strips_cover_all_rows_and_their_windows_all_that_is_compared(height):
    search = Search(height, 20, patch=8, count=4, radius=12, stride=4)
    strips = jax.tree.map(np.asarray, search.strips)
    rows = strips.rows[strips.is_new]
    np.testing.assert_array_equal(rows, [*range(0, height - 8, 4), height - 8])
    for at in range(len(strips.start)):
        own = dataclasses.replace(strips, **{name: it[at] for name, it in vars(strips).items()})
        assert own.start <= own.rows.min()
        assert own.rows.max() + 8 <= own.start + search.covered <= height
        assert own.window <= max(own.rows.min() - 12, 0)
        assert min(own.rows.max() + 8 + 12, height) <= own.window + search.window <= height


def test_a_windowed_sum_is_its_formula():
    planes = RANDOM.random((2, 6, 7)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(planes, (3, 3), axis=(1, 2))
    np.testing.assert_allclose(windowed_sum(jnp.asarray(planes), 3), windows.sum((3, 4)), rtol=1e-6)
