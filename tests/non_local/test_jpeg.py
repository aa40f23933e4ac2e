import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from drp_jax import InputError
from drp_jax.metrics import psnr
from drp_jax.non_local import denoise, spectrum_of
from drp_jax.non_local.jpeg import compression, table
from drp_jax.non_local.noisy_image import noisy_image

CLEAN = jnp.asarray(chelsea()[60:188, 100:212] / 255, jnp.float32)
found = jax.jit(compression)


def compressed(quality, image=CLEAN):
    file = io.BytesIO()
    pixels = np.rint(np.asarray(image) * 255).astype(np.uint8).squeeze()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        return np.asarray(opened, np.float32).reshape(image.shape) / 255, opened.quantization[0]


@pytest.mark.parametrize("quality", [10, 50, 85])
def test_the_table_is_that_in_a_file(quality):
    assert table(quality).ravel().tolist() == list(compressed(quality)[1])


@pytest.mark.parametrize("quality", [10, 37, 60, 80])
def test_the_quality_is_told_from_the_pixels(quality):
    assert found(jnp.asarray(compressed(quality)[0])).quality == quality


def test_of_gray_pictures_too():
    assert found(jnp.asarray(compressed(25, CLEAN[..., :1])[0])).quality == 25


@pytest.mark.parametrize("kind", ["clean", "noisy", "flat", "moved"])
def test_no_jpeg_is_found_where_there_was_none(kind):
    noise = np.random.default_rng(0).normal(0, 0.05, CLEAN.shape)
    pictures = {
        "clean": np.rint(np.asarray(CLEAN) * 255) / 255,
        "noisy": np.clip(CLEAN + noise, 0, 1),
        "flat": np.full(CLEAN.shape, 0.5),
        "moved": np.roll(compressed(30)[0], (3, 2), (0, 1)),  # its grid is elsewhere
    }
    assert found(jnp.asarray(pictures[kind], jnp.float32)).quality == 0


def test_the_spectrum_is_about_what_was_taken_away():
    image, _ = compressed(20)
    told = found(jnp.asarray(image)).spectrum
    true = spectrum_of(jnp.asarray(image - CLEAN))
    np.testing.assert_allclose(told.level, true.level, rtol=0.5)


def test_a_compressed_picture_is_nearer_to_the_original_after_it():
    image, _ = compressed(20)

    @jax.jit
    def told_and_denoised(image):
        return noisy_image(image), denoise(image, refinements=(), radius=4).image

    noisy, better = told_and_denoised(jnp.asarray(image))
    assert noisy.jpeg_quality == 20
    assert noisy.coarse.level > 0
    assert psnr(better, CLEAN) > psnr(image, CLEAN) + 0.3


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(InputError, match="from 32"):
        compression(jnp.zeros((16, 40, 3)))
