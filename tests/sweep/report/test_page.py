import json
import os
import re
import shutil

import numpy as np
import pytest
from command_line import pixels_of
from written_sweep import add_rows, make_row, write_sweep

from drp_jax import InputError
from drp_jax.sweep.report import read_results, summarize, write_page


def write(folder, page):
    results = read_results(folder)
    return write_page(results, summarize(results), page)


def data_of(page):
    text = (page / "index.html").read_text(encoding="utf-8")
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(block)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """The folder of a sweep, and that of its page."""
    folder = tmp_path_factory.mktemp("page")
    write_sweep(folder / "results")
    written = write(folder / "results", folder / "report")
    assert (written.runs, written.without_pictures) == (31, [])
    return folder / "results", folder / "report"


def test_the_page_has_everything_in_it(sweep):
    _, page = sweep
    assert sorted(one.name for one in page.iterdir()) == ["index.html", "pictures"]
    text = (page / "index.html").read_text()
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    data = data_of(page)
    named = {one["pictures"][kind] for one in data["runs"] for kind in one["pictures"]}
    named |= {one[kind] for one in data["problems"].values() for kind in ("start", "reference")}
    assert named == {f"pictures/{one.name}" for one in (page / "pictures").iterdir()}
    (failed,) = data["failed"]
    assert failed["error"] == "ValueError: </script> & 50% of it"


def test_the_pictures_are_those_of_the_runs(sweep):
    results, page = sweep
    for run in data_of(page)["runs"]:
        arrays = np.load(results / "images" / f"{run['row']}.npz")
        reference = np.load(results / f"{run['problem']}.npz")["reference"]
        shown = np.clip(arrays["image"], 0, 1).squeeze()
        restored = pixels_of(page / run["pictures"]["restored"])
        np.testing.assert_array_equal(restored, np.rint(255 * shown))
        difference = np.abs(np.clip(arrays["image"], 0, 1) - reference).mean(axis=2)
        drawn = pixels_of(page / run["pictures"]["difference"])
        assert drawn.shape == (*difference.shape, 3)
        # The map grows lighter with the difference, but for rounding.
        order = np.argsort(difference.ravel())
        lightness = (drawn @ [0.299, 0.587, 0.114]).ravel()[order]
        assert (np.diff(lightness) > -2).all()
        assert lightness[-1] > lightness[0] + 50
        assert ("uncertainty" in run["pictures"]) == ("uncertainty" in arrays)
        assert run["scale"]["uncertainty"] == 0.03


def test_runs_of_one_image_and_degradation_share_a_scale(sweep):
    results, page = sweep
    runs = [one for one in data_of(page)["runs"] if one["degradation"] == "gaussian:5"]
    runs = [one for one in runs if one["image"] == "image 2"]
    (scale,) = {one["scale"]["difference"] for one in runs}
    percentiles = []
    for run in runs:
        image = np.load(results / "images" / f"{run['row']}.npz")["image"]
        reference = np.load(results / f"{run['problem']}.npz")["reference"]
        difference = np.abs(np.clip(image, 0, 1) - reference).mean(axis=2)
        percentiles.append(np.percentile(difference, 99))
    assert 1 <= scale / np.median(percentiles) < 1.5


def test_curves_know_where_the_image_is_from(sweep):
    run = data_of(sweep[1])["runs"][0]
    assert run["kept"] == 30
    quality, loss = run["curves"]
    assert (quality["title"], quality["unit"], quality["best"][0]) == ("PSNR", "dB", 30)
    np.testing.assert_allclose(quality["best"][1], run["scores"]["psnr"])
    assert loss["title"] == "Loss"
    assert loss["iterations"] == list(range(1, 41))
    np.testing.assert_allclose(loss["values"], 1 / np.arange(1, 41), rtol=1e-4)


def test_long_curves_are_thinned_and_keep_what_is_marked(tmp_path):
    row = make_row(1, files="images/run", inputs="images/inputs", iterations=5000)
    add_rows(tmp_path / "results", [row])
    quality = np.full(5000, 10.0)
    quality[[1233, 2345]] = 12.0, np.nan
    image = np.zeros((4, 5, 1), np.float32)
    np.savez(
        tmp_path / "results/images/run.npz",
        image=image,
        image_iteration=777,
        history_luma_psnr=quality,
    )
    np.savez(tmp_path / "results/images/inputs.npz", start=image, reference=image)
    write(tmp_path / "results", tmp_path / "report")
    (run,) = data_of(tmp_path / "report")["runs"]
    (curve,) = run["curves"]
    assert len(curve["iterations"]) <= 202
    assert {1, 777, 1234, 5000} <= set(curve["iterations"])
    assert curve["best"] == [1234, 12.0]
    assert curve["title"] == "Luma PSNR"


