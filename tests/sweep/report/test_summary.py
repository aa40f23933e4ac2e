import itertools
import json
import statistics

import numpy as np
import pytest
from written_sweep import ENVIRONMENT, add_rows, make_row

from drp_jax import InputError
from drp_jax.sweep import Store
from drp_jax.sweep.report import differences, read_results, summarize, with_best_settings
from drp_jax.sweep.report.summary import in_order, settings_text
from drp_jax.sweep.report.tables import Lines
from drp_jax.sweep.store import TABLE

SCORES = {"filter": [20.0, 22.0, 27.0, 28.0], "network": [21.0, 21.0, 30.0, 31.0]}
DRAWS = list(itertools.product(("a", "b"), (0, 1)))


def rows_of(method, scores, **other):
    return [
        make_row(f"{method}{index}", method=method, image=image, key=key, psnr=score, **other)
        for index, ((image, key), score) in enumerate(zip(DRAWS, scores, strict=False))
    ]


def tables_of(folder, rows):
    add_rows(folder, rows)
    return summarize(read_results(folder))


def test_means_errors_and_paired_differences(tmp_path):
    rows = [row for method, scores in SCORES.items() for row in rows_of(method, scores)]
    (table,) = tables_of(tmp_path, rows)
    assert (table.task, table.degradation) == ("denoise", "gaussian:25")
    best, other = table.groups
    assert [best.name, other.name] == ["network", "filter"]
    assert table.baseline is best
    for group in table.groups:
        score = group.score("psnr")
        expected = SCORES[group.method]
        assert score.count == 4
        np.testing.assert_allclose(score.mean, statistics.mean(expected))
        np.testing.assert_allclose(score.error, statistics.stdev(expected) / 2)
    found = differences(other, best, "psnr")
    paired = [-1.0, 1.0, -3.0, -3.0]
    np.testing.assert_allclose(found.mean, -1.5)
    np.testing.assert_allclose(found.error, statistics.stdev(paired) / 2)
    assert (found.count, found.wins) == (4, 1)
    assert differences(other, best, "none") is None


def test_pairs_are_the_problems_that_both_have(tmp_path):
    rows = rows_of("filter", [20.0, 22.0, 27.0, 28.0]) + rows_of("network", [40.0, 24.0])
    (table,) = tables_of(tmp_path, rows)
    easy, whole = table.groups
    assert easy.name == "network"
    assert table.baseline is whole  # whose mean is over all problems
    found = differences(easy, whole, "psnr")
    assert (found.mean, found.count, found.wins) == (11.0, 2, 2)


def test_one_run_has_no_error(tmp_path):
    (table,) = tables_of(tmp_path, [make_row(1)])
    score = table.groups[0].score("psnr")
    assert (score.mean, score.error, score.count) == (20.0, None, 1)


def test_scores_that_are_missing_are_in_no_mean(tmp_path):
    scores = [json.dumps({"psnr": value, "mine": 3.0}) for value in (None, 24.0)]
    rows = [make_row(key, key=key, psnr=None, ssim=None, scores=scores[key]) for key in (0, 1)]
    add_rows(tmp_path, rows, {"psnr": "more", "mine": "more"})
    results = read_results(tmp_path)
    assert results.metrics == {"psnr": "more", "mine": "more"}
    (table,) = summarize(results)
    assert table.groups[0].score("psnr").count == 1
    assert table.groups[0].score("mine").count == 2


def test_of_a_distance_less_is_better(tmp_path):
    def scored(method, values):
        rows = rows_of(method, [20.0] * 4)
        scores = [json.dumps({"far": value, "psnr": 20.0}) for value in values]
        return [row | {"scores": one} for row, one in zip(rows, scores, strict=True)]

    rows = scored("filter", [0.4, 0.2, 0.3, 0.3]) + scored("network", [0.3, 0.1, 0.4, 0.1])
    add_rows(tmp_path, rows, {"far": "less", "psnr": "more"})
    results = read_results(tmp_path)
    assert results.metrics == {"far": "less", "psnr": "more"}
    (table,) = summarize(results)
    best, other = table.groups
    assert (best.name, table.baseline) == ("network", best)
    found = differences(other, best, "far", "less")
    np.testing.assert_allclose(found.mean, 0.075)
    assert (found.count, found.wins) == (4, 1)


def test_scores_that_are_not_finite_are_counted(tmp_path):
    scores = [{"psnr": 20.0, "mine": None}, {"psnr": 21.0, "mine": None}, {"psnr": None}]
    rows = [make_row(key, key=key, scores=json.dumps(one)) for key, one in enumerate(scores)]
    rows.append(make_row(3, key=3, scores="{}", error="metric mine: ValueError: no"))
    add_rows(tmp_path, rows, {"psnr": "more", "mine": "more"})
    results = read_results(tmp_path)
    assert results.metrics == {"psnr": "more"}
    assert results.not_finite == {"psnr": 1, "mine": 2}
    assert [row["key"] for row in results.unscored] == [3]


