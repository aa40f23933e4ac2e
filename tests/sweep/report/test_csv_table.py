import csv
import io
import json

import numpy as np
from written_sweep import add_rows, make_row, write_sweep

from drp_jax.sweep.report import differences, read_results, runs_to_csv, summarize, to_csv

PLACE = ("degradation", "method", "preset", "settings", "image", "key")


def lines_of(folder):
    results = read_results(folder)
    tables = summarize(results)
    lines = list(csv.DictReader(io.StringIO(to_csv(tables, results.metrics))))
    return tables, results.metrics, lines


def test_csv_reads_back(tmp_path):
    tables, metrics, lines = lines_of(write_sweep(tmp_path))
    groups = [(table, group) for table in tables for group in table.groups]
    assert len(lines) == len(groups) == 2 * 4
    for line, (table, group) in zip(lines, groups, strict=True):
        assert (line["degradation"], line["method"]) == (group.degradation, group.method)
        assert json.loads(line["settings"]) == group.settings
        assert line["baseline"] == str(int(group is table.baseline))
        assert int(line["runs"]) + int(line["failed"]) == 4
        assert line["compile_seconds"] == "2.0"
        np.testing.assert_allclose(float(line["seconds_without_compilation"]), group.seconds)
        for metric, better in metrics.items():
            score = group.score(metric)
            found = differences(group, table.baseline, metric, better)
            np.testing.assert_allclose(float(line[metric]), score.mean)
            np.testing.assert_allclose(float(line[f"{metric}_error"]), score.error)
            np.testing.assert_allclose(float(line[f"{metric}_difference"]), found.mean)
            assert line[f"{metric}_runs"] == line["runs"]
            assert line[f"{metric}_pairs"] == str(found.count)
            assert line[f"{metric}_wins"] == str(found.wins)


def test_how_many_runs_are_in_a_mean_is_said(tmp_path):
    scores = [json.dumps({"psnr": 20.0, "worst": worst}) for worst in (0.5, None)]
    add_rows(tmp_path, [make_row(key, key=key, scores=scores[key]) for key in (0, 1)])
    ((line,),) = lines_of(tmp_path)[2:]
    assert (line["runs"], line["psnr_runs"], line["worst_runs"]) == ("2", "2", "1")


def test_all_runs_are_lines(tmp_path):
    write_sweep(tmp_path)
    results = read_results(tmp_path)
    lines = list(csv.DictReader(io.StringIO(runs_to_csv(results))))
    assert len(lines) == len(results.rows) + len(results.failed) == 2 * 2 * 2 * 4
    assert [line["degradation"] for line in lines] == ["gaussian:25"] * 16 + ["gaussian:5"] * 16
    by_place = {tuple(line[name] for name in PLACE): line for line in lines}
    assert len(by_place) == len(lines)
    for row in results.rows:
        place = {**row, "settings": json.dumps(row["settings"])}
        line = by_place[tuple(str("" if place[name] is None else place[name]) for name in PLACE)]
        assert float(line["psnr"]) == row["psnr"]
        assert float(line["worst"]) == row["scores"]["worst"]
        assert float(line["seconds_without_compilation"]) == row["seconds"] - row["compile_seconds"]
        assert (line["device"], line["git"]) == ("cpu: cpu", "abc123+")
    (failed,) = (line for line in lines if line["status"] == "failed")
    assert (failed["psnr"], failed["error"]) == ("", "ValueError: </script> & 50% of it")
