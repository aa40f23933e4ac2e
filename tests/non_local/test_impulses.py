import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax.non_local import impulses
from drp_jax.non_local.impulses import _median

without_impulses = jax.jit(impulses.without_impulses)


def smooth():
    rows = np.linspace(0.2, 0.8, 40)[:, None, None]
    return np.broadcast_to(rows, (40, 40, 3)).astype(np.float32)


def test_impulses_become_what_is_around_and_the_others_stay():
    clean = smooth()
    random = np.random.default_rng(0)
    hit = random.random(clean.shape) < 0.1
    damaged = np.where(hit, random.integers(0, 2, clean.shape), clean).astype(np.float32)
    repaired = without_impulses(jnp.asarray(damaged), jnp.float32(0.0))
    np.testing.assert_array_equal(repaired[~hit], damaged[~hit])
    np.testing.assert_allclose(repaired, clean, atol=5e-3)


def test_a_few_stars_stay():
    sky = smooth() * 0
    sky[5, 5] = sky[20, 30] = 1
    np.testing.assert_array_equal(without_impulses(jnp.asarray(sky), jnp.float32(0.0)), sky)


def test_strong_noise_that_was_clipped_stays():
    noise = np.random.default_rng(0).normal(0, 0.3, (40, 40, 3))
    noisy = jnp.asarray(np.clip(smooth() + noise, 0, 1), jnp.float32)
    np.testing.assert_array_equal(without_impulses(noisy, jnp.float32(0.3)), noisy)


@pytest.mark.parametrize("count", [1, 3, 9, 25])
def test_the_median_is_the_median(count):
    values = np.random.default_rng(0).integers(0, 5, (count, 200)).astype(np.float32)
    median = _median([jnp.asarray(one) for one in values])
    np.testing.assert_array_equal(median, np.median(values, axis=0))
