import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import Gaussian, InputError, Poisson, Problem
from drp_jax.operators import (
    Blur,
    Boundary,
    Composition,
    Downsample,
    Function,
    Identity,
    Mask,
    MaskedFourier,
    Offset,
    Operator,
    Resampling,
    Stack,
    adjoint,
    back_projection,
    is_seen,
)
from drp_jax.presets import method_for
from drp_jax.pytrees import record
from drp_jax.untrained import poisson, root_deviance

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.uniform(0, 1, (3, 4)).astype(np.float32)
IMAGE = RANDOM.uniform(0, 1, (12, 24, 3)).astype(np.float32)
SMALL = jax.ShapeDtypeStruct((6, 5, 3), jnp.float32)


def test_a_composition_applies_its_first_operator_first():
    blur, downsample = Blur(KERNEL), Downsample(4)
    composed = Composition((blur, downsample))(IMAGE)
    np.testing.assert_array_equal(composed, downsample(blur(IMAGE)))


def test_one_pixel_of_a_composition():
    image = np.zeros((4, 4, 1), np.float32)
    image[1, 1] = 1
    right = np.array([[0.0, 0.0, 1.0]], np.float32)
    # Moved right by one, the pixel is in the second block: a quarter of its mean.
    blur = Blur(right, boundary=Boundary.ZERO)
    small = np.asarray(Composition((blur, Downsample(2, Resampling.BOX)))(image))
    assert small[..., 0].tolist() == [[0, 0.25], [0, 0]]


def test_any_function_may_be_among_the_operators():
    mirrored = Composition((Downsample(2), lambda image: image[::-1]))
    np.testing.assert_array_equal(mirrored(IMAGE), Downsample(2)(IMAGE)[::-1])


def test_the_shape_of_the_image():
    assert Composition((Blur(KERNEL), Downsample(2))).image_shape(SMALL) == (12, 10, 3)
    assert Composition((Downsample(3), Downsample(2))).image_shape(SMALL) == (36, 30, 3)
    assert Composition((Blur(KERNEL), jnp.mean)).image_shape(jnp.zeros(())) is None


def test_a_mask_inside_a_composition_is_checked_at_its_own_size():
    operators = Composition((Mask(np.ones((12, 10, 1))), Downsample(2)))
    assert operators.image_shape(SMALL) == (12, 10, 3)
    with pytest.raises(InputError, match=r"mask has shape \(12, 10, 1\); accepted: \(14, 10, 1\)"):
        operators.image_shape(jax.ShapeDtypeStruct((7, 5, 3), jnp.float32))


def test_what_is_known_is_what_the_last_operator_knows():
    mask = RANDOM.random((12, 24, 1)) < 0.6
    operator = Mask(mask.astype(np.float32))
    spoiled = np.where(mask, IMAGE, np.nan)
    known = Composition((Blur(KERNEL), operator)).known(spoiled)
    np.testing.assert_array_equal(known, np.where(mask, IMAGE, 0))
    np.testing.assert_array_equal(Composition((operator, Blur(KERNEL))).known(IMAGE), IMAGE)


def test_it_maps_pictures_if_all_its_operators_do():
    assert Composition((Blur(KERNEL), Downsample(2))).maps_pictures
    assert not Composition((Blur(KERNEL), Function(jnp.sin))).maps_pictures


def test_what_its_operators_hold_are_leaves():
    apply = jax.jit(lambda operator: operator(IMAGE))
    for factor in (1, 2):
        operator = Composition((Blur(factor * KERNEL), Downsample(2)))
        np.testing.assert_allclose(apply(operator), operator(IMAGE), rtol=1e-4)
    assert apply._cache_size() == 1


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ((), r"operators is \(\); accepted: a tuple of one operator or more"),
        (Downsample(2), r"operators is Downsample\(.*; accepted: a tuple of one operator or more"),
        ((Downsample(2), 3), "operator is 3; accepted: a function"),
    ],
)
def test_what_is_none_is_named(operators, message):
    with pytest.raises(InputError, match=message):
        Composition(operators)


@record
class Own(Operator):
    """With an adjoint that can be told from the transpose."""

    def __call__(self, image):
        return 2 * image

    def adjoint(self, observation, image):
        return 5 * observation


def test_adjoints_of_their_own_are_asked():
    image, flat = jnp.zeros((4, 5, 1)), jnp.ones((4, 5, 1))
    np.testing.assert_array_equal(adjoint(Composition((Own(), jnp.negative)), flat, image), -5)
    np.testing.assert_array_equal(adjoint(Stack((Own(), jnp.negative)), (flat, flat), image), 4)
    np.testing.assert_array_equal(adjoint(Offset(Own(), 3.0), flat, image), 5)


