"""What is done to clean images, and the crops of photographs it is done to."""

import numpy as np
import pytest
from conftest import make_photograph

from drp_jax.operators import Downsample, Mask
from experiments import degradations, photographs

CLEAN = make_photograph(100, 100, 3)


@pytest.mark.parametrize(
    ("made", "low", "high"), [(degradations.text, 0.02, 0.3), (degradations.hole, 0.04, 0.04)]
)
def test_gaps_have_their_size(made, low, high):
    problem = made(CLEAN, np.random.default_rng(0))
    missing = 1 - float(np.mean(problem.operator.mask))
    assert low - 1e-6 <= missing <= high + 1e-6
    np.testing.assert_array_equal(problem.observation, CLEAN * problem.operator.mask)


@pytest.mark.parametrize("sigma", [15, 25])
def test_gaps_with_noise_have_both(sigma):
    problem = degradations.degrade(f"50 %, noise {sigma}", CLEAN, 0)
    known = np.broadcast_to(np.asarray(problem.operator.mask) > 0, CLEAN.shape)
    assert isinstance(problem.operator, Mask)
    assert abs(known.mean() - 0.5) < 0.02
    assert not np.asarray(problem.observation)[~known].any()
    noise = (np.asarray(problem.observation) - CLEAN)[known]
    assert 0.7 * sigma < 255 * noise.std() < 1.1 * sigma  # less where it is clipped
    np.testing.assert_array_equal(problem.reference, CLEAN)


def test_small_pictures_with_noise_have_both():
    plain, noisy = (degradations.degrade(case, CLEAN, 0) for case in ("x2", "x2, noise 10"))
    assert noisy.operator == Downsample(2)
    noise = np.asarray(noisy.observation) - np.asarray(plain.observation)
    assert 7 < 255 * noise.std() < 11
    assert degradations.psnr_of(np.asarray(noisy.reference), noisy) > 60


@pytest.mark.parametrize("case", degradations.CASES)
def test_every_case_has_its_task(case):
    problem = degradations.degrade(case, CLEAN, 0)
    kinds = {"Mask": "inpaint", "Downsample": "super-resolve"}
    expected = kinds.get(type(problem.operator).__name__, "denoise")
    assert degradations.CASES[case].task == expected


def test_crops_stay_inside_and_small_photographs_stay_out(tmp_path):
    squares = photographs.crops("tune", 400, tmp_path)
    assert {name: square.shape for name, square in squares.items()} == {
        "astronaut.png": (400, 400, 3),
        "coffee.png": (400, 400, 3),
    }
    two = photographs.two_colored()
    assert {name: square.shape for name, square in two.items()} == {
        "astronaut.png": (256, 256, 3),
        "coffee.png": (256, 256, 3),
    }