def test_settings_that_vary_are_told_from_those_that_do_not(tmp_path):
    settings = [{"width": 8, "rate": rate, "note": "x"} for rate in (0.5, 0.25)]
    rows = [
        make_row(index, settings=json.dumps(one), psnr=20.0 - index, seconds=0.5 + 2.0 * index)
        for index, one in enumerate(settings)
    ]
    (table,) = tables_of(tmp_path, [*rows, make_row(9, psnr=1.0, method="other", seconds=None)])
    assert [group.varied for group in table.groups] == [{"rate": 0.5}, {"rate": 0.25}, {}]
    assert settings_text(table.groups[0].settings) == "width 8, rate 0.5, note x"
    # Done side by side: the first to end has the time of both.
    assert [group.seconds for group in table.groups] == [1.0, 1.0, None]


def test_a_width_has_a_time_of_its_own(tmp_path):
    rows = [
        make_row(width, settings=json.dumps({"width": width}), seconds=width + 0.5)
        for width in (8, 16)
    ]
    (table,) = tables_of(tmp_path, rows)
    assert {group.settings["width"]: group.seconds for group in table.groups} == {8: 8.0, 16: 16.0}


def test_failed_and_dropped_runs_are_counted_and_in_no_mean(tmp_path):
    rows = [
        make_row(0),
        make_row(1, key=1, status="failed", psnr=None, error="no such film"),
        make_row(2, key=2, status="dropped", psnr=90.0),
    ]
    add_rows(tmp_path, rows)
    results = read_results(tmp_path)
    assert [len(part) for part in (results.rows, results.failed, results.dropped)] == [1, 1, 1]
    assert results.environments == [(ENVIRONMENT, 3)]
    (group,) = summarize(results)[0].groups
    assert (group.score("psnr").mean, group.failed) == (20.0, 1)


def test_a_method_that_always_fails_is_a_line_without_scores(tmp_path):
    rows = [make_row(0), make_row(1, method="bad", status="failed", psnr=None, scores=None)]
    (table,) = tables_of(tmp_path, rows)
    assert [group.method for group in table.groups] == ["filter", "bad"]
    assert table.groups[1].score("psnr") is None
    (table,) = tables_of(tmp_path / "all", [rows[1]])
    assert table.baseline is None


def test_rows_of_no_run_of_the_last_plan_are_left_out(tmp_path):
    add_rows(tmp_path, [make_row("z", psnr=10.0), make_row("old", image="of before")])
    with Store(tmp_path) as store:
        store.add(make_row("a", psnr=30.0), {})
        store.begin(["runa", "runb", "runc"], {"psnr": "more"})
    results = read_results(tmp_path)
    assert [row["psnr"] for row in results.rows] == [30.0]
    assert (results.others, results.left) == (2, 2)
    with Store(tmp_path) as store:
        store.begin(["runb"], {"psnr": "more"})
    with pytest.raises(InputError, match="has no runs of the last plan yet, 3 of other plans; acc"):
        read_results(tmp_path)


def test_degradations_are_in_the_order_of_their_numbers(tmp_path):
    names = ["gaussian:5", "gaussian:25", "gaussian:100", "missing:0.05", "missing:0.5"]
    rows = [make_row(name, degradation=name) for name in reversed(names)]
    assert [table.degradation for table in tables_of(tmp_path, rows)] == names
    assert in_order("x4") < in_order("x10")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda folder: None, r"none/runs.sqlite: No such file; accepted: the folder of a sweep"),
        (lambda folder: add_rows(folder, []), "has no runs of the last plan yet; accepted: a"),
    ],
)
def test_without_a_table_or_runs(tmp_path, made, message):
    made(tmp_path / "none")
    with pytest.raises(InputError, match=message):
        read_results(tmp_path / "none")


def test_a_missing_folder_is_not_made(tmp_path):
    with pytest.raises(InputError):
        read_results(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / TABLE).write_text("no table at all, but a text that is long enough")
    with pytest.raises(InputError, match="file is not a database"):
        read_results(tmp_path)


def test_the_best_settings_for_each_problem(tmp_path):
    rows = [
        make_row(
            f"{weight}{image}", image=image, settings=json.dumps({"weight": weight}), psnr=score
        )
        for weight, scores in ((0.1, (20.0, 25.0)), (1.0, (22.0, 21.0)))
        for image, score in zip("ab", scores, strict=True)
    ]
    rows += [make_row(f"one{image}", image=image, method="other", psnr=21.5) for image in "ab"]
    add_rows(tmp_path, rows)
    results = with_best_settings(read_results(tmp_path))
    assert {row["id"] for row in results.rows} == {"run1.0a", "run0.1b", "runonea", "runoneb"}
    (table,) = summarize(results)
    best, other = table.groups
    assert (best.score("psnr").mean, other.score("psnr").mean) == (23.5, 21.5)
    assert best.settings == {"weight": "the best for each image by its reference"}
    assert (best.varied, other.settings) == ({}, {})
    notes = Lines(table.groups).notes
    assert notes[-1] == "filter (weight): the best for each image by its reference"


def test_the_best_of_a_distance_is_the_least(tmp_path):
    scores = {0.1: 0.4, 1.0: 0.2, 10.0: None}
    rows = [
        make_row(
            weight,
            settings=json.dumps({"weight": weight}),
            scores=json.dumps({"far": far}),
        )
        for weight, far in scores.items()
    ]
    add_rows(tmp_path, rows, {"far": "less"})
    (best,) = with_best_settings(read_results(tmp_path)).rows
    assert best["id"] == "run1.0"
