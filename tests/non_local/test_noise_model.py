import jax
import jax.numpy as jnp
import numpy as np
from conftest import make_photograph

from drp_jax.non_local import noise_model
from drp_jax.non_local.noisy_image import noisy_image


def test_a_picture_has_the_noise_that_was_told_from_it():
    draw = np.random.default_rng(0)
    clean = make_photograph(80, 96, 3)
    noisy = clean + (0.02 + 0.1 * clean) * draw.standard_normal(clean.shape)
    image = jnp.asarray(np.clip(noisy, 0.001, 0.999), jnp.float32)
    told_from = jax.jit(lambda image: (noise_model.noise_model(image), noisy_image(image)))
    with_noise = jax.jit(lambda model, image: model.of(image, jnp.float32(1)))
    model, known = told_from(image)
    told = with_noise(model, image)
    np.testing.assert_array_equal(told.image, known.image)
    np.testing.assert_allclose(told.level, known.level, rtol=1e-5)
    np.testing.assert_allclose(told.deviation, known.deviation, rtol=0.1)
    np.testing.assert_allclose(told.spectrum, known.spectrum, rtol=1e-4)
    np.testing.assert_allclose(told.coarse.level, known.coarse.level, rtol=1e-4)
    np.testing.assert_allclose(told.coarse.image, known.coarse.image, atol=1e-5)
    assert not model.has_impulses
    assert (np.diff(model.brightness) >= 0).all()
    salted = np.where(draw.random(image.shape) < 0.03, 1, image).astype(np.float32)
    salted_model, _ = told_from(jnp.asarray(salted))
    assert salted_model.has_impulses
    # Of a part with few impulses it is known that they are noise.
    few = np.asarray(image).copy()
    few[40, 40] = 1.0
    assert abs(with_noise(salted_model, jnp.asarray(few)).image[40, 40] - 1).max() > 0.2
