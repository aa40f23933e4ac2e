"""What people use instead, as methods."""

import jax
import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image
from scipy import ndimage

from drp_jax import Problem, restore
from drp_jax.metrics import psnr
from drp_jax.sweep.degradations import masked, noisy, shrunk
from experiments import rivals

CLEAN = make_photograph(40, 36, 3)
NOISY = Problem(noisy(CLEAN, "gaussian", 25, np.random.default_rng(0)), reference=CLEAN)


def restored(problem, method):
    return restore(problem, key=jax.random.key(0), method=method).image


@pytest.mark.parametrize("name", ["total_variation", "median"])
def test_denoisers_make_it_better(name):
    pytest.importorskip("skimage")
    image = restored(NOISY, getattr(rivals, name))
    assert psnr(image, CLEAN) > psnr(NOISY.observation, CLEAN) + 1


@pytest.mark.parametrize(
    ("name", "package"),
    [("bm3d", "bm3d"), ("wavelet", "pywt"), ("non_local_means", "pywt")],
)
def test_denoisers_of_the_extra_bench_make_it_better(name, package):
    pytest.importorskip(package, reason="needs the extra bench")
    image = restored(NOISY, getattr(rivals, name))
    assert psnr(image, CLEAN) > psnr(NOISY.observation, CLEAN) + 1


def test_the_settings_are_those_of_the_packages():
    wide = restored(NOISY, rivals.median.adjusted(side=5))
    np.testing.assert_array_equal(wide, ndimage.median_filter(NOISY.observation, (5, 5, 1)))
    np.testing.assert_array_equal(restored(NOISY, rivals.untouched), NOISY.observation)


def test_gaps_are_filled_and_what_is_known_stays():
    known = np.random.default_rng(1).random((40, 36, 1)) < 0.7
    image = np.asarray(restored(masked(CLEAN, known), rivals.biharmonic))
    np.testing.assert_allclose(image[known[..., 0]], CLEAN[known[..., 0]], atol=1e-6)
    assert psnr(image, CLEAN) > 25


def test_small_pictures_are_enlarged():
    small = shrunk(CLEAN, 2)
    image = restored(small, rivals.bicubic)
    channel = Image.fromarray(np.asarray(small.observation)[..., 1])
    expected = np.asarray(channel.resize((36, 40), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(image[..., 1], np.clip(expected, 0, 1), atol=1e-6)
