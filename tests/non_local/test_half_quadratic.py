"""Half-quadratic splitting against dense linear algebra, and what it does with noise and units."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_stripes

from drp_jax import Gaussian, InputError, NoiseFree, Poisson, Problem, Status, record, restore
from drp_jax.metrics import psnr
from drp_jax.non_local import Filtered, HalfQuadratic
from drp_jax.operators import Blur, Mask, Offset, back_projection
from drp_jax.operators.base import Operator
from drp_jax.units import Units

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
STRIPES = make_stripes()


@record
class Matrix(Operator):
    """Products of a matrix with the pixels."""

    matrix: jax.Array

    def __call__(self, image):
        return jnp.dot(self.matrix, image.ravel(), precision="highest")


def matrix(kind):
    """30 x 64 normal numbers, real or complex."""
    draw = np.random.default_rng(0)
    real, imaginary = draw.normal(size=(2, 30, 64)).astype(np.float32)
    return real if kind is float else real + 1j * imaginary


def shrunk(image, level):
    """The denoiser of an image of independent normal values with variance 1."""
    return image / (1 + level**2)


def by_hand(problem, method):
    """The same steps with dense matrices in double precision, for an image in its own units."""
    units = Units.of(problem)
    span, low = float(units.span), float(units.low)
    rows = np.asarray(problem.operator.matrix, np.complex128)
    zero = np.full(64, low * (1 + 1j) if problem.complex_image else low)
    measured = (np.asarray(problem.observation) - rows @ zero) / span
    image = back_projection(problem.operator, problem.observation, problem.image)
    image = np.asarray(problem.in_range(image))
    image = (image.ravel() - zero) / span
    level = np.asarray(problem.noise.level) / span
    precision = np.diag(np.broadcast_to(1 / level**2, measured.shape))
    for tau in np.geomspace(method.first, method.last, method.steps):
        ratio = tau**2 / method.weight
        normal = ratio * rows.conj().T @ precision @ rows
        right = ratio * rows.conj().T @ precision @ measured
        if not problem.complex_image:
            normal, right = normal.real, right.real
        image = np.linalg.solve(np.eye(64) + normal, image + right) / (1 + tau**2)
    return (zero + span * image).reshape(SHAPE)


@pytest.mark.parametrize(
    ("kind", "is_complex", "level"),
    [
        (float, False, 0.5),
        (complex, False, np.linspace(0.3, 0.8, 30, dtype=np.float32)),
        (complex, True, 0.5),
    ],
    ids=["real", "complex measurements of a real image, levels that differ", "complex"],
)
def test_steps_are_those_of_dense_linear_algebra(kind, is_complex, level):
    operator = Matrix(jnp.asarray(matrix(kind)))
    draw = np.random.default_rng(1)
    image = draw.uniform(2, 5, SHAPE) + (1j * draw.uniform(2, 5, SHAPE) if is_complex else 0)
    problem = Problem(
        np.asarray(operator(jnp.asarray(image, jnp.complex64 if is_complex else jnp.float32))),
        operator,
        noise=Gaussian(level),
        image_shape=SHAPE,
        value_range=(2, 5),
        complex_image=is_complex,
    )
    exact = {"solver_steps": 200, "solver_tolerance": 1e-6}
    method = HalfQuadratic(shrunk, steps=3, first=0.5, last=0.1, **exact)
    expected = by_hand(problem, method)
    result = restore(problem, key=KEY, method=method)
    parts = (np.real, np.imag) if is_complex else (np.real,)
    for part in parts:
        np.testing.assert_allclose(part(result.image), np.clip(part(expected), 2, 5), atol=5e-3)
    np.testing.assert_allclose(result.history["noise_level"], np.geomspace(0.5, 0.1, 3), rtol=1e-5)
    assert result.status == Status.COMPLETED


NOISY = STRIPES[..., :1] + np.random.default_rng(2).normal(0, 0.02, (32, 32, 1)).astype(np.float32)
KNOWN = np.random.default_rng(0).random((32, 32, 1)) < 0.5
MASK = Mask(jnp.asarray(KNOWN, jnp.float32))


def blurred(image, level):
    """A cheap denoiser, with a spread: a mean over 3 x 3 pixels where there is much noise."""
    smooth = Blur(jnp.ones((3, 3)) / 9)(image)
    return Filtered(image + level * (smooth - image), jnp.full(image.shape[:2], level))


CHEAP = HalfQuadratic(blurred, steps=4)


def test_a_known_background_changes_nothing():
    operator = Matrix(jnp.asarray(matrix(float)))
    image = np.random.default_rng(1).uniform(0, 1, SHAPE).astype(np.float32)
    seen = np.asarray(operator(jnp.asarray(image)))

    def run(background):
        problem = Problem(
            seen + background,
            Offset(operator, background),
            noise=Gaussian(0.5),
            image_shape=SHAPE,
            value_range=(0, 1),
        )
        return restore(problem, key=KEY, method=HalfQuadratic(shrunk, steps=3)).image

    np.testing.assert_allclose(run(8.0), run(0.0), atol=1e-4)


def test_gaps_in_a_noisy_picture_are_filled():
    problem = Problem(NOISY, MASK, noise=Gaussian(0.02), reference=STRIPES[..., :1])
    result = restore(problem, key=KEY, method=HalfQuadratic(steps=10))
    start = np.where(KNOWN, NOISY, 0.5)
    assert psnr(result.image, STRIPES[..., :1]) > psnr(start, STRIPES[..., :1]) + 5
    assert result.uncertainty.shape == (32, 32)
    assert result.uncertainty.min() >= 0


@pytest.mark.parametrize("stated", [True, False], ids=["noise stated", "noise not stated"])
def test_other_units_of_the_measurement_give_the_same_image(stated):
    image = np.random.default_rng(1).uniform(0, 1, SHAPE).astype(np.float32)

    def run(factor):
        operator = Matrix(factor * jnp.asarray(matrix(float)))
        noise = Gaussian(0.3 * factor) if stated else None
        about = {"operator": operator, "noise": noise, "image_shape": SHAPE}
        method = HalfQuadratic(shrunk, steps=3)
        return restore(operator(jnp.asarray(image)), key=KEY, method=method, **about)

    np.testing.assert_allclose(run(1000.0).image, run(1.0).image, atol=2e-4)


def test_a_map_of_levels_is_one_for_all_channels():
    colour = np.repeat(np.clip(NOISY, 0, 1), 3, axis=-1)
    level = np.linspace(0.05, 0.5, 32 * 32, dtype=np.float32).reshape(32, 32)

    def run(level):
        return restore(colour, key=KEY, method=CHEAP, operator=MASK, noise=Gaussian(level)).image

    full = np.repeat(level[..., None], 3, axis=-1)
    np.testing.assert_allclose(run(level), run(full), atol=1e-6)


@pytest.mark.parametrize("noise", [NoiseFree(), Gaussian(), Poisson(500.0), None])
def test_every_noise_is_taken(noise):
    problem = Problem(np.clip(NOISY, 0, 1), Blur(jnp.ones((1, 3)) / 3), noise=noise)
    result = restore(problem, key=KEY, method=CHEAP)
    assert np.isfinite(result.image).all()
    assert result.iterations == 4


def test_a_batch_over_levels_equals_single_runs():
    operator = Blur(jnp.ones((1, 3)) / 3)

    def run(level):
        method = dataclasses.replace(CHEAP, weight=level)
        return restore(NOISY, key=KEY, method=method, operator=operator, noise=Gaussian(level))

    levels = jnp.array([0.05, 0.2], jnp.float32)
    batch = jax.jit(jax.vmap(run))(levels)
    for index, level in enumerate((0.05, 0.2)):
        np.testing.assert_allclose(batch.image[index], run(level).image, atol=1e-4)


def test_what_is_adjusted():
    assert CHEAP.adjusted(iterations=7, noise_level=0.1) == dataclasses.replace(
        CHEAP, steps=7, noise_level=0.1
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"denoiser": ()}, r"denoiser is \(\); accepted: one function or more"),
        ({"denoiser": 3}, "denoiser is 3; accepted: a function"),
        ({"steps": 0}, "steps is 0; accepted: whole numbers from 1"),
        ({"solver_steps": 0}, "solver_steps is 0; accepted: whole numbers from 1"),
        ({"solver_tolerance": 1}, "solver_tolerance is 1; accepted: between 0 and 1"),
        ({"first": 0}, "first noise level is 0; accepted: from 1e-05 up"),
        ({"last": -1}, "last noise level is -1; accepted: from 1e-05 up"),
        ({"noise_level": 0}, "noise_level is 0; accepted: from 1e-05 up"),
        ({"weight": 0}, "weight is 0; accepted: above 0"),
        ({"name": 3}, "name is 3; accepted: a string"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        HalfQuadratic(**arguments)


def test_an_operator_that_is_not_linear_is_refused():
    problem = Problem(NOISY, jnp.square)
    with pytest.raises(InputError, match="the operator cannot be transposed"):
        CHEAP.check(problem)
    with pytest.raises(InputError, match="the operator cannot be transposed"):
        restore(problem, key=KEY, method=CHEAP)
