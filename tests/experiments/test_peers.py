import json

import jax
import numpy as np
import pytest

from drp_jax import metrics
from experiments.peers import scoring, table
from experiments.peers.export import CASES, main


@pytest.fixture(scope="module")
def measurements(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    flags = ["--size", "16", "--photographs", "1", "--data", str(folder / "none")]
    assert main(["--output", str(folder), *flags]) == 0
    files = [dict(np.load(path)) for path in sorted(folder.glob("*.npz"))]
    assert [str(one["case"]) for one in files] == list(CASES)
    return files


def reproduced(measurement):
    """What the file alone says that the clean image gives."""
    clean = measurement["clean"].astype(np.float64)
    if "mask" in measurement:
        spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(clean), norm="ortho"))
        return measurement["mask"] * spectrum
    if "kernel" in measurement:
        kernel = measurement["kernel"]
        rows, columns = kernel.shape
        margins = [(side - 1 - side // 2, side // 2) for side in kernel.shape]
        padded = np.pad(clean, margins, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns))
        return np.einsum("ijab,ab->ij", windows, kernel[::-1, ::-1])
    parts = measurement["values"] * clean.ravel()[measurement["columns"]]
    exact = measurement["exact"]
    return np.bincount(measurement["rows"], parts, exact.size).reshape(exact.shape)


def test_files_reproduce_their_observations(measurements):
    for measurement in measurements:
        expected = reproduced(measurement)
        np.testing.assert_allclose(measurement["exact"], expected, atol=1e-5)
        scoring.require_same(expected, measurement)
        noise = np.abs(measurement["observation"] - measurement["exact"])
        seen = measurement.get("mask", np.ones(noise.shape)) > 0
        assert not noise[~seen].any()
        assert 0.7 < np.sqrt(np.mean(noise[seen] ** 2)) / measurement["level"] < 1.3
        assert measurement["noise"] == 0.01


def test_another_operator_is_refused(measurements):
    for measurement in measurements:
        with pytest.raises(ValueError, match=r"operator is off by 0\.01"):
            scoring.require_same(1.01 * measurement["exact"], measurement)


def test_scores_are_those_of_the_library():
    draw = np.random.default_rng(0)
    clean = draw.uniform(size=(16, 16))
    image = np.clip(clean + 0.1 * draw.normal(size=clean.shape), 0, 1)
    pair = [jax.numpy.asarray(one[..., None], "float32") for one in (image, clean)]
    np.testing.assert_allclose(scoring.psnr(image, clean), metrics.psnr(*pair), rtol=1e-5)
    np.testing.assert_allclose(scoring.ssim(image, clean), metrics.ssim(*pair), rtol=1e-4)


def test_a_folder_is_needed(capsys):
    assert main([]) == 2
    assert "no --output is given; accepted: a folder" in capsys.readouterr().err


def test_noise_is_needed_since_peers_divide_by_its_level(capsys):
    assert main(["--noise", "0"]) == 2
    assert "--noise is 0.0; accepted: from 1e-06 up" in capsys.readouterr().err


FILES = ("rows.json", "runs.csv", "table.md")


def test_the_table_has_means_over_images(tmp_path, monkeypatch):
    rows = [
        {"case": case, "method": method, "psnr": psnr, "ssim": 0.5, "seconds": 2.0}
        for case, method, psnr in (("MRI x4", "A", 30.0), ("CT", "A", 20.0), ("MRI x4", "A", 31.0))
    ]
    (tmp_path / FILES[0]).write_text(json.dumps({"rows": rows}))
    (tmp_path / FILES[1]).write_text(
        "degradation,method,key,psnr,ssim,seconds_without_compilation\n"
        '"mri:4, noise 0.01",drp-pnp,0,33.0,0.9,20\n'
        '"mri:4, noise 0.01",drp-pnp,0,32.0,0.8,30\n'
        '"mri:4, noise 0.01",drp-pnp,1,99.0,0.9,20\n'
        '"mri:4, noise 0.01",tv,0,98.0,0.9,20\n'
        '"mri:4, noise 0.05",drp-pnp,0,97.0,0.9,20\n'
        '"mri:8, noise 0.01",drp-pnp,0,96.0,0.9,20\n'
    )
    monkeypatch.setattr("sys.argv", ["table", *(str(tmp_path / one) for one in FILES)])
    assert table.main() == 0
    assert (tmp_path / FILES[2]).read_text().splitlines()[2:] == [
        "| MRI x4 | A | 30.50 | 0.500 | 2.0 | 2 |",
        "| MRI x4 | drp-pnp | 32.50 | 0.850 | 25.0 | 2 |",
        "| CT | A | 20.00 | 0.500 | 2.0 | 1 |",
    ]
