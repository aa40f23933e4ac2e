import dataclasses
import json
import re
import sys

import numpy as np
import pytest
from conftest import make_photograph
from sweeping import rows_of

from drp_jax import InputError, preset
from drp_jax.commands import options
from drp_jax.commands.sweep import sweep
from drp_jax.sweep import CleanImage, Metric, Plan, Variant, degradation, run_sweep
from drp_jax.sweep.on_ray import run_sweep_on_ray
from drp_jax.sweep.scores import KNOWN_METRICS, METRICS, lacking, scored_again, scores_of

WORST = "def worst(image, reference):\n    return abs(image - reference).max()\n"
METHOD = preset(method="tv", task="reconstruct").adjusted(iterations=2)
PLAN = Plan(
    (CleanImage("image", lambda: make_photograph(12, 11, 1)),),
    (degradation("missing:0.5"),),
    (Variant("small", base=METHOD),),
    keys=(0, 1, 2),
    metrics={"psnr": METRICS["psnr"]},
)


def middle(image, reference):
    return image[6, 5, 0] - reference[6, 5, 0]


MORE = dataclasses.replace(PLAN, metrics={**METRICS, "middle": Metric(middle)})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of the larger list of metrics, without any before it."""
    folder = tmp_path_factory.mktemp("whole")
    list(run_sweep(MORE, folder))
    return rows_of(folder)


@pytest.fixture
def folder(tmp_path):
    """The results by PSNR alone."""
    list(run_sweep(PLAN, tmp_path))
    return tmp_path


def test_other_metrics_are_scored_of_the_stored_images(folder, whole):
    before = {path: path.stat().st_mtime_ns for path in (folder / "images").iterdir()}
    done = list(run_sweep(MORE, folder))
    assert [one.is_scored_again for one in done] == [True] * 3
    assert rows_of(folder) == whole
    assert {path: path.stat().st_mtime_ns for path in (folder / "images").iterdir()} == before
    assert not list(run_sweep(MORE, folder))
    assert not list(run_sweep(PLAN, folder))  # of fewer metrics nothing is missing
    assert rows_of(folder) == whole


def test_scores_alone_need_no_cluster(folder, whole):
    done = list(run_sweep_on_ray(MORE, folder, "none:1"))
    assert [one.is_scored_again for one in done] == [True] * 3
    assert rows_of(folder) == whole


def test_a_run_whose_image_is_gone_is_run_again(folder, whole):
    gone, cut, *_ = sorted((folder / "images").glob("[!i]*.npz"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    done = list(run_sweep(MORE, folder))
    assert [one.is_scored_again for one in done] == [True, False, False]
    assert rows_of(folder) == whole


def test_a_stop_leaves_the_rest_to_the_next_time(folder, whole):
    asked = iter([False])
    assert len(list(run_sweep(MORE, folder, is_over=lambda: next(asked, True)))) == 1
    assert len(list(run_sweep(MORE, folder))) == 2
    assert rows_of(folder) == whole


def test_a_metric_that_fails_leaves_the_other_scores_and_is_tried_again(tmp_path):
    def broken(image, reference):
        raise ValueError("no weights")

    first = dataclasses.replace(PLAN, metrics={"broken": Metric(broken), **PLAN.metrics})
    done = [one.row for one in run_sweep(first, tmp_path)]
    for row in done:
        assert row["error"] == "metric broken: ValueError: no weights"
        assert row["status"] == "iteration_limit"
        assert json.loads(row["scores"]) == {"psnr": row["psnr"]}
    assert [one.is_scored_again for one in run_sweep(first, tmp_path)] == [True] * 3
    mended = {"broken": Metric(middle), **PLAN.metrics}
    for one in run_sweep(dataclasses.replace(PLAN, metrics=mended), tmp_path):
        assert one.is_scored_again
        assert one.row["error"] is None
        assert json.loads(one.row["scores"]).keys() == {"psnr", "broken"}


def test_scores_that_are_no_numbers_are_null(tmp_path):
    def refused(image, reference):
        raise InputError("image is small; accepted: large ones")

    metrics = {"infinite": Metric(lambda image, _: image.sum() / 0), "refused": Metric(refused)}
    one = dataclasses.replace(PLAN, keys=(0,), metrics=metrics)
    (done,) = run_sweep(one, tmp_path)
    assert json.loads(done.row["scores"]) == {"infinite": None, "refused": None}
    assert done.row["error"] is None
    assert not list(run_sweep(one, tmp_path))


def test_uncertainty_and_history_are_scored_where_they_are(tmp_path):
    draw = np.random.default_rng(2)
    image, reference = draw.random((2, 12, 11, 1), dtype=np.float32)
    spread = draw.random((12, 11), dtype=np.float32)
    error = np.abs(image - reference)[..., 0]
    history = np.array([20.0, 31.5, 30.0, np.nan], np.float32)
    expected = {
        "psnr": -10 * np.log10(np.mean(error**2)),
        "uncertainty_correlation": np.corrcoef(error.ravel(), spread.ravel())[0, 1],
        "within_two_spreads": np.mean(error <= 2 * spread),
        "peak_psnr": 31.5,
        "peak_iteration": 2,
    }
    metrics = {name: KNOWN_METRICS[name] for name in expected}
    restored = {"image": image, "uncertainty": spread, "history_luma_psnr": history}
    row = scores_of(metrics, restored, reference)
    scores = json.loads(row["scores"])
    assert scores.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(scores[name], value, atol=1e-4)
    without = scores_of(metrics, {"image": image, "history_loss": history}, reference)
    assert json.loads(without["scores"]).keys() == {"psnr"}
    assert not lacking(metrics, without)  # so that it is not asked for again and again
    np.savez(tmp_path / "restored.npz", **restored)
    np.savez(tmp_path / "inputs.npz", reference=reference)
    unscored = {"files": "restored", "inputs": "inputs"}
    assert scored_again(metrics, unscored, tmp_path) == unscored | row


def test_a_history_without_a_number_has_no_peak():
    image, lost = np.zeros((8, 8, 1), np.float32), np.full(3, np.nan, np.float32)
    metrics = {name: KNOWN_METRICS[name] for name in ("peak_psnr", "peak_iteration")}
    row = scores_of(metrics, {"image": image, "history_psnr": lost}, image)
    assert json.loads(row["scores"]) == {"peak_psnr": None, "peak_iteration": None}


def test_a_direction_that_is_none_is_refused():
    with pytest.raises(InputError, match="better is 'lower'; accepted: more, less"):
        Metric(middle, better="lower")


@pytest.mark.slow
def test_a_metric_whose_file_has_changed_is_taken_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which two versions might share
    np.save(tmp_path / "a.npy", make_photograph(12, 11, 1))
    plan = "{images: a.npy, degradations: blur:gaussian:1, keys: 2, metrics: [psnr, "
    plan += '{metric: "eye:worst", better: less}], methods: {method: tv, iterations: 2}}'
    (tmp_path / "plan.yaml").write_text(plan)
    argv = ["run", "plan.yaml", "--out", "results", "--no-compilation-cache"]
    said = []
    for text in (WORST, WORST.replace("max()", "min() / 0"), WORST.replace("max()", "none()")):
        monkeypatch.delitem(sys.modules, "eye", raising=False)
        (tmp_path / "eye.py").write_text(text)
        status = options.run(sweep, argv, program="sweep")
        said.append((status, capsys.readouterr().out.splitlines()))
    assert [status for status, _ in said] == [0, 0, 1]
    assert said[0][1][0] == "2 runs, 0 of them done"
    (_, (first, line, _, last, _)) = said[1]
    assert first == "2 runs, 2 of them done, 2 of these without a score"
    assert line.endswith("dB, scored again, no finite eye:worst")
    assert re.fullmatch(r"0 runs in \d s, 2 scored again, not run; results/runs.sqlite", last)
    (_, (_, line, _, last, _)) = said[2]
    assert "scored again, metric eye:worst: AttributeError: " in line
    assert ", 2 failed; " in last
