import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.transform import iradon, radon

from drp_jax import InputError, Problem
from drp_jax.operators import FanBeam, Radon, adjoint, filtered_back_projection

SIZE = 65
VIEWS = np.linspace(0, np.pi, 60, endpoint=False)
TURN = np.linspace(0, 2 * np.pi, 90, endpoint=False)
BLOBS = [  # height, x, y and the two half-widths, in pixels
    (1.0, 9.0, 6.0, 6.0, 6.0),
    (0.7, -8.0, -10.0, 5.0, 9.0),
]


def smooth_phantom(size=SIZE):
    """Two Gaussian blobs, with y upwards."""
    x = (np.arange(size) - (size - 1) / 2)[None]
    y = ((size - 1) / 2 - np.arange(size))[:, None]
    blobs = [h * np.exp(-(((x - a) / p) ** 2) - ((y - b) / q) ** 2) for h, a, b, p, q in BLOBS]
    return np.sum(blobs, axis=0)


def line_integrals(phi, s):
    """Those of the blobs along x cos(phi) + y sin(phi) = s, by their formula."""
    total = 0.0
    for height, x, y, p, q in BLOBS:
        width = np.hypot(p * np.cos(phi), q * np.sin(phi))
        away = (s - x * np.cos(phi) - y * np.sin(phi)) / width
        total = total + height * p * q * np.sqrt(np.pi) / width * np.exp(-(away**2))
    return total


def places(operator):
    index = np.arange(operator.detectors) - (operator.detectors - 1) / 2
    return operator.offset + operator.spacing * index


def rays(operator):
    """The phi and s of all rays [views, detectors] from the middle of the image, in float64."""
    angles, u = np.asarray(operator.angles)[:, None], places(operator)[None]
    if isinstance(operator, Radon):
        phi, s = angles + 0 * u, u + 0 * angles
    else:
        gamma = np.arctan(u / (operator.source_distance + operator.detector_distance))
        phi, s = angles + gamma, operator.source_distance * np.sin(gamma) + 0 * angles
    if operator.centre is None:
        return phi, s
    middle = (np.array(operator.shape) - 1) / 2
    up, right = (middle - operator.centre) * (1, -1)
    return phi, s + right * np.cos(phi) + up * np.sin(phi)


def followed(image, phi, s):
    """One integral by Joseph's method: interpolated at each column, or at each row."""
    height, width = image.shape
    along_columns = abs(np.sin(phi)) >= abs(np.cos(phi))
    total = 0.0
    for step in range(width if along_columns else height):
        if along_columns:
            x = step - (width - 1) / 2
            place = (height - 1) / 2 - (s - x * np.cos(phi)) / np.sin(phi)
            line = image[:, step]
        else:
            y = (height - 1) / 2 - step
            place = (width - 1) / 2 + (s - y * np.sin(phi)) / np.cos(phi)
            line = image[step]
        total += np.interp(place, np.arange(-1, len(line) + 1), np.pad(line, 1), 0, 0)
    return total / max(abs(np.sin(phi)), abs(np.cos(phi)))


def relative_error(found, expected):
    return np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)


APPLY = jax.jit(lambda operator, image: operator(image))


def called(operator, image):
    return np.asarray(APPLY(operator, image.astype(np.float32)))


EIGHTHS = np.arange(-8, 9) * np.pi / 4  # along the pixels and their diagonals
ODD_BEAMS = [
    Radon(EIGHTHS, (9, 14)),
    Radon(EIGHTHS + 0.1, (14, 9), detectors=12, spacing=1.7, offset=0.4),
    Radon(EIGHTHS[:5] + 0.1, (8, 8), spacing=0.3),
    Radon(EIGHTHS + 0.1, (9, 14), centre=(6, 3.5)),
    FanBeam(EIGHTHS, (9, 14), source_distance=20.0, detector_distance=11.0),
    FanBeam(
        EIGHTHS - 0.1,
        (14, 9),
        source_distance=11.0,
        detector_distance=0.0,
        detectors=14,
        spacing=1.6,
        offset=-0.7,
        centre=(5.5, 4),
    ),
]


@pytest.mark.parametrize("operator", ODD_BEAMS)
def test_every_ray_is_followed_by_joseph_s_method(operator):
    image = np.random.default_rng(0).normal(size=operator.shape)
    lines = zip(*(one.ravel() for one in rays(operator)), strict=True)
    expected = np.reshape([followed(image, phi, s) for phi, s in lines], rays(operator)[0].shape)
    assert relative_error(called(operator, image[..., None]), expected) < 1e-5


def test_parallel_rays_agree_with_scikit_image():
    phantom = smooth_phantom()
    expected = radon(phantom, theta=np.rad2deg(VIEWS), circle=False).T
    # 92 detectors, of which the one with index 46 looks at the centre.
    operator = Radon(VIEWS, phantom.shape, detectors=expected.shape[1], offset=-0.5)
    sinogram = called(operator, phantom[..., None])
    assert relative_error(sinogram, expected) < 2e-3
    found = jax.jit(filtered_back_projection)(operator, sinogram)[..., 0]
    library = iradon(expected.T, theta=np.rad2deg(VIEWS), circle=False, output_size=SIZE)
    assert relative_error(found, phantom) < 1.1 * relative_error(library, phantom)
    assert relative_error(found, phantom) < 0.03


