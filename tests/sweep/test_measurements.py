"""Measurements as NumPy and geometry have them, their noise, and what is refused."""

import numpy as np
import pytest
from conftest import make_photograph
from scipy import ndimage

from drp_jax import InputError
from drp_jax.operators import Bayer, Blur, FourierMagnitude, MaskedFourier, Matrix, Radon
from drp_jax.sweep import degradation, measured_by
from drp_jax.sweep.measurements import measurement, observed

GRAY, COLOURS = make_photograph(24, 20, 1), make_photograph(24, 20, 3)


def problem(text, clean=GRAY, noise=0.0, seed=0):
    return measured_by(text, noise).problem(clean, np.random.default_rng(seed))


def spectrum(image):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image), norm="ortho"))


def test_mri_has_one_row_in_so_many_and_the_centre():
    one = problem("mri:4")
    assert isinstance(one.operator, MaskedFourier)
    rows = np.flatnonzero(one.operator.mask)
    assert one.operator.mask.shape == (24, 1)
    assert len(rows) == 24 // 4
    assert {11, 12} <= set(rows)  # 24 / (6 * 4) on both sides of the centre
    np.testing.assert_allclose(one.observation[rows], spectrum(GRAY[..., 0])[rows], atol=1e-5)
    others = [np.flatnonzero(problem("mri:4", seed=seed).operator.mask) for seed in range(1, 4)]
    assert any(set(other) != set(rows) for other in others)


def test_coils_share_the_image_and_see_it_from_around():
    one = problem("mri:4,6")
    seen = np.asarray(one.operator.sensitivities)
    assert one.observation.shape == seen.shape == (6, 24, 20)
    np.testing.assert_allclose((np.abs(seen) ** 2).sum(0), 1, rtol=1e-5)
    brightest = np.abs(seen[0]) == np.abs(seen[0]).max()
    assert set(np.nonzero(brightest)[1]) == {19}  # the first is on the right


def test_tomography_has_views_of_half_a_turn():
    one = problem("ct:6", np.ones((16, 16, 1), np.float32))
    assert isinstance(one.operator, Radon)
    np.testing.assert_allclose(np.rad2deg(one.operator.angles), range(0, 180, 30), rtol=1e-6)
    np.testing.assert_allclose(one.observation.sum(1), 256, rtol=0.02)
    np.testing.assert_allclose(one.observation[0].max(), 16, rtol=1e-5)


def test_a_blur_is_that_of_the_kernel_of_each_channel():
    one = problem("blur:motion:5,0", COLOURS)
    assert isinstance(one.operator, Blur)
    expected = ndimage.uniform_filter1d(COLOURS, 5, axis=1, mode="mirror")
    np.testing.assert_allclose(one.observation, expected, atol=1e-5)
    gaussian = problem("blur:gaussian:1.2").observation
    expected = ndimage.gaussian_filter(GRAY[..., 0], 1.2, mode="mirror")
    np.testing.assert_allclose(gaussian[..., 0], expected, atol=1e-5)
    assert problem("blur:disk:3").operator.kernel.shape == (7, 7)


