import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from flax import struct

from drp_jax import Gaussian, InputError, Poisson, Problem
from drp_jax.metrics import luma_psnr, psnr
from drp_jax.operators import Composition, Downsample, Function, Identity, Mask

PICTURE = make_photograph(12, 10, 3)
SPECTRUM = np.fft.fft2(PICTURE[..., 0]).astype(np.complex64)


def fourier(image):
    return jnp.fft.fft2(image[..., 0])


def test_a_picture_needs_nothing_else():
    problem = Problem(PICTURE)
    assert problem.operator == Identity()
    assert problem.image_shape == problem.image.shape == (12, 10, 3)
    assert problem.image.dtype == jnp.float32
    assert problem.value_range == (0, 1)
    assert problem.metric_name == "psnr"
    np.testing.assert_array_equal(problem.observation, PICTURE)


def test_values_are_single_precision():
    assert Problem(PICTURE.astype(np.float64)).observation.dtype == np.float32
    assert Problem(jnp.asarray(PICTURE, jnp.bfloat16)).observation.dtype == jnp.float32
    whole = Problem((255 * PICTURE).astype(np.uint8), value_range=(0, 255))
    assert whole.observation.dtype == np.float32
    measured = Problem(SPECTRUM.astype(np.complex128), fourier, image_shape=(12, 10, 1))
    assert measured.observation.dtype == np.complex64


def test_the_operator_says_the_shape_of_the_image_or_a_person_does():
    assert Problem(PICTURE, Downsample(2)).image_shape == (24, 20, 3)
    assert Problem(PICTURE, Downsample(2), image_shape=[24, 20, 3]).image_shape == (24, 20, 3)
    assert Problem(SPECTRUM, fourier, image_shape=(12, 10, 1)).image_shape == (12, 10, 1)
    # A function's observation may look like an image and be of another's shape.
    halved = Problem(PICTURE, lambda image: image[::2], image_shape=(24, 10, 3))
    assert halved.image_shape == (24, 10, 3)


def test_measurements_may_be_a_pytree():
    def two_views(image):
        return {"sum": jnp.sum(image, axis=0), "rest": [image[:2] * 1j, jnp.max(image)]}

    problem = Problem(
        {"sum": np.ones((10, 1)), "rest": [np.ones((2, 10, 1), complex), 1]},
        two_views,
        image_shape=(12, 10, 1),
    )
    assert jax.tree.map(lambda leaf: leaf.dtype.kind, problem.observation) == {
        "sum": "f",
        "rest": ["c", "f"],
    }


def test_a_complex_image_has_no_range_unless_it_is_given():
    problem = Problem(SPECTRUM, fourier, image_shape=(12, 10, 1), complex_image=True)
    assert problem.value_range is None
    assert problem.image.dtype == jnp.complex64
    image = jnp.array([3 - 4j])
    np.testing.assert_array_equal(problem.in_range(image), image)
    np.testing.assert_array_equal(problem.as_scored(image), [5])
    bounded = dataclasses.replace(problem, value_range=(-1, 2))
    np.testing.assert_array_equal(bounded.in_range(image), [2 - 1j])


def test_the_range_bounds_the_image_and_is_the_unit_of_the_score():
    problem = Problem(255 * PICTURE, value_range=(0, 255))
    image = jnp.array([-5.0, 51.0, 300.0])
    np.testing.assert_array_equal(problem.in_range(image), [0, 51, 255])
    np.testing.assert_allclose(problem.as_scored(image[1]), 0.2, rtol=1e-6)
    free = Problem(255 * PICTURE, value_range=None)
    np.testing.assert_array_equal(free.in_range(image), image)
    np.testing.assert_array_equal(free.as_scored(image), image)


def test_the_metric_has_a_name():
    assert Problem(PICTURE, metric=luma_psnr).metric_name == "luma_psnr"
    cut = functools.partial(psnr)
    assert Problem(PICTURE, metric=cut).metric_name

    @dataclasses.dataclass
    class Where:
        selected: jax.Array

        def __call__(self, image, reference):
            return jnp.sum(self.selected * (image - reference))

    problem = Problem(PICTURE, reference=PICTURE, metric=Where(jnp.ones((12, 10, 1))))
    assert problem.metric_name == "Where"
    assert problem.metric(problem.reference, problem.reference) == 0


