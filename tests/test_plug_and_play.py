import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import (
    Blur,
    DenoisingSteps,
    Downsample,
    InputError,
    Mask,
    PlugAndPlaySteps,
    preset,
    psnr,
    restore,
)

KEY = jax.random.key(0)


def stripes():
    """A clean image that repeats itself `[32, 32, 3]`."""
    rows, columns = np.mgrid[:32, :32]
    pattern = 0.5 + 0.2 * np.sign(np.sin((rows + columns) * np.pi / 4 + 0.1))
    return np.repeat(pattern[..., None], 3, axis=-1).astype(np.float32)


def noisy(sigma=0.1):
    noise = np.random.default_rng(0).normal(0, sigma, (32, 32, 3))
    return jnp.asarray(np.clip(stripes() + noise, 0, 1), jnp.float32)


def test_every_step_of_denoising_is_better_than_the_one_before():
    result = restore(noisy(), key=KEY, settings=preset("best"), reference=stripes())
    history = np.asarray(result.history.psnr)
    np.testing.assert_allclose(history[0], psnr(noisy(), stripes()), rtol=1e-5)
    assert history[1] > history[0] + 8
    assert history[2] > history[1]
    assert result.iterations == 5
    assert 0 <= result.image.min() <= result.image.max() <= 1
    assert result.uncertainty.shape == (32, 32)
    assert result.uncertainty.max() > 0


def test_fewer_iterations_leave_steps_out_and_more_do_nothing():
    curves = [
        restore(
            noisy(),
            key=KEY,
            settings=preset("default").adjusted(iterations=iterations),
            reference=stripes(),
        ).history.psnr
        for iterations in (2, 4, 6)
    ]
    np.testing.assert_allclose(curves[0], curves[1][:2], rtol=1e-5)
    np.testing.assert_allclose(curves[2], [*curves[1], *[curves[1][-1]] * 2], rtol=1e-5)


def test_known_pixels_stay_and_are_certain():
    clean = stripes()
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
    small = operator(jnp.asarray(stripes()))
    result = restore(small, key=KEY, operator=operator)
    assert result.image.shape == (32, 32, 3)
    residual = np.asarray(result.history.fidelity)
    assert residual[-1] < 0.3 * residual[0]


def test_another_operator_gets_plug_and_play_by_default():
    blur = Blur(jnp.ones((3, 3)) / 9)
    clean = jnp.asarray(stripes())
    result = restore(blur(clean), key=KEY, operator=blur, reference=clean)
    assert result.history.psnr[-1] > result.history.psnr[0] + 1


def test_denoising_refuses_other_operators():
    message = "these settings denoise, and the operator is Downsample; accepted: Identity"
    with pytest.raises(InputError, match=message):
        restore(noisy(), key=KEY, settings=preset(), operator=Downsample(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DenoisingSteps(radius=2), "radius is 2; accepted: whole numbers from 4 to 64"),
        (lambda: DenoisingSteps((0,)), "patches per group is 0; accepted: whole numbers from 1"),
        (lambda: PlugAndPlaySteps(first=0.0), r"first noise level is 0\.0; accepted: above 0"),
        (lambda: PlugAndPlaySteps(last=-1.0), r"last noise level is -1\.0; accepted: above 0"),
        (lambda: PlugAndPlaySteps(radius=99), "radius is 99; accepted: whole numbers from 4"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_settings_with_steps_are_static_and_comparable():
    settings = preset("best")
    steps = dataclasses.replace(settings.solver, optimizer=DenoisingSteps((64, 96), radius=18))
    assert hash(settings.solver) == hash(steps)
    assert settings.solver == steps
