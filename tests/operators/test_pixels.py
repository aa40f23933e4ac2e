import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from golden_values import load

from drp_jax import InputError
from drp_jax.operators import Blur, Boundary, Downsample, Identity, Mask, Resampling

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.uniform(0, 1, (3, 4)).astype(np.float32)  # neither symmetric nor square
MASK = RANDOM.random((12, 24, 1)) < 0.6
MASK_PER_CHANNEL = RANDOM.random((12, 24, 3)) < 0.6
SMALL = jax.ShapeDtypeStruct((6, 5, 3), jnp.float32)

SCIPY_MODES = {
    Boundary.REFLECT: "mirror",
    Boundary.REPLICATE: "nearest",
    Boundary.PERIODIC: "wrap",
    Boundary.ZERO: "constant",
}


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)


def shifted(image, kernel, centre, mode):
    """The sum in the docstring of Blur, term by term in float64."""
    height, width = image.shape[:2]
    padded = np.pad(image.astype(np.float64), ((8, 8), (8, 8), (0, 0)), mode=mode)
    result = np.zeros(image.shape)
    for (a, b), value in np.ndenumerate(kernel):
        top, left = 8 - (a - centre[0]), 8 - (b - centre[1])
        result += value * padded[top : top + height, left : left + width]
    return result


def test_identity_gives_the_image_and_keeps_shapes():
    image = jax.random.uniform(jax.random.key(0), (5, 6, 3))
    np.testing.assert_array_equal(Identity()(image), image)
    assert Identity().image_shape(image) == (5, 6, 3)


@pytest.mark.parametrize("mask", [MASK, MASK_PER_CHANNEL])
def test_a_mask_keeps_the_known_pixels(mask):
    image = uniform(12, 24, 3)
    expected = np.where(mask, image, 0)
    np.testing.assert_array_equal(Mask(mask.astype(np.float32))(image), expected)


def test_one_pixel_of_each_mask():
    image = np.full((2, 2, 3), 0.25, np.float32)
    mask = np.ones((2, 2, 1), np.float32)
    mask[1, 0] = 0
    masked = np.asarray(Mask(mask)(image))
    assert masked[1, 0].tolist() == [0, 0, 0]
    assert masked[0, 1].tolist() == [0.25, 0.25, 0.25]
    per_channel = np.ones((2, 2, 3), np.float32)
    per_channel[1, 0, 1] = 0
    assert np.asarray(Mask(per_channel)(image))[1, 0].tolist() == [0.25, 0, 0.25]


@pytest.mark.parametrize("mask", [MASK, MASK_PER_CHANNEL])
def test_what_lies_in_the_holes_is_not_looked_at(mask):
    image = uniform(12, 24, 3)
    spoiled = np.where(mask, image, np.nan)
    operator = Mask(mask.astype(np.float32))
    np.testing.assert_array_equal(operator.known(spoiled), np.where(mask, image, 0))


def test_operators_without_holes_know_every_pixel():
    image = uniform(12, 24, 3)
    for operator in (Identity(), Blur(KERNEL), Downsample(2)):
        np.testing.assert_array_equal(operator.known(image), image)


@pytest.mark.parametrize("boundary", Boundary)
@pytest.mark.parametrize("size", [(3, 5), (1, 7)])
def test_blur_equals_scipy(boundary, size):
    image, kernel = uniform(9, 11, 2), uniform(*size, seed=1)
    expected = scipy.ndimage.convolve(
        image.astype(np.float64), kernel[..., None].astype(np.float64), mode=SCIPY_MODES[boundary]
    )
    np.testing.assert_allclose(Blur(kernel, boundary=boundary)(image), expected, atol=1e-5)


@pytest.mark.parametrize("boundary", Boundary)
@pytest.mark.parametrize("centre", [None, (0, 0), (2, 3), (1, 0)])
def test_blur_equals_its_definition_for_any_centre(boundary, centre):
    image = uniform(9, 11, 2)
    expected = shifted(image, KERNEL, centre or (1, 2), boundary.value)
    blurred = Blur(KERNEL, centre=centre, boundary=boundary)(image)
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


@pytest.mark.parametrize("centre", [None, (0, 0), (2, 3), (1, 0)])
def test_a_photograph_is_cut_out_of_a_larger_scene(centre):
    scene, observed = uniform(9, 11, 2), (7, 8, 2)
    blur = Blur(KERNEL, centre=centre, boundary=None)
    assert blur.image_shape(np.zeros(observed, np.float32)) == scene.shape
    whole = shifted(scene, KERNEL, centre or (1, 2), "constant")
    (above, below), (left, right), _ = blur.margins
    assert (above + below, left + right) == (2, 3)
    inside = np.s_[above : 9 - below, left : 11 - right]
    np.testing.assert_allclose(blur(scene), whole[inside], atol=1e-5)
    np.testing.assert_array_equal(blur.observed_part(scene), scene[inside])
    mirrored = Blur(KERNEL, centre=centre)
    np.testing.assert_array_equal(mirrored.observed_part(scene), scene)