def test_what_lies_in_the_holes_may_be_anything():
    mask = np.ones((12, 10, 1), np.float32)
    mask[3, 4] = 0
    problem = Problem(np.where(mask > 0, PICTURE, np.nan), Mask(mask))
    np.testing.assert_array_equal(problem.observation, PICTURE * mask)


def test_noise_may_leave_the_range_a_little():
    Problem(PICTURE * 2.8 - 0.9)
    Problem(1000 * SPECTRUM.real, lambda image: jnp.real(fourier(image)), image_shape=(12, 10, 1))


@struct.dataclass
class Scaled:
    scale: jax.Array

    def __call__(self, image):
        return self.scale * image


def test_what_a_problem_holds_are_leaves():
    """Another mask, noise level or range is the same program; another operator is not."""
    sums = jax.jit(lambda problem: sum(jnp.sum(leaf) for leaf in jax.tree.leaves(problem)))
    for level in (0.1, 0.2):
        sums(
            Problem(
                PICTURE * level,
                Scaled(jnp.float32(level)),
                noise=Gaussian(level),
                value_range=(0, 1 + level),
                reference=PICTURE,
            )
        )
    assert sums._cache_size() == 1
    sums(Problem(PICTURE, noise=Poisson(2.0)))
    assert sums._cache_size() == 2


def test_equal_closures_are_one_program():
    shape = jax.jit(lambda problem: problem.observation)
    for factor in (2, 2, 3):
        shape(Problem(PICTURE, lambda image, factor=factor: factor * image))
    assert shape._cache_size() == 2


def test_it_may_be_made_inside_transformations():
    """Of values that are known and of values that are not."""

    @jax.jit
    def made(picture, factor, level, high):
        closed = Problem(picture, lambda image: factor * image, noise=Gaussian(level))
        known = Problem(PICTURE, Mask(np.ones((12, 10, 1))), reference=picture)
        ranged = Problem(picture, value_range=(0.0, high), reference=PICTURE)
        return closed.operator(picture), known.observation, ranged.in_range(picture)

    predicted, observation, clipped = made(PICTURE, 2.0, 0.1, 0.5)
    np.testing.assert_array_equal(predicted, 2 * PICTURE)
    np.testing.assert_array_equal(observation, PICTURE)
    np.testing.assert_array_equal(clipped, np.minimum(PICTURE, 0.5))


def test_vmap_runs_over_observations_masks_and_levels():
    masks = np.random.default_rng(0).integers(0, 2, (3, 12, 10, 1)).astype(np.float32)
    levels = jnp.array([0.1, 0.2, 0.3])

    def made(mask, level):
        return Problem(PICTURE, Mask(mask), noise=Gaussian(level))

    batch = jax.vmap(made)(masks, levels)
    np.testing.assert_array_equal(batch.observation, masks * PICTURE)
    np.testing.assert_allclose(batch.noise.level, levels)
    seen = jax.vmap(lambda problem: jnp.sum(problem.operator(jnp.ones((12, 10, 1)))))(batch)
    np.testing.assert_array_equal(seen, masks.sum((1, 2, 3)))


