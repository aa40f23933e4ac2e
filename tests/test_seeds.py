import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import EstimateSeed, InputError, MeshGridSeed, NormalSeed, UniformSeed

KEY = jax.random.key(0)


def no_estimate():
    raise AssertionError("this seed needs no estimate")


def test_normal_seed_has_its_shape_and_deviation():
    seed = NormalSeed(channels=2, std=0.1).draw(KEY, 60, 50, no_estimate)
    assert seed.shape == (60, 50, 2)
    np.testing.assert_allclose(np.mean(seed), 0, atol=0.005)
    np.testing.assert_allclose(np.std(seed), 0.1, rtol=0.03)


def test_uniform_seed_fills_its_range_evenly():
    seed = np.asarray(UniformSeed(channels=2, high=0.2).draw(KEY, 60, 50, no_estimate))
    assert seed.shape == (60, 50, 2)
    assert 0 <= seed.min() < 0.001
    assert 0.199 < seed.max() <= 0.2
    np.testing.assert_allclose(seed.mean(), 0.1, rtol=0.03)


def test_mesh_grid_counts_columns_then_rows():
    seed = MeshGridSeed().draw(KEY, 3, 5, no_estimate)
    np.testing.assert_allclose(seed[0, :, 0], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(seed[:, 4, 1], [0, 0.5, 1])


def test_estimate_seed_is_the_resized_estimate_plus_noise():
    image = jnp.broadcast_to(jnp.linspace(0, 1, 64)[:, None, None], (64, 48, 3))
    same = EstimateSeed(noise=0.0).draw(KEY, 64, 48, lambda: image)
    np.testing.assert_allclose(same, image, atol=1e-6)
    noisy = EstimateSeed(noise=0.05).draw(KEY, 64, 48, lambda: image)
    np.testing.assert_allclose(np.std(noisy - image), 0.05, rtol=0.03)
    small = EstimateSeed(noise=0.0).draw(KEY, 16, 12, lambda: image)
    assert small.shape == (16, 12, 3)
    np.testing.assert_allclose(
        small[:, 0, 0], np.linspace(0, 1, 64).reshape(16, 4).mean(1), atol=0.01
    )


@pytest.mark.parametrize("config", [NormalSeed(), UniformSeed()])
def test_the_key_decides(config):
    first = config.draw(KEY, 8, 8, no_estimate)
    np.testing.assert_array_equal(first, config.draw(KEY, 8, 8, no_estimate))
    assert not np.array_equal(first, config.draw(jax.random.key(1), 8, 8, no_estimate))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NormalSeed(channels=0), "seed channels is 0; accepted: from 1 up"),
        (lambda: NormalSeed(std=0.0), r"seed std is 0\.0; accepted: above 0"),
        (lambda: UniformSeed(channels=-1), "seed channels is -1; accepted: from 1 up"),
        (lambda: UniformSeed(high=0.0), r"seed high is 0\.0; accepted: above 0"),
        (lambda: EstimateSeed(noise=-0.1), r"seed noise is -0\.1; accepted: from 0 up"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