def test_a_kernel_is_not_larger_than_its_scene():
    with pytest.raises(InputError, match=r"shape \(9, 11, 2\); accepted: .* \(3, 12\) up"):
        Blur(np.ones((3, 12)), boundary=None)(uniform(9, 11, 2))


def test_one_pixel_of_a_blur():
    image = np.zeros((5, 5, 1), np.float32)
    image[1, 2], image[2, 2], image[2, 1] = 0.5, 1, 0.25
    kernel = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]], np.float32)
    blurred = np.asarray(Blur(kernel)(image))
    # The pixel above meets the entry below the centre, the pixel to the left the one right.
    np.testing.assert_allclose(blurred[2, 2, 0], 0.5 * 0.8 + 1 * 0.5 + 0.25 * 0.6, rtol=1e-6)
    # Past the edge lies the reflection: image[-1] is image[1].
    np.testing.assert_allclose(blurred[0, 2, 0], 0.5 * 0.2 + 0.5 * 0.8, rtol=1e-6)


def test_a_delta_beside_the_centre_shifts_the_image():
    image = uniform(6, 7, 3)
    delta = np.zeros((3, 5), np.float32)
    delta[2, 1] = 1
    # One row below and one column left of the centre (1, 2): down and left.
    moved = Blur(delta, boundary=Boundary.PERIODIC)(image)
    np.testing.assert_array_equal(moved, np.roll(image, (1, -1), axis=(0, 1)))
    # Two rows below and three columns left of (0, 4), with zeros past the edges.
    moved = Blur(delta, centre=(0, 4), boundary=Boundary.ZERO)(image)
    expected = np.zeros_like(image)
    expected[2:, :-3] = image[:-2, 3:]
    np.testing.assert_array_equal(moved, expected)
    # At the centre it changes nothing.
    np.testing.assert_array_equal(Blur(delta, centre=(2, 1))(image), image)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("resampling", Resampling)
def test_downsampling_keeps_constants_and_block_centres(factor, resampling):
    operator = Downsample(factor, resampling)
    constant = np.full((9 * factor, 8 * factor, 3), 0.7, np.float32)
    small = operator(constant)
    assert small.shape == (9, 8, 3)
    np.testing.assert_allclose(small, 0.7, rtol=1e-6)
    rows, columns = np.mgrid[: 9 * factor, : 8 * factor]
    ramp = (0.02 * rows + 0.01 * columns).astype(np.float32)[..., None]
    centres = ramp[..., 0].reshape(9, factor, 8, factor).mean(axis=(1, 3))
    inner = np.s_[3:-3, 3:-3]
    np.testing.assert_allclose(operator(ramp)[..., 0][inner], centres[inner], atol=1e-6)


def test_one_pixel_of_each_downsampling():
    def windowed(distance, reach):
        x = math.pi * distance
        return math.sin(x) / x * math.sin(x / reach) / (x / reach)

    image = np.zeros((16, 16, 1), np.float32)
    image[8, 9] = 1
    # Row 8 is half a pixel from the centre of block 4 and 1.5 pixels from that of block 3;
    # column 9 is half a pixel from the centre of block 4.
    for resampling, reach in ((Resampling.LANCZOS2, 2), (Resampling.LANCZOS3, 3)):
        total = 2 * sum(windowed((tap + 0.5) / 2, reach) for tap in range(2 * reach))
        small = np.asarray(Downsample(2, resampling)(image))[..., 0]
        near, far = windowed(0.25, reach) / total, windowed(0.75, reach) / total
        np.testing.assert_allclose(small[4, 4], near * near, rtol=1e-5)
        np.testing.assert_allclose(small[3, 4], far * near, rtol=1e-5)
        assert small[4 - reach - 1, 4] == 0
    blocks = np.arange(36, dtype=np.float32).reshape(6, 6, 1)
    boxed = np.asarray(Downsample(3, Resampling.BOX)(blocks))
    assert boxed[0, 1, 0] == pytest.approx((3 + 4 + 5 + 9 + 10 + 11 + 15 + 16 + 17) / 9)


def test_odd_factors_have_a_tap_on_the_block_centre():
    image = np.zeros((18, 18, 1), np.float32)
    image[10, 7] = 1  # the centre of the block (3, 2)
    small = np.asarray(Downsample(3)(image))[..., 0]
    assert np.unravel_index(small.argmax(), small.shape) == (3, 2)
    np.testing.assert_allclose(small[3, 1], small[3, 3], atol=1e-7)
    np.testing.assert_allclose(small[2, 2], small[4, 2], atol=1e-7)


