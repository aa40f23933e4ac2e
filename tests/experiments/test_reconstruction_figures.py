"""Figures of a sweep's stored images, without running a method."""

import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image
from written_sweep import ENVIRONMENT, make_row

from drp_jax.sweep import Store
from experiments import reconstruction_figures


def write_runs(folder, methods):
    clean = make_photograph(12, 12, 1)
    ids = []
    with Store(folder) as store:
        for degradation, image in reconstruction_figures.DRAWN.values():
            for number, (method, weight, key) in enumerate(methods):
                one = f"{method}-{number}-{image}"
                about = {"degradation": degradation, "image": image, "method": method}
                about |= {"settings": f'{{"weight": {weight}}}', "psnr": 20.0 + number}
                about |= {"key": key}
                files = {"files": f"images/{one}", "inputs": f"images/inputs-{image}"}
                arrays = {
                    files["files"]: {"image": clean + 0.01 * number},
                    files["inputs"]: {"reference": clean},
                }
                store.add(make_row(one, **about, **files), ENVIRONMENT, arrays)
                ids.append(f"run{one}")
        store.begin(ids, {"psnr": "more"})


def test_images_of_a_sweep_are_drawn(tmp_path, monkeypatch, capsys):
    methods = [("drp-pnp", 1.0, 1), ("tv", 0.1, 0), ("tv", 1.0, 0)]
    methods += [("plug-and-play", 1.0, 0), ("drp-pnp", 1.0, 0)]
    write_runs(tmp_path / "results", methods)
    monkeypatch.setattr(reconstruction_figures, "PICTURES", tmp_path / "drawn")
    assert reconstruction_figures.main([str(tmp_path / "results")]) == 0
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {*reconstruction_figures.DRAWN}
    for path in (tmp_path / "drawn").iterdir():
        assert np.ptp(np.asarray(Image.open(path))) > 100
    assert "mri_x8.png" in capsys.readouterr().out
    results = reconstruction_figures.with_best_settings(
        reconstruction_figures.read_results(tmp_path / "results")
    )
    degradation, image = reconstruction_figures.DRAWN["mri_x8.png"]
    truth, drawn = reconstruction_figures._images(results, degradation, image)
    assert [*drawn] == ["tv\n22.00 dB", "plug-and-play\n23.00 dB", "drp-pnp\n24.00 dB"]
    np.testing.assert_allclose(drawn["tv\n22.00 dB"], truth + 0.02, rtol=1e-6)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "0 folders are given; accepted: one, like results"),
        (["results"], "has no image of brain 1, mri:8, noise 0.01, by plug-and-play; accepted: th"),
    ],
)
def test_what_is_missing_is_named(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    write_runs(tmp_path / "results", [("tv", 0.1, 0)])
    assert reconstruction_figures.main(flags) == 2
    assert message in capsys.readouterr().err
