import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import InputError
from drp_jax.operators import Blur, Boundary, Composition, Downsample, Function, Mask, Resampling

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