def test_values_known_inside_a_transformation_are_checked_there():
    with pytest.raises(InputError, match="observation has NaN or infinity in"):
        jax.jit(lambda level: Problem(PICTURE * np.nan, noise=Gaussian(level)).observation)(0.1)
    # What is not known is not.
    jax.jit(lambda picture: Problem(picture).observation)(PICTURE * np.nan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((12, 10, 3), np.uint8),), "observation has type uint8; accepted: float, values"),
        ((np.zeros((12, 10)),), r"observation has shape \(12, 10\); accepted: \(H, W, C\)"),
        ((np.zeros((12, 10, 0)),), r"observation has shape \(12, 10, 0\); accepted: \(H, W, C\)"),
        ((np.zeros((7, 10, 3)),), r"image has shape \(7, 10, 3\); accepted: \(H, W, C\) .*from 8"),
        ((np.zeros((10, 7, 3)),), r"image has shape \(10, 7, 3\); accepted: \(H, W, C\) .*from 8"),
        (("photo.png",), "observation is 'photo.png'; accepted: "),
        ((None,), "observation is None; accepted: "),
        (([[0.1]],), r"observation is \[\[0\.1\]\]; accepted: "),
        ((np.array([["a"]]),), "observation has shape|observation is .*accepted: "),
        ((PICTURE * np.nan,), "observation has NaN or infinity in"),
        (
            (PICTURE * 255,),
            r"observation has values from .* to .*; accepted: \[0, 1\], or a little more; or ano",
        ),
        ((PICTURE, 3), "operator is 3; accepted: a function"),
        ((PICTURE, Mask), "operator is Mask.*; accepted: a function"),
        (
            (PICTURE, Mask(np.ones((12, 9, 1)))),
            r"mask has shape \(12, 9, 1\); accepted: \(12, 10, 1\) or \(12, 10, 3\)",
        ),
        (
            (PICTURE, Function(lambda image: image[1:])),
            r"operator gives shape real \(11, 10, 3\) for an image \(12, 10, 3\) .*; accepted: "
            r"shape real \(12, 10, 3\)",
        ),
        (
            (PICTURE, lambda image: image * 1j),
            r"operator gives shape complex \(12, 10, 3\) for .*; accepted: shape real",
        ),
        (
            (PICTURE, lambda image: {"one": image}),
            r"operator gives .*'one'.* for an image .*; accepted: shape real \(12, 10, 3\)",
        ),
        (
            (PICTURE, lambda image: image @ jnp.ones((7, 2))),
            r"operator fails for an image \(12, 10, 3\) of type float32: .*; accepted: a function",
        ),
        (
            (SPECTRUM, fourier),
            "the operator does not say the shape of its image; accepted: Pro",
        ),
        (
            (Composition((Downsample(2), fourier)),),
            "observation is .*accepted: ",
        ),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Problem(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (12, 10)}, r"image_shape is \(12, 10\); accepted: \(H, W, C\) with H and"),
        ({"image_shape": 12}, "image_shape is 12; accepted: "),
        ({"image_shape": (12.0, 10, 3)}, r"image_shape is \(12\.0, 10, 3\); accepted: "),
        ({"image_shape": (24, 20, 3)}, r"image_shape is \(24, 20, 3\); accepted: \(12, 10, 3\)"),
        ({"value_range": (1, 0)}, r"value_range is \(1, 0\); accepted: None, or two finite"),
        ({"value_range": (0, 1, 2)}, r"value_range is \(0, 1, 2\); accepted: None, or two"),
        ({"value_range": (0, np.inf)}, r"value_range is \(0, inf\); accepted: None, or two"),
        ({"value_range": "bytes"}, "value_range is 'bytes'; accepted: None, or two"),
        ({"value_range": (0, "1")}, r"value_range is \(0, '1'\); accepted: None, or two"),
        ({"complex_image": 1}, "complex_image is 1; accepted: True or False"),
        ({"noise": 0.1}, "noise is 0.1; accepted: "),
        ({"metric": "psnr"}, "metric is 'psnr'; accepted: a function"),
        (
            {"reference": PICTURE[:, 1:]},
            r"reference has shape \(12, 9, 3\); accepted: \(12, 10, 3\), the image's",
        ),
        ({"reference": PICTURE * 300}, "reference has values from .*; accepted: .0, 1."),
        ({"reference": PICTURE * np.nan}, "reference has NaN or infinity in"),
        ({"reference": PICTURE * 1j}, "reference has type complex64, and the image is real; acc"),
        ({"reference": "clean.png"}, "reference is 'clean.png'; accepted: "),
        (
            {"reference": PICTURE, "metric": lambda image, reference: image - reference},
            r"metric .* gives shape real \(12, 10, 3\) for two images .*; accepted: .* \(\)",
        ),
        (
            {"noise": Gaussian(np.ones((5, 4, 3)))},
            r"noise level has shape \(5, 4, 3\); accepted: one number, or a map \(12, 10\) or",
        ),
    ],
)
def test_what_is_said_beside_it_is_checked(options, message):
    with pytest.raises(InputError, match=message):
        Problem(PICTURE, **options)
