import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import SMALL, make_photograph
from flax import nnx
from scipy import ndimage

from drp_jax import InputError, Problem, restore
from drp_jax.untrained import CoarseToFine, NormAffine, Seed, Weight

KEY = jax.random.key(0)
IMAGE = make_photograph(12, 10, 1)
GRADIENT = np.random.default_rng(0).normal(size=(12, 10, 3)).astype(np.float32)


def gradients(seed):
    return nnx.State(
        {
            "affine": NormAffine(jnp.arange(3.0)),
            "filter": Weight(jnp.ones((12, 10, 3))),
            "seed": Seed(jnp.asarray(seed)),
        }
    )


def directions(optimizer, count):
    """What an optimiser with rate 1 is given, at each of the first iterations."""
    transformation = optimizer(1.0)
    state = transformation.init(gradients(GRADIENT))
    found = []
    for _ in range(count):
        updates, state = transformation.update(gradients(GRADIENT), state)
        found.append(updates)
    return found


def test_the_gradient_of_a_seed_is_blurred_less_and_less():
    optimizer = CoarseToFine(lambda rate: optax.identity(), width=3.0, iterations=4)
    found = [update["seed"][...] for update in directions(optimizer, 6)]
    for width, blurred in zip((3.0, 2.25, 1.5, 0.75, 0.0, 0.0), found, strict=True):
        for channel in range(3):
            spectrum = np.fft.fft2(GRADIENT[..., channel].astype(np.float64))
            expected = np.fft.ifft2(ndimage.fourier_gaussian(spectrum, width)).real
            np.testing.assert_allclose(blurred[..., channel], expected, atol=1e-5)


def test_other_variables_keep_their_gradients():
    optimizer = CoarseToFine(lambda rate: optax.identity())
    (update,) = directions(optimizer, 1)
    np.testing.assert_array_equal(update["affine"][...], np.arange(3.0))
    np.testing.assert_array_equal(update["filter"][...], np.ones((12, 10, 3)))


def test_the_optimizer_within_takes_the_rate():
    plain = optax.adam(0.5)
    smoothed = CoarseToFine(optax.adam, width=1.0, iterations=1e-6)(0.5)
    state, own = smoothed.init(gradients(GRADIENT)), plain.init(gradients(GRADIENT))
    for number in range(3):
        update, state = smoothed.update(gradients(GRADIENT), state)
        expected, own = plain.update(gradients(GRADIENT), own)
        if number:  # the first is smoothed
            np.testing.assert_array_equal(update["affine"][...], expected["affine"][...])


def test_it_runs_and_its_share_of_the_iterations_stays():
    optimizer = CoarseToFine(width=2.0, iterations=4)
    method = dataclasses.replace(SMALL.adjusted(iterations=8), optimizer=optimizer)
    assert method.adjusted(iterations=16).optimizer.iterations == 8
    smoothed = restore(Problem(IMAGE), key=KEY, method=method)
    plain = restore(Problem(IMAGE), key=KEY, method=SMALL.adjusted(iterations=8))
    assert np.isfinite(smoothed.image).all()
    assert np.abs(smoothed.image - plain.image).max() > 1e-3
    begun = method.init(Problem(IMAGE), KEY).trained["seed"][...]
    smooth, rough = (
        np.square(np.diff(one.trees.trained["seed"][...] - begun, axis=0)).mean()
        for one in (smoothed, plain)
    )
    assert smooth < rough


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CoarseToFine("adam"), "optimizer is 'adam'; accepted: an optax optimiser"),
        (lambda: CoarseToFine(width=0), "width of the smoothing is 0; accepted: above 0"),
        (lambda: CoarseToFine(iterations=-1), "iterations of the smoothing is -1; accepted: above"),
    ],
)
def test_what_it_cannot_take_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
