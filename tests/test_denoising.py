import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_stripes

from drp_jax import DenoisingSteps, Downsample, InputError, preset, psnr, restore

KEY = jax.random.key(0)


def noisy(sigma=0.1):
    noise = np.random.default_rng(0).normal(0, sigma, (32, 32, 3))
    return jnp.asarray(np.clip(make_stripes() + noise, 0, 1), jnp.float32)


def test_every_step_of_denoising_is_better_than_the_one_before():
    result = restore(noisy(), key=KEY, settings=preset("best"), reference=make_stripes())
    history = np.asarray(result.history.psnr)
    np.testing.assert_allclose(history[0], psnr(noisy(), make_stripes()), rtol=1e-5)
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
            reference=make_stripes(),
        ).history.psnr
        for iterations in (2, 4, 6)
    ]
    np.testing.assert_allclose(curves[0], curves[1][:2], rtol=1e-5)
    np.testing.assert_allclose(curves[2], [*curves[1], *[curves[1][-1]] * 2], rtol=1e-5)


def test_where_all_is_smooth_an_eighth_of_the_noise_is_uncertain():
    noise = np.random.default_rng(0).normal(0, 0.1, (32, 32, 3))
    result = restore(jnp.asarray(0.5 + noise, jnp.float32), key=KEY)
    assert 0.9 * 0.1 / 8 < result.uncertainty.min() < 1.1 * 0.1 / 8


def test_impulses_are_filled_in_before():
    clean = make_stripes()
    random = np.random.default_rng(0)
    hit = random.random(clean.shape) < 0.05
    damaged = np.where(hit, random.integers(0, 2, clean.shape), clean).astype(np.float32)
    result = restore(damaged, key=KEY, reference=clean)
    assert result.history.psnr[-1] > result.history.psnr[0] + 10


def test_denoising_refuses_other_operators():
    message = "these settings denoise, and the operator is Downsample; accepted: Identity"
    with pytest.raises(InputError, match=message):
        restore(noisy(), key=KEY, settings=preset(), operator=Downsample(2))


def test_settings_with_steps_are_static_and_comparable():
    settings = preset("best")
    same = DenoisingSteps(refinements=(64, 96), radius=18)
    solver = dataclasses.replace(settings.solver, optimizer=same)
    assert hash(settings.solver) == hash(solver)
    assert settings.solver == solver


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 2}, "radius is 2; accepted: whole numbers from 4 to 64"),
        ({"refinements": (0,)}, "patches per group is 0; accepted: whole numbers from 1 to 625"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        DenoisingSteps(**arguments)