def test_what_is_no_picture_is_drawn_all_the_same(tmp_path):
    """Complex values, channels that are no colours, values that are not finite."""
    image = np.full((4, 5, 2), 0.6 + 0.8j, np.complex64)
    image[0, 0] = np.nan
    row = make_row(1, files="images/run", inputs="images/inputs", status="non_finite")
    add_rows(tmp_path / "results", [row])
    np.savez(tmp_path / "results/images/run.npz", image=image)
    ones = np.ones((4, 5, 2), np.float32)
    np.savez(tmp_path / "results/images/inputs.npz", start=ones, reference=ones)
    assert write(tmp_path / "results", tmp_path / "report").without_pictures == []
    data = data_of(tmp_path / "report")
    pixels = pixels_of(tmp_path / "report" / data["runs"][0]["pictures"]["restored"])
    assert pixels.shape == (4, 5)
    assert pixels[0, 0] == 0
    assert pixels[1, 1] == 255
    assert data["failed"][0]["error"].startswith("Values became non-finite")


def test_a_measurement_may_have_no_start(tmp_path):
    add_rows(tmp_path / "results", [make_row(1, files="images/run", inputs="images/inputs")])
    ones = np.ones((4, 5, 1), np.float32)
    np.savez(tmp_path / "results/images/run.npz", image=ones / 2)
    np.savez(tmp_path / "results/images/inputs.npz", reference=ones)
    assert write(tmp_path / "results", tmp_path / "report").without_pictures == []
    data = data_of(tmp_path / "report")
    (problem,) = data["problems"].values()
    assert (problem["start"], problem["psnr"]) == (None, None)
    assert pixels_of(tmp_path / "report" / problem["reference"]).min() == 255
    assert set(data["runs"][0]["pictures"]) == {"restored", "difference"}


def test_runs_without_files_are_shown_without_pictures(sweep, tmp_path):
    shutil.copytree(sweep[0], tmp_path / "results")
    (tmp_path / "results/images/run7.npz").unlink()
    (tmp_path / "results/images/run8.npz").write_bytes(b"PK\x03\x04 cut off")
    written = write(tmp_path / "results", tmp_path / "report")
    assert written.runs == 31
    assert {row["id"] for row in written.without_pictures} == {"run7", "run8"}


def test_an_earlier_report_is_replaced_and_other_files_in_it_stay(sweep, tmp_path):
    page = tmp_path / "report"
    write(sweep[0], page)
    (page / "table.csv").write_text("mine")
    (page / "pictures" / "old.png").write_text("")
    write(sweep[0], page)
    assert sorted(one.name for one in page.iterdir()) == ["index.html", "pictures", "table.csv"]
    assert not (page / "pictures" / "old.png").exists()
    assert os.listdir(tmp_path) == ["report"]


def test_a_folder_that_is_no_report_is_left_alone(sweep, tmp_path):
    for name, message in (("file", "is not a folder"), ("folder", "exists and is not a report")):
        page = tmp_path / name
        if name == "folder":
            page.mkdir()
            (page / "index.html").write_text("<h1>my own</h1>")
        else:
            page.write_text("")
        with pytest.raises(InputError, match=f"{name}: {message}; accepted: a folder that is not"):
            write(sweep[0], page)
    assert (tmp_path / "folder/index.html").read_text() == "<h1>my own</h1>"
    with pytest.raises(InputError, match="cannot be written"):
        write(sweep[0], tmp_path / "file" / "below")


def test_what_fails_half_way_leaves_the_earlier_report(sweep, tmp_path):
    page = tmp_path / "report"
    write(sweep[0], page)
    before = (page / "index.html").read_text()
    results = read_results(sweep[0])

    def stopped(rows):
        yield rows[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(results, summarize(results), page, stopped)
    assert (page / "index.html").read_text() == before
    assert os.listdir(tmp_path) == ["report"]
