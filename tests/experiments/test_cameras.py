import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError
from drp_jax.metrics import psnr
from experiments import cameras

SCENE = np.asarray(0.2 + 0.6 * make_photograph(32, 32, 3))


@pytest.mark.parametrize("kind", cameras.KINDS)
def test_noise_of_every_kind_has_its_deviation(kind):
    noise = cameras.noise_of(kind, 0.1, (64, 64, 3), seed=0)
    np.testing.assert_allclose(noise.std(), 0.1, rtol=1e-5)
    beside = np.corrcoef(noise[:, :-1, 0].ravel(), noise[:, 1:, 0].ravel())[0, 1]
    assert (beside > 0.2) == (kind not in ("white", "grey"))
    colors = np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]
    assert (colors > 0.9) == kind.startswith("grey")


def test_a_camera_without_noise_shows_the_scene():
    pytest.importorskip("cv2", reason="needs the extra bench")
    flat = np.broadcast_to(np.array([0.3, 0.5, 0.7]), (32, 32, 3))
    draw = np.random.default_rng(0)
    noisy, clean = cameras.photographed(flat, draw, gain=0.01, quality=95)
    np.testing.assert_allclose(clean.mean((0, 1)), [0.3, 0.5, 0.7], atol=0.01)
    assert 15 < psnr(noisy, clean) < 35


def test_little_light_has_more_noise():
    pytest.importorskip("cv2", reason="needs the extra bench")
    weak, strong = (
        camera(SCENE, np.random.default_rng(0))
        for camera in (cameras.weak_noise, cameras.strong_noise)
    )
    scores = [float(psnr(one.observation, one.reference)) for one in (weak, strong)]
    assert 40 > scores[0] > scores[1] + 3 > 18


def test_pairs_are_the_middles_of_clean_and_noisy_shots(tmp_path):
    folder = tmp_path / "real_noise" / "pairs"
    folder.mkdir(parents=True)
    shots = {name: make_photograph(20, 16, 3, seed) for seed, name in enumerate(("real", "mean"))}
    for name, image in shots.items():
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(folder / f"camera_{name}.png")
    ((name, pair),) = cameras.real_pairs(tmp_path, 8).items()
    assert name == "camera"
    for got, expected in zip(pair, ("mean", "real"), strict=True):
        np.testing.assert_allclose(got, shots[expected][6:14, 4:12], atol=0.002)


def test_pairs_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match=r"real_noise/pairs: no such folder; --data names"):
        cameras.real_pairs(tmp_path)
