import json

from written_sweep import add_rows, make_row, write_sweep

from drp_jax.sweep.report import read_results, summarize, to_markdown
from drp_jax.sweep.report.markdown import escaped


def markdown_of(folder):
    results = read_results(folder)
    tables = summarize(results)
    return tables, to_markdown(tables, results.metrics).splitlines()


def test_it_is_one_table_with_the_best_in_bold(tmp_path):
    (table, other), lines = markdown_of(write_sweep(tmp_path))
    head, rule, *lines = lines[lines.index("") + 1 :]
    assert head == "| degradation | method | PSNR (dB) | SSIM | worst ↓ | seconds | runs |"
    *lines, empty, note = lines
    assert len(lines) == 2 * 4
    assert {line.count("|") for line in (head, rule, *lines)} == {head.count("|")}
    for place, one in ((0, table), (4, other)):
        score = max((group.score("psnr") for group in one.groups), key=lambda score: score.mean)
        assert f"| **{score.mean:.2f}** ± {score.error:.2f} |" in lines[place]
        least = min(group.score("worst").mean for group in one.groups)
        assert sum(f"| **{least:.4f}** ±" in line for line in lines) == 1
    assert empty == ""
    assert note == (
        "Means over images and keys ± standard errors; seconds of a run are without compilation; "
        "network fast has width 8, kind a_b in all lines; ↓: less is better."
    )


def test_means_of_several_degradations_have_a_column_for_each_method(tmp_path):
    tables, lines = markdown_of(write_sweep(tmp_path))
    overview = [line.strip("| ").split(" | ") for line in lines[: lines.index("")]]
    (title, *labels), _, *rows = overview
    assert title == "PSNR (dB)"
    assert [row[0] for row in rows] == [table.degradation for table in tables]
    totals = []
    for label in labels:
        method, _, weight = label.partition(", weight ")
        groups = [
            next(one for one in table.groups if (one.name, one.varied.get("weight")) == about)
            for table in tables
            for about in [(method, float(weight) if weight else None)]
        ]
        means = [group.score("psnr").mean for group in groups]
        totals.append(sum(means))
        for row, table, mean in zip(rows, tables, means, strict=True):
            is_best = mean == max(one.score("psnr").mean for one in table.groups)
            written = f"**{mean:.2f}**" if is_best else f"{mean:.2f}"
            assert row[1 + labels.index(label)] == written
    assert len(labels) == 4
    assert totals == sorted(totals, reverse=True)


def test_what_all_lines_share_is_below(tmp_path):
    settings = [json.dumps({"rate": rate}) for rate in (0.1, 0.2)]
    add_rows(tmp_path, [make_row(one, settings=one) for one in settings])
    _, lines = markdown_of(tmp_path)
    assert lines[0] == "| degradation | settings | PSNR (dB) | SSIM | seconds |"
    assert lines[2] == "| gaussian:25 | rate 0.1 | **20.00** | **0.500** | 1.00 |"
    assert lines[-1] == (
        "One run a line; seconds of a run are without compilation; all lines are filter."
    )


def test_signs_of_markdown_are_shown():
    assert escaped("a_b *c* <5> x|y\n[z] _d_") == r"a_b \*c\* &lt;5> x&#124;y \[z\] \_d\_"