@pytest.mark.parametrize("circle", [True, False])
def test_images_of_even_sides_turn_in_scikit_image_about_a_pixel(circle):
    x = np.arange(64) - 32
    image = smooth_phantom(64) * (np.hypot(x, x[:, None]) < 31)
    expected = radon(image, theta=np.rad2deg(VIEWS), circle=circle).T
    detectors = expected.shape[1]
    offset = -0.5 if detectors % 2 == 0 else 0.0
    operator = Radon(VIEWS, (64, 64), detectors=detectors, offset=offset, centre=(32, 32))
    sinogram = called(operator, image[..., None])
    assert relative_error(sinogram, expected) < 2e-3
    assert relative_error(filtered_back_projection(operator, expected)[..., 0], image) < 0.04


BEAMS = [
    Radon(TURN, (SIZE, SIZE)),
    Radon(VIEWS, (SIZE, SIZE + 10), spacing=0.8, offset=0.3),
    FanBeam(TURN, (SIZE, SIZE), source_distance=120.0, detector_distance=80.0, spacing=1.5),
    FanBeam(
        TURN,
        (SIZE, SIZE + 10),
        source_distance=100.0,
        detector_distance=0.0,
        spacing=0.7,
        offset=-1.2,
        centre=(SIZE / 2, SIZE / 3),
    ),
]


