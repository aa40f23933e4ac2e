import json

import pytest
from written_sweep import add_rows, make_row, write_sweep

from drp_jax.sweep.report import differences, read_results, summarize, to_latex
from drp_jax.sweep.report.latex import escaped


def latex_of(folder):
    results = read_results(folder)
    tables = summarize(results)
    return tables, to_latex(tables, results.metrics)


def test_there_is_a_table_for_each_degradation(tmp_path):
    (table, _), text = latex_of(write_sweep(tmp_path))
    for ending in (r"\begin{table}", r"\end{tabular}", r"\end{table}"):
        assert text.count(ending) == 2
    assert r"\label{tab:gaussian:5}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
    assert len(rows) == 2 * (1 + 4)
    heads = r"Method & PSNR (dB) & $\Delta$ & SSIM & worst $\downarrow$ & Seconds"
    for number, columns in ((0, 6), (5, 7)):  # the second has not as many runs in all lines
        assert rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}" in text
        assert rows[number] == heads + (r" & Runs \\" if number else r" \\")
        assert {line.count("&") for line in rows[number : number + 5]} == {columns - 1}
    best, last = table.baseline, table.groups[-1]
    score = best.score("psnr")
    label = r"\textbf{filter}"
    assert rf"{label} & $\mathbf{{{score.mean:.2f}}} \pm {score.error:.2f}$ & --" in text
    assert r"network fast has width 8, kind a\_b in all lines" in text
    found = differences(last, best, "psnr")
    assert rf"network fast, weight 1 & ${last.score('psnr').mean:.2f}" in text
    assert rf"${found.mean:+.2f} \pm {found.error:.2f}$" in text
    assert text.count(r"\textbf") == 2


def test_the_least_of_a_distance_is_bold(tmp_path):
    rows = [
        make_row(method, method=method, scores=json.dumps({"worst": worst}))
        for method, worst in (("far", 0.5), ("near", 0.25))
    ]
    add_rows(tmp_path, rows, {"worst": "less"})
    _, text = latex_of(tmp_path)
    assert r"\textbf{near} & $\mathbf{0.2500}$ & -- & 1.00 \\" in text
    assert r"far & $0.5000$ & $+0.2500$ & 1.00 \\" in text


def test_what_all_lines_share_is_in_the_caption(tmp_path):
    settings = [json.dumps({"width": 8, "rate": rate}) for rate in (0.1, 0.2)]
    add_rows(tmp_path, [make_row(one, settings=one) for one in settings])
    _, text = latex_of(tmp_path)
    assert "Settings & PSNR (dB)" in text
    assert "rate 0.2 & " in text
    caption = (
        r"\caption{gaussian:25 (denoise); one run a line; seconds of a run are without "
        r"compilation; filter has width 8 in all lines; $\Delta$: paired differences in PSNR (dB) "
        "from the line in bold.}"
    )
    assert caption in text


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
    lines = latex_of(tmp_path)[1].splitlines()
    row = r"\textbf{my\_method 50\%} & $\mathbf{20.00}$ & -- & $\mathbf{0.500}$ & 1.00 \\"
    assert row in lines
    assert r"\label{tab:lab:a-b-noise-5-x}" in lines
    (caption,) = (line for line in lines if line.startswith(r"\caption"))
    assert caption.startswith(r"\caption{lab:a\_b, noise 5\% x (denoise); one run")
