import jax
import numpy as np
import pytest

from drp_jax import InputError, NormalSeed


def test_normal_seed_has_its_shape_and_deviation():
    seed = NormalSeed(channels=2, std=0.1).draw(jax.random.key(0), 60, 50)
    assert seed.shape == (60, 50, 2)
    np.testing.assert_allclose(np.mean(seed), 0, atol=0.005)
    np.testing.assert_allclose(np.std(seed), 0.1, rtol=0.03)


def test_the_key_decides():
    draw = NormalSeed().draw
    first = draw(jax.random.key(0), 8, 8)
    np.testing.assert_array_equal(first, draw(jax.random.key(0), 8, 8))
    assert not np.array_equal(first, draw(jax.random.key(1), 8, 8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "seed channels is 0; accepted: from 1 up"),
        ({"std": 0.0}, r"seed std is 0\.0; accepted: above 0"),
    ],
)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        NormalSeed(**arguments)