def test_downsampling_by_four_equals_the_original_program():
    golden = load("drp_dip_super_resolution_x4")
    operator = Downsample(4)
    np.testing.assert_allclose(np.outer(operator.taps, operator.taps), golden["kernel"], atol=1e-7)
    small = operator(golden["clean"])
    np.testing.assert_allclose(small, golden["downsampled_clean"], atol=1e-5)


def test_the_shape_of_the_image():
    assert Mask(np.ones((6, 5, 1))).image_shape(SMALL) == SMALL.shape
    assert Mask(np.ones((6, 5, 3))).image_shape(SMALL) == SMALL.shape
    assert Blur(KERNEL, centre=(2, 3)).image_shape(SMALL) == SMALL.shape
    assert Downsample(3).image_shape(SMALL) == (18, 15, 3)


def test_masks_and_kernels_are_leaves():
    """Another mask does not compile again, and `jax.vmap` runs over kernels."""
    image = uniform(9, 11, 2)
    apply = jax.jit(lambda operator, image: operator(image))
    for seed in range(2):
        mask = (uniform(9, 11, 1, seed=seed) < 0.5).astype(np.float32)
        np.testing.assert_array_equal(apply(Mask(mask), image), mask * image)
    assert apply._cache_size() == 1
    kernels = jnp.stack([uniform(3, 3, seed=seed) for seed in range(2)])
    swept = jax.vmap(lambda kernel: Blur(kernel)(image))(kernels)
    for kernel, blurred in zip(kernels, swept, strict=True):
        np.testing.assert_allclose(blurred, Blur(kernel)(image), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Mask(np.ones((6, 4, 1))).image_shape(SMALL),
            r"mask has shape \(6, 4, 1\); accepted: \(6, 5, 1\) or \(6, 5, 3\)",
        ),
        (
            lambda: Mask(np.ones((6, 5, 2))).image_shape(SMALL),
            r"mask has shape \(6, 5, 2\); accepted: \(6, 5, 1\) or \(6, 5, 3\)",
        ),
        (
            lambda: Mask(np.ones((6, 5))).image_shape(SMALL),
            r"mask has shape \(6, 5\); accepted: \(6, 5, 1\) or \(6, 5, 3\)",
        ),
        (
            lambda: Blur(np.ones(3)).image_shape(SMALL),
            r"blur kernel has shape \(3,\); accepted: \(rows, columns\)",
        ),
        (
            lambda: Blur(np.ones((3, 0))).image_shape(SMALL),
            r"blur kernel has shape \(3, 0\); accepted: \(rows, columns\)",
        ),
        (
            lambda: Blur(np.ones((3, 4)), centre=(3, 0)).image_shape(SMALL),
            r"blur centre is \(3, 0\); accepted: an entry of the \(3, 4\) kernel",
        ),
        (
            lambda: Blur(np.ones((3, 4)), centre=(0, -1)).image_shape(SMALL),
            r"blur centre is \(0, -1\); accepted: an entry of the \(3, 4\) kernel",
        ),
        (
            lambda: Downsample(4)(jnp.ones((8, 10, 1))),
            "image is 8 x 10; accepted: multiples of the factor 4",
        ),
        (
            lambda: Downsample(4)(jnp.ones((10, 8, 1))),
            "image is 10 x 8; accepted: multiples of the factor 4",
        ),
        (lambda: Downsample(0), "factor is 0; accepted: whole numbers from 1 to 64"),
        (lambda: Downsample(2.0), r"factor is 2\.0; accepted: whole numbers from 1 to 64"),
        (
            lambda: Downsample(2, "cubic"),
            "(?i)resampling is 'cubic'; accepted: .*lanczos2, .*lanczos3, .*box",
        ),
        (
            lambda: Blur(np.ones((3, 3)), boundary="edge"),
            "boundary is 'edge'; accepted: .*REFLECT, .*REPLICATE, .*PERIODIC, .*ZERO",
        ),
        (lambda: Blur([[1.0]]), r"blur kernel is \[\[1\.0\]\]; accepted: an array"),
        (lambda: Blur(np.full((3, 3), np.nan)), "blur kernel has NaN or infinity in"),
        (lambda: Mask(np.full((6, 5, 1), 2.0)), "mask has values that are not from 0 to 1"),
        (lambda: Mask(np.full((6, 5, 1), np.nan)), "mask has values that are not from 0 to 1"),
        (lambda: Mask([[1]]), r"mask is \[\[1\]\]; accepted: an array \[H, W, 1\] or"),
        (
            lambda: Identity().image_shape(jax.ShapeDtypeStruct((6, 5), jnp.float32)),
            r"observation has shape \(6, 5\); accepted: \(H, W, C\)",
        ),
        (
            lambda: Identity().image_shape({}),
            r"observation is \{\}; accepted: an array \[H, W, C\]",
        ),
        (
            lambda: Blur(np.ones((3, 3)), centre=(1,)).image_shape(SMALL),
            r"blur centre is \(1,\); accepted: an entry of the \(3, 3\) kernel",
        ),
    ],
)
def test_misfits_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
