import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import InputError, Problem, preset
from drp_jax.operators import Downsample, Mask
from drp_jax.untrained import (
    BackProjectionSeed,
    FixedSeed,
    MeshGridSeed,
    NormalSeed,
    UniformSeed,
)

KEY = jax.random.key(0)
PROBLEM = Problem(jnp.zeros((8, 8, 3)))
RAMP = jnp.broadcast_to(jnp.linspace(0, 1, 64)[:, None, None], (64, 48, 3))


@functools.partial(jax.jit, static_argnums=(2, 3))
def drawn(config, key, height, width, problem):
    return config.draw(key, height, width, problem)


def test_normal_seed_has_its_shape_and_deviation():
    seed = drawn(NormalSeed(channels=2, std=0.1), KEY, 60, 50, PROBLEM)
    assert seed.shape == (60, 50, 2)
    np.testing.assert_allclose(np.mean(seed), 0, atol=0.005)
    np.testing.assert_allclose(np.std(seed), 0.1, rtol=0.03)


def test_uniform_seed_fills_its_range_evenly():
    seed = np.asarray(drawn(UniformSeed(channels=2, high=0.2), KEY, 60, 50, PROBLEM))
    assert seed.shape == (60, 50, 2)
    assert 0 <= seed.min() < 0.001
    assert 0.199 < seed.max() <= 0.2
    np.testing.assert_allclose(seed.mean(), 0.1, rtol=0.03)


def test_mesh_grid_counts_columns_then_rows():
    seed = drawn(MeshGridSeed(), KEY, 3, 5, PROBLEM)
    np.testing.assert_allclose(seed[0, :, 0], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(seed[:, 4, 1], [0, 0.5, 1])


def test_back_projection_of_a_picture_is_the_resized_picture_plus_noise():
    problem = Problem(RAMP)
    same = drawn(BackProjectionSeed(noise=0.0), KEY, 64, 48, problem)
    np.testing.assert_allclose(same, RAMP, atol=1e-6)
    noisy = drawn(BackProjectionSeed(noise=0.05), KEY, 64, 48, problem)
    np.testing.assert_allclose(np.std(noisy - RAMP), 0.05, rtol=0.03)
    small = drawn(BackProjectionSeed(noise=0.0), KEY, 16, 12, problem)
    assert small.shape == (16, 12, 3)
    np.testing.assert_allclose(
        small[:, 0, 0], np.linspace(0, 1, 64).reshape(16, 4).mean(1), atol=0.01
    )


def test_back_projection_is_on_the_grid_of_the_image_without_gaps():
    draw = functools.partial(drawn, BackProjectionSeed(noise=0.0))
    enlarged = draw(KEY, 16, 16, Problem(jnp.full((8, 8, 1), 0.4), Downsample(2)))
    np.testing.assert_allclose(enlarged, jnp.full((16, 16, 1), 0.4), atol=1e-4)
    mask = jnp.ones((12, 12, 1)).at[4:7, 5:8].set(0)
    filled = draw(KEY, 12, 12, Problem(0.4 * mask, Mask(mask)))
    np.testing.assert_allclose(filled, jnp.full((12, 12, 1), 0.4), atol=1e-3)


def test_back_projection_is_in_units_and_has_both_parts_of_a_complex_image():
    ramp = RAMP[:16, :16, :1] * 4
    kelvin = Problem(200 + 100 * ramp, value_range=(200, 300))
    np.testing.assert_allclose(
        drawn(BackProjectionSeed(noise=0.0), KEY, 16, 16, kelvin), ramp, atol=1e-5
    )
    signal = ramp - 2j * ramp
    problem = Problem(signal, complex_image=True)
    seed = drawn(BackProjectionSeed(noise=0.0), KEY, 16, 16, problem)
    scale = np.sqrt(np.mean(np.abs(signal) ** 2))
    np.testing.assert_allclose(seed, np.concatenate([ramp, -2 * ramp], -1) / scale, atol=1e-5)


def test_methods_that_need_a_back_projection_say_so():
    problem = Problem(RAMP[:8, :8, :1], jnp.abs)
    preset("fast", method="dip", task="reconstruct").check(problem)
    with pytest.raises(InputError, match="the operator cannot be transposed"):
        preset("fast", method="aseqdip", task="reconstruct").check(problem)


def test_fixed_seed_is_what_is_given():
    values = np.random.default_rng(0).random((8, 9, 2))
    np.testing.assert_array_equal(
        drawn(FixedSeed(values), KEY, 8, 9, PROBLEM), values.astype(np.float32)
    )
    message = r"seed has shape \(8, 9, 2\); accepted: \(h, w\) = \(8, 8\) with any channels"
    with pytest.raises(InputError, match=message):
        drawn(FixedSeed(values), KEY, 8, 8, PROBLEM)


@pytest.mark.parametrize("config", [NormalSeed(), UniformSeed(), BackProjectionSeed()])
def test_the_key_decides(config):
    first = drawn(config, KEY, 8, 8, PROBLEM)
    np.testing.assert_array_equal(first, drawn(config, KEY, 8, 8, PROBLEM))
    assert not np.array_equal(first, drawn(config, jax.random.key(1), 8, 8, PROBLEM))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NormalSeed(channels=0), "seed channels is 0; accepted: whole numbers from 1"),
        (lambda: NormalSeed(std=0.0), r"seed std is 0\.0; accepted: above 0"),
        (lambda: UniformSeed(channels=-1), "seed channels is -1; accepted: whole numbers from 1"),
        (lambda: UniformSeed(high=0.0), r"seed high is 0\.0; accepted: above 0"),
        (lambda: BackProjectionSeed(noise=-0.1), r"seed noise is -0\.1; accepted: from 0 up"),
        (lambda: FixedSeed([1.0]), r"seed is \[1\.0\]; accepted: an array \[h, w, c\]"),
        (
            lambda: FixedSeed(np.ones((8, 8))),
            r"seed is an array .* shape \(8, 8\); accepted: a real array \[h, w, c\]",
        ),
        (lambda: FixedSeed(np.ones((8, 8, 1), complex)), "seed is an array of type complex128"),
        (lambda: FixedSeed(np.full((8, 8, 1), np.inf)), "seed has NaN or infinity in"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