SAMPLED = RANDOM.random((12, 24)) < 0.6
PAIR = Stack((Downsample(2), MaskedFourier(SAMPLED)))


def test_a_stack_measures_one_image_in_several_ways():
    image = IMAGE[..., :1]
    small, spectrum = PAIR(image)
    np.testing.assert_array_equal(small, Downsample(2)(image))
    np.testing.assert_array_equal(spectrum, MaskedFourier(SAMPLED)(image))
    assert not PAIR.maps_pictures
    spoiled = np.where(SAMPLED, spectrum, np.nan)
    problem = Problem([np.asarray(small), spoiled], PAIR, Gaussian(0.1))
    assert problem.image_shape == (12, 24, 1)
    np.testing.assert_array_equal(problem.observation[1], spectrum)


def test_the_image_of_a_stack_is_the_one_that_is_known():
    gray = np.zeros((12, 24, 1), np.float32)
    flipped = Function(jnp.flip)
    assert Stack((flipped, Downsample(2))).image_shape((gray, gray)) == (24, 48, 1)
    assert Stack((flipped, flipped)).image_shape((gray, gray)) == (12, 24, 1)
    assert Stack((flipped,)).image_shape((gray[0],)) is None
    with pytest.raises(
        InputError, match=r"images of different shapes, .*12, 24, 1.*24, 48, 1.*; acc"
    ):
        Stack((Identity(), Downsample(2))).image_shape((gray, gray))


def test_what_lies_beyond_a_known_background():
    """A back-projection is that without it, and the same pixels are seen."""
    mask = RANDOM.random((12, 24, 1)) < 0.6
    background = RANDOM.uniform(0, 5, (12, 24, 3)).astype(np.float32)
    operator, image = Mask(mask.astype(np.float32)), jnp.asarray(IMAGE)
    with_light = Offset(operator, background)
    measured = with_light(image)
    np.testing.assert_allclose(measured, np.where(mask, IMAGE + background, 0), rtol=1e-6)
    spoiled = np.where(mask, measured, np.nan)
    found = back_projection(with_light, spoiled, image)
    np.testing.assert_allclose(found, operator(image), atol=1e-5)
    np.testing.assert_array_equal(is_seen(with_light, image), is_seen(operator, image))
    assert not with_light.maps_pictures
    assert with_light.image_shape(measured) == IMAGE.shape


def test_a_background_may_be_a_number_or_a_pytree():
    image = IMAGE[..., :1]
    plain, lit = PAIR(image), Offset(PAIR, 2.0)(image)
    np.testing.assert_allclose(lit[0], plain[0] + 2, rtol=1e-6)
    np.testing.assert_allclose(lit[1], np.where(SAMPLED, plain[1] + 2, 0), rtol=1e-6)
    twice = Offset(PAIR, plain)(image)
    np.testing.assert_allclose(twice[1], 2 * plain[1], rtol=1e-6)
    sweep = jax.vmap(lambda light: Offset(Identity(), light)(image))(jnp.arange(3.0))
    np.testing.assert_allclose(sweep[2], image + 2, rtol=1e-6)


def test_counts_with_a_background():
    clean = np.full((12, 12, 1), 40.0, np.float32)
    counts = np.random.default_rng(0).poisson(clean + 100).astype(np.float32)
    problem = Problem(counts, Offset(Identity(), 100.0), Poisson(), value_range=(0.0, 100.0))
    fidelity = method_for(problem).method.first.method.objective.fidelity
    assert fidelity.__name__ == root_deviance.__name__
    costs = [
        poisson(problem.operator(np.full_like(clean, level)), counts)
        for level in (20.0, 30.0, 40.0, 50.0, 60.0)
    ]
    assert np.argmin(costs) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stack(()), r"operators is \(\); accepted: a tuple of one operator or more"),
        (lambda: PAIR.known(IMAGE), "observation is an array .*; accepted: a tuple of 2, one for"),
        (
            lambda: PAIR.known((IMAGE,)),
            r"observation is \(array.*; accepted: a tuple of 2, one for",
        ),
        (lambda: Offset(3, 1.0), "operator is 3; accepted: a function"),
        (lambda: Offset(Identity(), None), "background is None; accepted: a number, or what has"),
        (lambda: Offset(Identity(), "x"), "background is 'x'; accepted: a number"),
        (lambda: Offset(Identity(), np.nan), "background has NaN or infinity in"),
        (
            lambda: Offset(Identity(), np.zeros(3))(IMAGE),
            r"background has shape \(3,\); accepted: \(12, 24, 3\), the observation's, or a number",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
