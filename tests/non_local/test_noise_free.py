"""Pictures without noise: graphics, flat pages, drawings. They come back as they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from drp_jax import preset, restore

SIDE = 32
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def _gray(values):
    return np.repeat(np.asarray(values, np.float64)[..., None], 3, axis=-1)


def _slide():
    """Anti-aliased text and a slanted line."""
    page = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(page)
    pen.text((2, 2), "Slide", (0, 0, 0), ImageFont.load_default(size=12))
    pen.line((2, 22, 28, 28), (0, 0, 0))
    return np.asarray(page) / 255


def _logo():
    logo = np.ones((SIDE, SIDE, 3))
    logo[np.hypot(ROWS - 16, COLUMNS - 16) < 11] = (1, 0, 0)
    logo[13:19, 5:27] = (0, 0, 1)
    return logo


NOISE_FREE = {
    "black": _gray(np.zeros((SIDE, SIDE))),
    "white": _gray(np.ones((SIDE, SIDE))),
    "gray": _gray(np.full((SIDE, SIDE), 0.5)),
    "almost black": _gray(np.full((SIDE, SIDE), 0.01)),
    "chessboard": _gray((ROWS // 8 + COLUMNS // 8) % 2),
    "lines": _gray(ROWS % 4 == 0),
    "ramp": _gray(COLUMNS / (SIDE - 1)),
    "ramp of 8 bits": _gray(np.rint(COLUMNS / (SIDE - 1) * 255) / 255),
    "logo": _logo(),
    "slide": _slide(),
}


def _clipped_sky():
    """Night: noise below black, and a few stars."""
    draw = np.random.default_rng(0)
    sky = np.clip(draw.normal(-0.1, 0.08, (SIDE, SIDE, 3)), 0, 1)
    sky[draw.random((SIDE, SIDE)) < 0.005] = 1
    return sky


def _photograph_on_a_page():
    page = np.ones((SIDE, SIDE, 3))
    noise = np.random.default_rng(0).normal(0, 0.1, (16, 16, 3))
    page[8:24, 8:24] = np.clip(0.5 + noise, 0, 1)
    return page


GRAPHICS = NOISE_FREE | {"clipped sky": _clipped_sky(), "page": _photograph_on_a_page()}


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        *(("default", picture) for picture in NOISE_FREE),
        pytest.param("best", "slide", marks=pytest.mark.slow),
        ("fast", "slide"),
    ],
)
def test_a_picture_without_noise_comes_back_as_it_is(picture, name):
    image = jnp.asarray(NOISE_FREE[picture], jnp.float32)
    result = restore(image, key=jax.random.key(0), method=preset(name))
    np.testing.assert_array_equal(result.image, image)


@pytest.mark.parametrize("picture", GRAPHICS)
def test_every_graphic_gives_a_finite_image_in_range(picture):
    result = restore(jnp.asarray(GRAPHICS[picture], jnp.float32), key=jax.random.key(0))
    assert np.isfinite(result.image).all()
    assert np.isfinite(result.uncertainty).all()
    assert 0 <= result.image.min() <= result.image.max() <= 1
