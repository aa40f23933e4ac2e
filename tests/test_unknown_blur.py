"""Kernels from blurred pictures alone, against the kernels that blurred them."""

import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_boxes
from scipy import ndimage

from drp_jax import InputError, unknown_blur
from drp_jax.unknown_blur import estimated_kernel


def bent():
    """A kernel that is neither symmetric nor in the middle of its square."""
    kernel = np.zeros((7, 7))
    kernel[2, 1:5], kernel[3:6, 4] = 1, 0.7
    return kernel / kernel.sum()


@pytest.fixture(scope="module")
def found():
    """The kernel of a blurred scene in two colours, with noise."""
    blurred = ndimage.convolve(make_boxes(80, 86), bent())[4:-4, 4:-4]
    noise = np.random.default_rng(1).normal(size=(*blurred.shape, 2))
    picture = blurred[..., None] + 0.01 * noise
    return np.asarray(estimated_kernel(picture.astype(np.float32), 9))


def test_the_kernel_of_a_blurred_picture_is_found(found):
    assert found.shape == (9, 9)
    padded, truth = np.pad(found, 3), np.pad(bent(), 1)
    shifted = [np.roll(truth, move, (0, 1)) for move in np.ndindex(9, 9)]
    matches = [np.sum(found * one) / np.sqrt(np.sum(found**2) * np.sum(one**2)) for one in shifted]
    assert max(matches) > 0.9
    flat = np.ones((9, 9)) / 9
    assert np.sum(flat * truth) / np.sqrt(np.sum(flat**2) * np.sum(truth**2)) < 0.4
    turned = truth[::-1, ::-1]
    mirrored = [np.sum(padded[3:-3, 3:-3] * np.roll(turned, m, (0, 1))) for m in np.ndindex(9, 9)]
    assert max(mirrored) < 0.9 * max(np.sum(found * one) for one in shifted)


def test_it_is_a_kernel_with_its_centre_of_mass_in_the_middle(found):
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(ndimage.center_of_mass(found), (4, 4), atol=0.51)


def test_a_picture_without_edges_gives_a_point():
    flat = np.full((24, 24, 1), 0.5, np.float32)
    point = np.zeros((3, 3))
    point[1, 1] = 1
    np.testing.assert_array_equal(estimated_kernel(flat, 3), point)


def test_small_pieces_that_are_not_connected_are_left_out():
    kernel = np.zeros((9, 9), np.float32)
    kernel[1, 1], kernel[2, 2], kernel[6:8, 5], kernel[0, 8] = 0.3, 0.2, 0.225, 0.05
    small = kernel.copy()
    small[1, 2] = 0.02  # below a tenth of the greatest entry
    pieces, count = ndimage.label(kernel, structure=np.ones((3, 3)))
    kept = [n for n in range(1, count + 1) if kernel[pieces == n].sum() >= 0.1]
    expected = np.where(np.isin(pieces, kept), kernel, 0)
    assert (count, len(kept)) == (3, 2)
    np.testing.assert_allclose(
        unknown_blur._pruned(jnp.asarray(small), 0.1), expected / expected.sum(), rtol=1e-6
    )


def test_the_kernel_between_two_periodic_images_solves_the_normal_equations():
    sharp = make_boxes(20, 24)
    kernel = np.abs(np.random.default_rng(0).normal(size=(3, 3))) + 0.5
    blurred = ndimage.convolve(sharp, kernel / kernel.sum(), mode="wrap")
    inside = np.random.default_rng(1).uniform(0.5, 1, sharp.shape)
    matrix, wanted = 0, 0
    for axis in (1, 0):
        steps = [inside * (np.roll(one, -1, axis) - one) for one in (sharp, blurred)]
        columns = [
            np.roll(steps[0], (row, column), (0, 1)).ravel()
            for row in range(-(20 // 2), 10)
            for column in range(-(24 // 2), 12)
        ]
        system = np.stack(columns, axis=1)
        matrix, wanted = matrix + system.T @ system, wanted + system.T @ steps[1].ravel()
    weight = unknown_blur._KERNEL_WEIGHT * np.trace(matrix) / len(matrix)
    solved = np.linalg.solve(matrix + weight * np.eye(len(matrix)), wanted).reshape(20, 24)
    expected = solved[9:12, 11:14]
    expected = np.maximum(expected, 0)
    fitted = unknown_blur._fitted(*map(jnp.asarray, (blurred, sharp, inside)), 3)
    np.testing.assert_allclose(fitted, expected / expected.sum(), atol=1e-4)


def test_of_a_noisy_box_its_edges_are_left():
    box = np.zeros((24, 28))
    box[6:17, 8:20] = 0.8
    noisy = box + 0.01 * np.random.default_rng(0).normal(size=box.shape)
    point = jnp.zeros((3, 3)).at[1, 1].set(1.0)
    sharp = unknown_blur._sharpened(jnp.asarray(noisy, jnp.float32), point, jnp.float32(0.01))
    np.testing.assert_allclose(sharp[6:17, 8:20], 0.8, atol=0.02)
    assert np.std(sharp[8:15, 10:18]) < 0.2 * np.std(noisy[8:15, 10:18])


@pytest.mark.parametrize("side", [14, 1, 19, 7.0, "7"])
def test_a_side_that_no_kernel_has_is_refused(side):
    accepted = "accepted: an odd number of pixels from 3 to 15, a third of the picture's"
    with pytest.raises(InputError, match=f"^side is {side!r}; {accepted}"):
        estimated_kernel(np.zeros((48, 60, 1), np.float32), side)


@pytest.mark.parametrize("side", [np.int64(15), np.uint8(3)])
def test_a_side_may_be_a_whole_number_of_numpy(side):
    unknown_blur.check_side(side, (48, 60, 1))


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError, match=r"picture has shape \(48, 60\); accepted: \(H, W, C\)"):
        estimated_kernel(np.zeros((48, 60), np.float32), 3)
    broken = np.full((48, 60, 1), np.nan, np.float32)
    with pytest.raises(InputError, match="picture has NaN or infinity in 2880 of 2880"):
        estimated_kernel(broken, 3)
