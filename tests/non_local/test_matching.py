import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax.non_local.matching import match

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("height", [13, 71])  # of one strip and of several
def test_matches_are_the_nearest_patches_by_brute_force(height):
    image = RANDOM.random((height, 14, 2)).astype(np.float32)
    places = np.asarray(match(jnp.asarray(image), 4, 5, 4))
    rows = [*range(0, height - 4, 4), height - 4]
    corners = [(row, column) for row in rows for column in (0, 4, 8, 10)]
    assert places.shape == (len(corners), 5, 2)
    for (row, column), found in zip(corners, places, strict=True):
        reference = image[row : row + 4, column : column + 4]
        near = [
            (np.sum((image[r : r + 4, c : c + 4] - reference) ** 2), (r, c))
            for r in range(max(row - 4, 0), min(row + 4, height - 4) + 1)
            for c in range(max(column - 4, 0), min(column + 4, 10) + 1)
        ]
        expected = [place for _, place in sorted(near)[:5]]
        assert [tuple(place) for place in found] == expected
