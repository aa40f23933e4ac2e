import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError
from experiments import photographs


@pytest.fixture
def data(tmp_path):
    """A folder with small pictures in place of the official ones."""
    for folder in ("denoise", "super_resolution", "inpaint"):
        (tmp_path / folder).mkdir()
    for name, seed in (("clean", 0), ("Gaussian_Noise_2", 1)):
        pixels = (make_photograph(12, 14, 3, seed) * 255).astype(np.uint8)
        np.savez(tmp_path / "denoise" / f"Peppers_{name}.npz", pixels)
    Image.fromarray(pixels).save(tmp_path / "super_resolution" / "baby.png")
    gray = (make_photograph(512, 512, 1)[..., 0] * 255).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "inpaint" / "barbara_img_0.1.png")
    return tmp_path


def test_official_images(data):
    def bytes_of(seed, rows, columns, channels):
        return (make_photograph(rows, columns, channels, seed) * 255).astype(np.uint8)

    clean, noisy = photographs.peppers(data)["Peppers"]
    np.testing.assert_allclose(255 * clean, bytes_of(0, 12, 14, 3), atol=1e-4)
    np.testing.assert_allclose(255 * noisy, bytes_of(1, 12, 14, 3), atol=1e-4)
    baby = photographs.baby(data)["baby"]
    np.testing.assert_allclose(255 * baby, bytes_of(1, 12, 14, 3), atol=1e-4)
    barbara = photographs.barbara(data)["barbara"]
    part = bytes_of(0, 512, 512, 1)[100:356, 200:456]
    np.testing.assert_allclose(255 * barbara, part, atol=1e-4)


def test_an_official_image_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"baby.png: no such file; --data names the folder"):
        photographs.baby(tmp_path)
