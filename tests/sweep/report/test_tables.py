import csv
import io
import json
import re

import numpy as np
import pytest
from written_sweep import add_rows, make_row, write_sweep

from drp_jax.sweep.report import differences, read_results, summarize, to_csv, to_latex, to_markdown
from drp_jax.sweep.report.tables import digits_of, escaped


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    results = read_results(write_sweep(tmp_path_factory.mktemp("results")))
    return summarize(results), results.metrics


def test_csv_reads_back(summary):
    tables, metrics = summary
    lines = list(csv.DictReader(io.StringIO(to_csv(*summary))))
    groups = [(table, group) for table in tables for group in table.groups]
    assert len(lines) == len(groups) == 2 * 4
    for line, (table, group) in zip(lines, groups, strict=True):
        assert (line["degradation"], line["method"]) == (group.degradation, group.method)
        assert json.loads(line["settings"]) == group.settings
        assert line["baseline"] == str(int(group is table.baseline))
        assert int(line["runs"]) + int(line["failed"]) == 4
        for metric in metrics:
            score, found = group.score(metric), differences(group, table.baseline, metric)
            np.testing.assert_allclose(float(line[metric]), score.mean)
            np.testing.assert_allclose(float(line[f"{metric}_error"]), score.error)
            np.testing.assert_allclose(float(line[f"{metric}_difference"]), found.mean)
            assert line[f"{metric}_pairs"] == str(found.count)
            assert line[f"{metric}_wins"] == str(found.wins)


def test_latex_has_a_tabular_for_each_degradation(summary):
    text = to_latex(*summary)
    assert text.count(r"\begin{tabular}{llrrrrrrrr}") == text.count(r"\end{tabular}") == 2
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
    assert len(rows) == 2 * (1 + 4)
    assert {line.count("&") - line.count(r"\&") for line in rows} == {9}
    (table, _), _ = summary
    score = table.groups[0].score("psnr")
    assert rf"$\mathbf{{{score.mean:.2f}}} \pm {score.error:.2f}$ & --" in text
    assert r"% network fast: width 8, kind a_b in all lines" in text
    found = differences(table.groups[-1], table.baseline, "psnr")
    assert rf"${found.mean:+.2f} \pm {found.error:.2f}$" in text


def test_markdown_is_one_table_with_the_best_in_bold(summary):
    head, rule, *lines = to_markdown(*summary).splitlines()
    assert head.startswith("| degradation | method | PSNR (dB) | SSIM |")
    assert len(lines) == 2 * 4
    assert {line.count("|") for line in (head, rule, *lines)} == {head.count("|")}
    (table, _), _ = summary
    best = max(table.groups, key=lambda one: one.score("psnr").mean)
    score = best.score("psnr")
    assert f"| **{score.mean:.2f}** ± {score.error:.2f} |" in lines[table.groups.index(best)]
    assert sum("| **" in line for line in lines) >= 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("50% of a_b & #1 {x}", r"50\% of a\_b \& \#1 \{x\}"),
        (r"C:\x~^$", r"C:\textbackslash{}x\textasciitilde{}\textasciicircum{}\$"),
        ("two\nlines  <5>", r"two lines \textless{}5\textgreater{}"),
    ],
)
def test_latex_escapes(text, shown):
    assert escaped(text) == shown


def test_names_are_escaped_in_the_table(tmp_path):
    other = {"degradation": "lab:a_b, noise 5%\nx", "method": "my_method", "preset": "50%"}
    add_rows(tmp_path, [make_row(1, **other)])
    results = read_results(tmp_path)
    lines = to_latex(summarize(results), results.metrics).splitlines()
    assert (
        r"my\_method 50\% &  & $\mathbf{20.00}$ & -- & $\mathbf{0.500}$ & -- & 1 & 1.00 \\" in lines
    )
    assert r"\multicolumn{8}{l}{lab:a\_b, noise 5\% x} \\" in lines
    assert all(re.match(r"%|\\|my|Method|$", line) for line in lines)


def test_other_metrics_have_four_digits(tmp_path):
    scores = [json.dumps({"psnr": 20.0, "worst": worst}) for worst in (0.0123, 0.0234)]
    add_rows(tmp_path, [make_row(key, key=key, scores=scores[key]) for key in (0, 1)])
    tables = summarize(read_results(tmp_path))
    assert digits_of("psnr", tables) == 2
    assert digits_of("worst", tables) == 5
    assert r"$0.01785 \pm 0.00555$" in to_latex(tables, ["worst"])
