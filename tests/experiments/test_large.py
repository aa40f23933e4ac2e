import numpy as np
import pytest
from PIL import Image

from experiments.benchmark import large


def test_the_picture_is_mirrored_without_a_step_and_has_the_noise():
    picture = large.picture(700, 1100)
    assert picture.shape == (700, 1100, 3)
    np.testing.assert_array_equal(picture[:, 511], picture[:, 512])
    np.testing.assert_array_equal(picture[511], picture[512])
    noisy = large.with_noise(np.full((64, 64, 3), 128, np.uint8), 20)
    np.testing.assert_allclose(noisy.std(), 20, rtol=0.03)


def test_a_seam_is_told_from_noise():
    error = np.random.default_rng(0).normal(0, 0.01, (100, 120, 3))
    tiling = {"size": [100, 70], "starts": [[0], [0, 50]]}
    assert large.tiled(tiling) == "2 of 70 x 100"
    np.testing.assert_allclose(large.seam_ratio(error, tiling), 1, atol=0.05)
    error[:, 60:] += 0.5
    assert large.seam_ratio(error, tiling) > 2


@pytest.mark.parametrize("task", large.TASKS)
def test_what_a_command_is_given(tmp_path, task):
    clean = large.picture(40, 60)
    path = tmp_path / "observed.png"
    before, flags = large._observed(task, clean, path)
    observed = np.asarray(Image.open(path))
    if task == "super-resolve":
        observed = observed.repeat(2, 0).repeat(2, 1)
    error = (observed / 255 - clean / 255) ** 2
    np.testing.assert_allclose(before, -10 * np.log10(error.mean()), rtol=1e-4)
    assert before < 30
    if task == "inpaint":
        is_known = np.asarray(Image.open(flags[1])) > 0
        np.testing.assert_array_equal(observed[is_known], clean[is_known])
        assert 0.4 < is_known.mean() < 0.6