@pytest.mark.parametrize("operator", BEAMS)
def test_integrals_and_reconstruction_of_blobs(operator):
    margin = operator.shape[1] - SIZE
    phantom = np.pad(smooth_phantom(), ((0, 0), (margin // 2, margin // 2)))
    expected = line_integrals(*rays(operator))
    assert relative_error(called(operator, phantom[..., None]), expected) < 5e-3
    found = jax.jit(filtered_back_projection)(operator, expected.astype(np.float32))
    assert found.shape == (*operator.shape, 1)
    assert relative_error(found[..., 0], phantom) < 0.03


def test_one_ray():
    image = np.zeros((5, 5, 1), np.float32)
    image[1, 3] = 1  # x = 1, y = 1
    sinogram = called(Radon(np.array([0, np.pi / 2]), (5, 5), detectors=5), image)
    np.testing.assert_allclose(sinogram, [[0, 0, 0, 1, 0], [0, 0, 0, 1, 0]], atol=1e-6)
    # The source is above: what is higher is enlarged more. A distance of 4 is 3 at the pixel.
    fan = FanBeam(
        np.zeros(1), (5, 5), source_distance=5.0, detector_distance=3.0, detectors=5, spacing=2.0
    )
    seen = called(fan, image)[0]
    assert seen.argmax() == 3
    np.testing.assert_allclose(seen[3], np.hypot(1, 0.25), rtol=1e-5)


def test_the_detectors_cover_the_image():
    assert Radon(VIEWS, (256, 256)).detectors == 364
    assert Radon(VIEWS, (9, 13), spacing=2.0).detectors == 9
    for operator in (
        Radon(TURN, (9, 13)),
        Radon(TURN, (9, 13), centre=(4, 10)),
        FanBeam(TURN, (9, 13), source_distance=12.0, detector_distance=30.0, spacing=2.0),
    ):
        corner = np.zeros((9, 13, 1))
        corner[0, 0] = 1  # which some view has at one end, and another one at the other
        seen = called(operator, corner)
        assert (seen.sum(axis=1) > 0.7).all()
        assert (seen[:, 0] + seen[:, 1]).any()
        assert (seen[:, -1] + seen[:, -2]).any()


def test_complex_images_are_measured_in_parts():
    operator, random = ODD_BEAMS[0], np.random.default_rng(0)
    image = (random.normal(size=(9, 14, 1)) + 1j * random.normal(size=(9, 14, 1))).astype(
        np.complex64
    )

    @jax.jit
    def run(image):
        sinogram = operator(image)
        return sinogram, filtered_back_projection(operator, sinogram)

    for whole, real, imaginary in zip(run(image), run(image.real), run(image.imag), strict=True):
        np.testing.assert_allclose(whole, real + 1j * imaginary, atol=1e-4)


def test_the_geometry_is_swept_over():
    """Angles and lengths are leaves; their derivatives are zero."""
    image = np.random.default_rng(0).normal(size=(9, 14, 1)).astype(np.float32)
    sources = jnp.array([12.0, 15.0])
    back = jax.ShapeDtypeStruct(image.shape, jnp.float32)

    transposed = jax.jit(lambda operator, sinogram: adjoint(operator, sinogram, back))

    @jax.jit
    @jax.vmap
    def run(source):
        operator = FanBeam(
            EIGHTHS, (9, 14), source_distance=source, detector_distance=5.0, detectors=20
        )
        sinogram = operator(image)
        return sinogram, adjoint(operator, sinogram, back)

    sinograms, images = run(sources)
    for number, source in enumerate(sources):
        operator = FanBeam(
            EIGHTHS, (9, 14), source_distance=source, detector_distance=5.0, detectors=20
        )
        sinogram = called(operator, image)
        np.testing.assert_allclose(sinograms[number], sinogram, atol=1e-4)
        expected = transposed(operator, sinogram)
        np.testing.assert_allclose(images[number], expected, atol=1e-3)
    slope = jax.jit(jax.grad(lambda angles: Radon(angles, (9, 14))(image).sum()))(EIGHTHS)
    np.testing.assert_array_equal(slope, 0)


def test_whole_numbers_are_measured_as_float():
    image, operator = np.arange(126).reshape(9, 14, 1), ODD_BEAMS[0]
    expected = called(operator, image)
    np.testing.assert_array_equal(APPLY(operator, image), expected)


def test_other_angles_do_not_compile():
    image, apply = np.ones((9, 14, 1), np.float32), jax.jit(lambda operator, image: operator(image))
    for turn in (0.0, 0.3):
        apply(Radon(VIEWS + turn, (9, 14), spacing=1.0 + turn, detectors=15), image)
    assert apply._cache_size() == 1


def test_a_problem_knows_the_image_of_a_sinogram():
    operator = Radon(VIEWS, (9, 14))
    problem = Problem(np.zeros((60, operator.detectors), np.float32), operator)
    assert problem.image_shape == (9, 14, 1)


FAN = {"source_distance": 30.0, "detector_distance": 10.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Radon(np.arange(180.0), (9, 9)),
            "angles reach 179, which looks like degrees; acc",
        ),
        (
            lambda: Radon([0.0], (9, 9)),
            r"angles is \[0.0\]; accepted: an array \[views\] of radians",
        ),
        (lambda: Radon(VIEWS * np.nan, (9, 9)), "angles has NaN or infinity in"),
        (lambda: Radon(VIEWS[:0], (9, 9)), "angles is .*; accepted: an array"),
        (lambda: Radon(VIEWS, 9), r"shape is 9; accepted: \(H, W\)"),
        (lambda: Radon(VIEWS, (9, 9, 1)), r"shape is \(9, 9, 1\); accepted: \(H, W\)"),
        (lambda: Radon(VIEWS, (9, 9), detectors=0), "detectors is 0; accepted: whole numbers from"),
        (lambda: Radon(VIEWS, (9, 9), spacing=0.0), "spacing is 0.0; accepted: pixels, above 0"),
        (lambda: Radon(VIEWS, (9, 9), offset="x"), "offset is 'x'; accepted: pixels"),
        (
            lambda: Radon(VIEWS, (6, 8), detectors=11, spacing=2.0, offset=-15.1),
            "offset is -15.1, with which no ray meets the image; accepted: pixels, from -15 to 15",
        ),
        (
            lambda: FanBeam(VIEWS, (6, 8), source_distance=10, detector_distance=5, offset=99.0),
            "offset is 99.0, with which no ray meets the image; accepted: pixels, from",
        ),
        (lambda: Radon(VIEWS, (9, 9), centre=4), r"centre is 4; accepted: \(row, column\) in the"),
        (
            lambda: Radon(VIEWS, (9, 9), centre=(4, 9)),
            r"centre of rotation is 9; accepted: \(row, column\) in the image",
        ),
        (
            lambda: jax.jit(lambda one: Radon(VIEWS, (9, 9), spacing=one).detectors)(1.0),
            "detectors is None, and the spacing is not known; accepted: whole numbers",
        ),
        (
            lambda: FanBeam(VIEWS, (9, 9), source_distance=6.0, detector_distance=1.0),
            r"source_distance is 6.0; accepted: 7.4 pixels or more, so that the source is outside",
        ),
        (
            lambda: FanBeam(VIEWS, (9, 9), source_distance=9.0, detector_distance=-1.0),
            "detector_distance is -1.0; accepted: pixels, from 0 up",
        ),
        (
            lambda: Radon(VIEWS, (9, 9))(np.zeros((9, 8, 1))),
            r"image has shape \(9, 8, 1\); accepted",
        ),
        (
            lambda: FanBeam(VIEWS, (9, 9), **FAN, detectors=12).image_shape(np.zeros((60, 13))),
            r"observation has shape \(60, 13\); accepted: \(60, 12\), the views and detectors",
        ),
        (
            lambda: filtered_back_projection(jnp.sin, np.zeros((2, 2))),
            "operator is sin; accepted: a R",
        ),
        (
            lambda: filtered_back_projection(Radon(VIEWS, (9, 9)), np.zeros((2, 2))),
            r"observation has shape \(2, 2\); accepted: \(60, 13\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_distances_may_be_arrays_within_a_transformation():
    distance = jnp.asarray(9.0)

    def total(image):
        fan = FanBeam(VIEWS, (9, 9), source_distance=distance, detector_distance=1.0)
        return fan(image).sum()

    ones = jnp.ones((9, 9, 1))
    np.testing.assert_allclose(jax.jit(total)(ones), total(ones), rtol=1e-5)
