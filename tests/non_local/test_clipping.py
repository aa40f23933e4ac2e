import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax.non_local import unclip

SIGMA = 0.2


@pytest.mark.parametrize("clean", [0.05, 0.2, 0.5, 0.9])
def test_the_mean_of_clipped_noise_becomes_the_clean_value(clean):
    values = clean + SIGMA * np.random.default_rng(0).normal(size=(200, 200, 1))
    observation = jnp.asarray(np.clip(values, 0, 1), jnp.float32)
    mean = jnp.full_like(observation, jnp.mean(observation))
    restored = unclip(mean, observation, jnp.float32(SIGMA))
    bias = abs(float(mean[0, 0, 0]) - clean)
    np.testing.assert_allclose(jnp.mean(restored), clean, atol=0.004 + bias / 20)


def test_where_nothing_was_clipped_nothing_changes():
    """A dark image with less noise in the dark than the level says."""
    dark = jnp.full((20, 20, 3), 0.02)
    np.testing.assert_allclose(unclip(dark, dark, jnp.float32(SIGMA)), dark, atol=1e-6)


def test_noise_that_was_not_clipped_is_left_alone():
    noisy = 0.05 + SIGMA * np.random.default_rng(0).normal(size=(40, 40, 3))
    mean = jnp.full((40, 40, 3), 0.05)
    restored = unclip(mean, jnp.asarray(noisy, jnp.float32), jnp.float32(SIGMA))
    np.testing.assert_allclose(restored, mean, atol=1e-6)


def test_without_noise_black_and_white_stay():
    image = jnp.linspace(0, 1, 400).reshape(20, 20, 1)
    restored = unclip(image, image, jnp.float32(1e-6))
    np.testing.assert_allclose(restored, image, atol=1e-3)
