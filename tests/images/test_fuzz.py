"""Damaged files: each ends in a picture or in an `InputError` of one line.

`python -m experiments.fuzz --files 10000` does the same to more of them.
"""

import numpy as np
import pytest

from drp_jax import read_image
from experiments import fuzz

WHOLE = fuzz.samples()
EACH = 12
"""Damaged files of each kind: more than 500 of all."""


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    path = tmp_path / name
    for number in range(EACH):
        path.write_bytes(fuzz.mutated(WHOLE[name], np.random.default_rng((1, number))))
        result = fuzz.outcome(path)
        assert result.is_fine, (number, result)


def test_the_whole_files_are_read(tmp_path):
    assert EACH * len(WHOLE) > 500
    for name, content in WHOLE.items():
        (tmp_path / name).write_bytes(content)
        pages = (0,) if name in ("two.gif", "stack.tif") else None
        assert read_image(tmp_path / name, pages=pages).image.size > 0


def test_the_sums_of_a_damaged_png_are_made_right():
    whole = WHOLE["rgb.png"]
    assert fuzz.with_sums(whole) == whole
    wrong = bytearray(whole)
    wrong[29] ^= 1  # the sum of the header
    assert fuzz.with_sums(bytes(wrong)) == whole
