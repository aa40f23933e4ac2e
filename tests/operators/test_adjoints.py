"""The adjoint of every linear operator is its conjugate transpose, for any size, and batched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.sparse import BCOO

from drp_jax.operators import (
    Bayer,
    Blur,
    Composition,
    FanBeam,
    Function,
    Mask,
    MaskedFourier,
    Matrix,
    Radon,
    Stack,
    adjoint,
    from_scico,
    gain,
)

RANDOM = np.random.default_rng(0)


def normal(*shape, dtype=np.float32, seed=0):
    random = np.random.default_rng(seed)
    values = random.normal(size=shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * random.normal(size=shape)
    return values.astype(dtype)


class Turned:
    """With the interface of a linear operator of SCICO."""

    input_shape, output_shape = (9, 14), (14, 9)

    def __call__(self, image):
        return 2j * image.T

    def adj(self, observation):
        return -2j * observation.T


ANGLES = np.linspace(0, np.pi, 5)
FULL = np.linspace(0, 2 * np.pi, 5)
COLUMNS = RANDOM.random((1, 14)) < 0.5
SAMPLED = RANDOM.random((9, 14)) < 0.5
COILS = normal(3, 9, 14, dtype=np.complex64)
RADON = Radon(ANGLES, (9, 14))
FAN = FanBeam(FULL, (9, 14), source_distance=20.0, detector_distance=11.0, spacing=1.4, offset=0.3)
SPARSE = (RANDOM.random((20, 126)) < 0.1) * normal(20, 126)

# The operator and the image that it is for.
OPERATORS = {
    "fourier": (MaskedFourier(SAMPLED), (9, 14, 1)),
    "fourier, coils": (MaskedFourier(COLUMNS, COILS), (9, 14, 1)),
    "radon": (RADON, (9, 14, 1)),
    "radon, square": (Radon(ANGLES, (8, 8), detectors=7, spacing=1.7, offset=0.4), (8, 8, 1)),
    "radon, fine": (Radon(ANGLES, (7, 5), spacing=0.3), (7, 5, 1)),
    "fan": (FAN, (9, 14, 1)),
    "matrix": (Matrix(normal(20, 126), (9, 14)), (9, 14, 1)),
    "matrix, complex": (Matrix(normal(20, 120, dtype=np.complex64), (5, 8, 3)), (5, 8, 3)),
    "matrix, sparse": (Matrix(BCOO.fromdense(SPARSE), (9, 14)), (9, 14, 1)),
    "scico": (from_scico(Turned()), (9, 14, 1)),
    "bayer": (Bayer("GRBG"), (9, 14, 3)),
    "composition": (Composition((Blur(np.ones((2, 3)) / 6), RADON)), (9, 14, 1)),
    "composition, coils": (
        Composition((Mask(SAMPLED[..., None]), MaskedFourier(COLUMNS, COILS))),
        (9, 14, 1),
    ),
    "stack": (Stack((RADON, MaskedFourier(SAMPLED), jnp.negative)), (9, 14, 1)),
    "function of one": (Function(lambda image: 1j * RADON(2 * image[::-1]).T), (9, 14, 1)),
}


def inner(one, other):
    """The real inner product of two pytrees, in which the adjoint for a real image is real."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return sum(np.vdot(np.asarray(a, np.complex128), b).real for a, b in pairs)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64], ids=["real", "complex"])
@pytest.mark.parametrize(("operator", "shape"), OPERATORS.values(), ids=OPERATORS)
def test_the_adjoint_is_the_conjugate_transpose(operator, shape, dtype):
    """Of one real image, and of a batch of two complex ones."""
    form, batch = jax.ShapeDtypeStruct(shape, dtype), () if dtype == np.float32 else (2,)
    image = normal(*batch, *shape, dtype=dtype, seed=1)
    predicted = jax.eval_shape(operator, form)
    observation = jax.tree.map(lambda one: normal(*batch, *one.shape, dtype=one.dtype), predicted)

    def both(image, observation):
        return operator(image), adjoint(operator, observation, form)

    forward, backward = jax.jit(jax.vmap(both) if batch else both)(image, observation)
    assert backward.shape == image.shape
    assert backward.dtype == dtype
    there, here = inner(forward, observation), inner(image, backward)
    size = np.sqrt(inner(forward, forward) * inner(observation, observation))
    assert abs(there - here) / size < 1e-6
    assert abs(there) / size > 1e-4


@pytest.mark.parametrize("operator", [RADON, FAN, MaskedFourier(COLUMNS, COILS)])
def test_the_gradient_is_the_adjoint(operator):
    image = normal(9, 14, 1)
    observation = operator(image + 1)

    @jax.jit
    def run(image):
        loss = lambda image: jnp.sum(jnp.square(jnp.abs(operator(image) - observation))) / 2  # noqa: E731
        left = operator(image) - observation
        return jax.grad(loss)(image), adjoint(operator, left, image)

    gradient, expected = run(image)
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["radon, square", "fan", "stack"])
def test_the_gain_is_the_greatest_singular_value(name):
    operator, shape = OPERATORS[name]
    basis = np.eye(np.prod(shape), dtype=np.float32).reshape(-1, *shape)
    columns = jax.tree.leaves(jax.jit(jax.vmap(lambda image: operator(image)))(basis))
    parts = [np.asarray(leaf).reshape(len(basis), -1) for leaf in columns]
    matrix = np.concatenate([part for one in parts for part in (one.real, one.imag)], axis=1)
    measurements = sum(one.shape[1] for one in parts)
    expected = np.linalg.norm(matrix, 2) * np.sqrt(np.prod(shape) / measurements)
    found = jax.jit(lambda operator: gain(operator, jax.ShapeDtypeStruct(shape, jnp.float32)))(
        operator
    )
    np.testing.assert_allclose(found, expected, rtol=0.03)
