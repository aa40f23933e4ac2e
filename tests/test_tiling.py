import itertools

import numpy as np
import pytest

from drp_jax.tiling import tiling_of


@pytest.mark.parametrize(
    ("shape", "most", "step"),
    [((48, 200), 64, 16), ((131, 97), 64, 16), ((99, 300), 66, 3), ((64, 64), 64, 16)],
)
def test_tiles_of_one_size_cover_all_and_their_weights_are_one_in_sum(shape, most, step):
    tiling = tiling_of(shape, most, step, overlap=12)
    total = np.zeros(shape)
    by_row, by_column = tiling.weights
    numbers = np.ndindex(*map(len, tiling.starts))
    for (rows, columns), number in zip(tiling.places(), numbers, strict=True):
        assert (rows.stop - rows.start, columns.stop - columns.start) == tiling.size
        weights = np.outer(by_row[number[0]], by_column[number[1]])
        outside = np.ones(shape, bool)
        outside[rows, columns] = False
        assert not weights[outside].any()
        total += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert max(tiling.size) <= most
    for side, size, starts in zip(shape, tiling.size, tiling.starts, strict=True):
        assert starts[-1] + size == side
        assert all(start % step == 0 for start in starts[:-1])
        overlaps = [a + size - b for a, b in itertools.pairwise(starts)]
        assert all(overlap >= 12 for overlap in overlaps)


def test_neighbours_have_no_part_near_the_edge_of_a_tile_and_fade_smoothly():
    tiling = tiling_of((16, 176), 112, overlap=32)
    first, second = tiling.weights[1]
    start, stop = tiling.starts[1][1], tiling.size[1]
    assert stop - start >= 32
    assert not second[start : start + 8].any()
    assert not first[stop - 8 : stop].any()
    assert np.abs(np.diff(first)).max() < 0.1
    assert tiling.described() == f"2 tiles of {stop} x 16 pixels"


def test_there_are_as_few_tiles_as_may_be_and_no_larger_than_these_need():
    one = tiling_of((100, 60), 112)
    assert (one.count, one.size) == (1, (100, 60))
    two = tiling_of((1100, 60), 1024)
    assert two.count == 2
    assert two.size[0] < 640
