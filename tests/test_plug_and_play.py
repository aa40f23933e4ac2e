import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_stripes

from drp_jax import (
    Blur,
    Downsample,
    InputError,
    Mask,
    PlugAndPlaySteps,
    preset,
    psnr,
    restore,
)
from drp_jax.operators import filled_estimate

KEY = jax.random.key(0)


def test_known_pixels_stay_and_are_certain():
    clean = make_stripes()
    known = np.random.default_rng(0).random((32, 32, 1)) < 0.5
    observation = jnp.asarray(np.where(known, clean, 0), jnp.float32)
    mask = Mask(jnp.asarray(known, jnp.float32))
    result = restore(observation, key=KEY, operator=mask, reference=clean)
    where = np.broadcast_to(known, clean.shape)
    np.testing.assert_allclose(np.asarray(result.image)[where], clean[where], atol=1e-6)
    certain = np.asarray(result.uncertainty)[known[..., 0]]
    np.testing.assert_array_equal(certain, np.zeros_like(certain))
    assert result.history.psnr[-1] > result.history.psnr[0] + 5


def test_a_smooth_image_is_filled_in_smoothly():
    rows, columns = np.mgrid[:32, :32]
    ramp = (0.2 + 0.01 * rows + 0.005 * columns)[..., None].astype(np.float32)
    known = np.random.default_rng(0).random((32, 32, 1)) < 0.3
    observation = jnp.asarray(np.where(known, ramp, 0), jnp.float32)
    result = restore(observation, key=KEY, operator=Mask(jnp.asarray(known, jnp.float32)))
    assert psnr(result.image, ramp) > 45


def test_super_resolution_fits_the_observation_better_and_better():
    operator = Downsample(2)
    small = operator(jnp.asarray(make_stripes()))
    result = restore(small, key=KEY, operator=operator)
    assert result.image.shape == (32, 32, 3)
    residual = np.asarray(result.history.fidelity)
    assert residual[-1] < 0.3 * residual[0]


def test_another_operator_gets_plug_and_play_by_default():
    blur = Blur(jnp.ones((3, 3)) / 9)
    clean = jnp.asarray(make_stripes())
    result = restore(blur(clean), key=KEY, operator=blur, reference=clean)
    assert result.history.psnr[-1] > result.history.psnr[0] + 1


def test_one_iteration_gives_the_image_filled_in():
    known = np.random.default_rng(0).random((32, 32, 1)) < 0.5
    mask = Mask(jnp.asarray(known, jnp.float32))
    observation = mask(jnp.asarray(make_stripes()))
    settings = preset(task="inpaint").adjusted(iterations=1)
    result = restore(observation, key=KEY, settings=settings, operator=mask)
    np.testing.assert_allclose(result.image, filled_estimate(mask, observation), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": 0.0}, r"first noise level is 0\.0; accepted: above 0"),
        ({"last": -1.0}, r"last noise level is -1\.0; accepted: above 0"),
        ({"radius": 99}, "radius is 99; accepted: whole numbers from 4"),
        ({"momentum": 1.0}, r"momentum is 1\.0; accepted: in \[0, 1\)"),
        ({"filters": ()}, "filters is empty; accepted: one or more"),
        ({"filters": ("fine",)}, "filter is 'fine'; accepted: threshold of 16 x 16 patches, "),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        PlugAndPlaySteps(**arguments)
