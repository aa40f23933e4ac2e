"""Programs of other packages as methods."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from scipy import ndimage

from drp_jax import Gaussian, InputError, Problem, Request, preset, restore, restore_many
from drp_jax.external import External
from drp_jax.operators import Mask
from drp_jax.sweep import CleanImage, Plan, Variant, degradation, run_sweep

KEY = jax.random.key(0)
CLEAN = make_photograph(12, 10, 3)
NOISY = np.clip(CLEAN + 0.1 * np.random.default_rng(1).normal(size=CLEAN.shape), 0, 1).astype("f4")


def smoothed(problem, sigma):
    assert isinstance(problem.observation, np.ndarray)
    assert problem.reference is None
    return ndimage.gaussian_filter(problem.observation, (sigma, sigma, 0))


SMOOTHED = External(smoothed, {"sigma": 1.0}, name="smoothed")


def test_the_image_is_what_the_program_gives():
    result = restore(Problem(NOISY, reference=CLEAN), key=KEY, method=SMOOTHED)
    expected = ndimage.gaussian_filter(NOISY, (1, 1, 0))
    np.testing.assert_allclose(result.image, expected, atol=1e-6)
    decibels = -10 * np.log10(np.mean((expected - CLEAN) ** 2))
    np.testing.assert_allclose(result.history["psnr"], [decibels], rtol=1e-4)
    assert result.message == "All steps of the method are done."


def test_operators_and_noise_are_told():
    def filled(problem):
        known = problem.operator.mask
        return np.where(known > 0, problem.observation, float(problem.noise.level))

    mask = (np.random.default_rng(2).random((12, 10, 1)) < 0.5).astype(np.float32)
    problem = Problem(mask * NOISY, Mask(jnp.asarray(mask)), noise=Gaussian(0.25))
    result = restore(problem, key=KEY, method=External(filled))
    np.testing.assert_allclose(result.image, np.where(mask > 0, NOISY, 0.25), atol=1e-6)


def test_a_gray_image_may_come_without_its_channel():
    gray = NOISY[..., :1]
    method = External(lambda problem: problem.observation[..., 0])
    np.testing.assert_array_equal(restore(gray, key=KEY, method=method).image, gray)


def test_settings_vary_in_one_program_and_what_fails_fails_alone():
    def torn(problem, sigma):
        if sigma == 2:
            raise ValueError("no disk")
        return smoothed(problem, sigma)

    method = External(torn, {"sigma": 1})
    requests = [Request(Problem(NOISY), method=method.adjusted(sigma=one)) for one in (0, 2, 3)]
    done = {one.index: one for one in restore_many(requests, key=KEY, slots=2)}
    assert done[1].error == "ValueError: no disk"
    for index, sigma in ((0, 0), (2, 3)):
        expected = ndimage.gaussian_filter(NOISY, (sigma, sigma, 0))
        np.testing.assert_allclose(done[index].restoration.image, expected, atol=1e-6)
    assert done[2].statistics.programs == 1


def test_an_image_of_another_shape_is_named():
    method = External(lambda problem: problem.observation[:3], name="cut")
    (done,) = restore_many([Request(Problem(NOISY), method=method)], key=KEY)
    assert done.error == "cut gives an image (3, 10, 3); accepted: (12, 10, 3)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: External("bm3d"), "program is 'bm3d'; accepted: a function"),
        (lambda: External(smoothed, {"sigma": "a"}), "sigma is 'a'; accepted: a finite number"),
        (lambda: External(smoothed, {"sigma": np.nan}), "sigma is nan; accepted: a finite number"),
        (lambda: External(smoothed, 3), "settings is 3; accepted: numbers by name"),
        (
            lambda: SMOOTHED.adjusted(sgima=2),
            r"sgima is 2, .* \(did you mean sigma\?\); accepted: s",
        ),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_sweep_compares_it(tmp_path):
    variants = [Variant("smoothed", None, {"sigma": one}, base=SMOOTHED) for one in (0.5, 1.5)]
    tv = preset(method="tv", task="reconstruct").adjusted(iterations=2)
    plan = Plan(
        (CleanImage("a", lambda: CLEAN),),
        (degradation("gaussian:25"),),
        (*variants, Variant("tv", base=tv)),
    )
    rows = [one.row for one in run_sweep(plan, tmp_path)]
    assert [row["status"] for row in rows] == ["completed"] * 2 + ["iteration_limit"]
    observed = np.load(tmp_path / f"{rows[0]['inputs']}.npz")["start"]
    for row, sigma in zip(rows, (0.5, 1.5), strict=False):
        expected = ndimage.gaussian_filter(observed, (sigma, sigma, 0))
        decibels = -10 * np.log10(np.mean((expected - CLEAN) ** 2))
        np.testing.assert_allclose(row["psnr"], decibels, rtol=1e-4)


@pytest.mark.slow
def test_one_core_is_enough():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("the cores of a process are chosen on Linux only")
    program = """
import os
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
import jax, numpy as np
from drp_jax import Request, restore_many
from drp_jax.external import External
double = External(lambda problem: problem.observation / 2)
picture = np.ones((300, 300, 3), np.float32)
for done in restore_many([Request(picture)] * 2, key=jax.random.key(0), method=double):
    assert float(done.restoration.image.max()) == 0.5, done.error
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "done\n", done.stderr