def test_compressed_sensing_has_fewer_products_than_values():
    one = problem("sensing:0.25", make_photograph(16, 12, 2))
    assert isinstance(one.operator, Matrix)
    matrix = np.asarray(one.operator.matrix)
    assert matrix.shape == (16 * 12 * 2 // 4, 16 * 12 * 2)
    np.testing.assert_allclose(matrix.std() * len(matrix) ** 0.5, 1, rtol=0.02)
    expected = matrix @ make_photograph(16, 12, 2).ravel()
    np.testing.assert_allclose(one.observation, expected, rtol=1e-4, atol=1e-4)


def test_phase_retrieval_has_magnitudes_of_copies_with_signs():
    one = problem("phase")
    assert isinstance(one.operator, FourierMagnitude)
    signs = np.asarray(one.operator.masks)
    assert signs.shape == (4, 24, 20)
    assert set(np.unique(signs)) == {-1, 1}
    expected = np.abs([spectrum(GRAY[..., 0] * copy) for copy in signs])
    np.testing.assert_allclose(one.observation, expected, atol=1e-5)


def test_a_mosaic_has_one_colour_a_pixel():
    one = problem("mosaic", COLOURS)
    assert isinstance(one.operator, Bayer)
    np.testing.assert_array_equal(one.observation[::2, ::2, 0], COLOURS[::2, ::2, 0])
    np.testing.assert_array_equal(one.observation[1::2, 1::2, 0], COLOURS[1::2, 1::2, 2])


@pytest.mark.parametrize(
    ("text", "level"),
    [("mri:2", 0.02), ("blur:gaussian:1", 0.02), ("phase", 0.02), ("ct:24", 0.02 * 24 / 2)],
)
def test_noise_has_the_level_that_the_problem_states(text, level):
    exact, noisy = problem(text), problem(text, noise=0.02)
    assert exact.noise is None
    assert noisy.noise.level == pytest.approx(level)
    difference = noisy.observation - exact.observation
    np.testing.assert_allclose(np.std(difference[difference != 0]), level, rtol=0.1)
    assert measured_by(text, 0.02).name == f"{text}, noise 0.02"
    assert degradation(text).name == text
    assert degradation(text).task == "reconstruct"


def test_the_level_of_noise_may_be_left_unsaid():
    known = problem("mri:2", noise=0.02)
    unknown = measured_by("mri:2", 0.02, noise_known=False)
    assert unknown.name == "mri:2, unknown noise 0.02"
    unsaid = unknown.problem(GRAY, np.random.default_rng(0))
    assert unsaid.noise is None
    np.testing.assert_array_equal(unsaid.observation, known.observation)


def test_a_key_gives_the_same_measurement_again():
    for text in ("mri:4", "sensing:0.1", "phase"):
        one, again, other = (problem(text, noise=0.1, seed=seed) for seed in (3, 3, 4))
        np.testing.assert_array_equal(one.observation, again.observation)
        assert np.abs(one.observation - other.observation).max() > 0.01


def test_an_operator_may_give_several_arrays():
    both = observed(
        GRAY, np.random.default_rng(0), operator=lambda image: (image[::2], 1j * image), noise=0.1
    )
    real, imaginary = both.observation
    np.testing.assert_allclose((real - GRAY[::2]).std(), 0.1, rtol=0.15)
    np.testing.assert_allclose((imaginary - 1j * GRAY).std(), 0.1, rtol=0.15)


def test_other_texts_are_no_measurements():
    for text in ("gaussian:25", "x4", "lab:measure", "", "MRI:4"):
        assert measurement(text) is None


MRI = "accepted: mri:ACCELERATION, from 2 up, or mri:ACCELERATION,COILS, 2 to 64 coils"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"degradation {text!r}; {MRI}")
            for text in ("mri", "mri:", "mri:1", "mri:4,1", "mri:4,65", "mri:4,4,4", "mri:-4")
        ),
        *(
            (text, f"degradation {text!r}; accepted: ct:VIEWS from 1 to 10000")
            for text in ("ct:0", "ct:10001", "ct:9999999999999", "ct:2,2", "ct:2.5")
        ),
        *(
            (text, f"degradation {text!r}; accepted: sensing:SHARE, above 0, up to 1")
            for text in ("sensing", "sensing:0", "sensing:1.1", "sensing:nan", "sensing:a")
        ),
        ("phase:2", "degradation 'phase:2'; accepted: phase, without a number"),
        ("mosaic:RGGB", "degradation 'mosaic:RGGB'; accepted: mosaic, without a number"),
        ("blur:box:3", "degradation 'blur:box:3': kernel is 'box:3'; accepted: gaussian:SIGMA, mo"),
        ("blur:disk", "degradation 'blur:disk': kernel is disk; accepted: disk:RADIUS, finite"),
    ],
)
def test_what_is_no_measurement_is_refused(text, message):
    with pytest.raises(InputError) as refused:
        degradation(text)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("mri:4", (24, 20, 3), "of an image (24, 20, 3); accepted: an image of 1 channel, as"),
        ("ct:4", (24, 20, 3), "of an image (24, 20, 3); accepted: an image of 1 channel, as"),
        ("phase", (24, 20, 3), "accepted: an image of 1 channel, as `gray: true` makes of col"),
        ("mosaic", (24, 20, 1), "of an image (24, 20, 1); accepted: an image of 3 channels"),
        ("mri:13", (24, 20, 1), "of an image with 24 rows; accepted: an acceleration up to 12"),
        ("blur:disk:12", (24, 20, 1), "kernel disk:12: 25 x 25 pixels; accepted: up to 20 x 24"),
        (
            "sensing:0.25",
            (256, 256, 1),
            "a matrix of 16384 x 65536 numbers; accepted: images of up to 32768 values",
        ),
    ],
)
def test_images_that_cannot_be_measured_so_are_refused(text, shape, message):
    with pytest.raises(InputError) as refused:
        problem(text, np.zeros(shape, np.float32))
    assert message in str(refused.value)
    largest = {"mri:13": "mri:12", "blur:disk:12": "blur:disk:9"}.get(text, text)
    fitting = (64, 64, 3 if text == "mosaic" else 1) if largest == text else shape
    degradation(largest).check(fitting)
