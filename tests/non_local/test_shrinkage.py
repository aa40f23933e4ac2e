"""Three ways to denoise groups, against their formulas."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft

from drp_jax.non_local.shrinkage import hard_threshold, inverse, ridge, wiener

RANDOM = np.random.default_rng(0)


def groups(count, pixels):
    return RANDOM.random((1, 1, count, pixels)).astype(np.float32)


def transforms(shape, axes):
    """The cosine transform and its inverse of a group `[count, n]` of patches."""

    def of(transform, group):
        return transform(group.reshape(shape), axes=axes, norm="ortho").reshape(group.shape)

    return tuple(functools.partial(of, one) for one in (scipy.fft.dctn, scipy.fft.idctn))


@pytest.mark.parametrize("size", [7, 32, 49])
def test_the_inverse_is_the_inverse(size):
    rows = RANDOM.normal(size=(3, size, 60))
    matrices = (rows @ rows.swapaxes(1, 2) + np.eye(size)).astype(np.float32)
    found = inverse(jnp.asarray(matrices))
    np.testing.assert_allclose(found, np.linalg.inv(matrices), atol=1e-5)


def test_a_hard_threshold_keeps_what_is_above_it():
    noisy = jnp.asarray(RANDOM.random((3, 2, 4, 64)), jnp.float32)
    estimate, weight = hard_threshold(noisy, noisy, jnp.full((3, 2, 1, 1), 1e-6))
    np.testing.assert_allclose(estimate, noisy, atol=1e-5)
    np.testing.assert_allclose(weight, np.full((3, 2, 4), 1 / (4 * 64)), rtol=0.02)
    # Far above all coefficients nothing is left.
    estimate, weight = hard_threshold(noisy, noisy, jnp.full((3, 2, 1, 64), 1e3))
    np.testing.assert_array_equal(estimate, jnp.zeros_like(noisy))
    np.testing.assert_array_equal(weight, jnp.ones((3, 2, 4)))


@pytest.mark.parametrize("side", [8, 9])  # transformed by one matrix, and along each axis
def test_wiener_scales_the_cosine_transform(side):
    noisy, pilot = groups(4, side**2), groups(4, side**2)
    estimate, weight = wiener(jnp.asarray(noisy), jnp.asarray(pilot), jnp.full((1, 1, 1, 1), 0.2))
    transform, back = transforms((4, side, side), (0, 1, 2))
    energy = transform(pilot[0, 0].astype(np.float64)) ** 2
    factor = energy / (energy + 0.2**2)
    expected = back(factor * transform(noisy[0, 0].astype(np.float64)))
    np.testing.assert_allclose(estimate[0, 0], expected, atol=1e-4)
    np.testing.assert_allclose(weight, np.full((1, 1, 4), 1 / np.sum(factor**2)), rtol=1e-3)


@pytest.mark.parametrize("count", [6, 12])
def test_a_ridge_is_its_formula(count):
    noisy, pilot = groups(count, 9), groups(count, 9)
    estimate, weight = ridge(jnp.asarray(noisy), jnp.asarray(pilot), jnp.full((1, 1, 1, 1), 0.2))
    y, x = (group[0, 0].astype(np.float64) for group in (noisy, pilot))
    mean = y.mean(0)
    x = x - x.mean(0)
    combination = x @ np.linalg.inv(x.T @ x + 9 * 0.2**2 * np.eye(9)) @ x.T
    expected = mean + combination @ (y - mean)
    np.testing.assert_allclose(estimate[0, 0], expected, atol=1e-4)
    squared = (combination**2).sum(1) + 1 / count
    np.testing.assert_allclose(weight[0, 0], 1 / np.clip(squared, 1 / count, 1), 1e-3)


def test_a_ridge_of_coloured_noise_is_the_ridge_of_whitened_patches():
    noisy, pilot = groups(6, 9), groups(6, 9)
    noise = RANDOM.uniform(0.1, 0.4, (1, 1, 1, 9)).astype(np.float32)
    transform, back = transforms((6, 3, 3), (1, 2))
    whitened = [back(transform(group[0, 0]) / noise[0, 0])[None, None] for group in (noisy, pilot)]
    expected, weight = ridge(*map(jnp.asarray, whitened), jnp.ones((1, 1, 1, 1)))
    estimate, found = ridge(jnp.asarray(noisy), jnp.asarray(pilot), jnp.asarray(noise))
    coloured = back(transform(np.asarray(expected[0, 0])) * noise[0, 0])
    np.testing.assert_allclose(estimate[0, 0], coloured, atol=1e-4)
    np.testing.assert_allclose(found, weight, rtol=1e-3)


def test_a_ridge_stays_finite_where_noise_is_far_below_the_picture():
    pilot = np.kron(groups(64, 1), np.ones((1, 1, 1, 49), np.float32))  # of rank one
    estimate, weight = ridge(jnp.asarray(pilot), jnp.asarray(pilot), jnp.full((1, 1, 1, 1), 1e-3))
    np.testing.assert_allclose(estimate, pilot, atol=0.01)
    assert np.isfinite(weight).all()
