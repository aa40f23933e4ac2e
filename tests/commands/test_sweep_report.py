import sqlite3

import pytest
from written_sweep import add_rows, make_row, write_sweep

from drp_jax.commands import options
from drp_jax.commands.sweep import sweep
from drp_jax.sweep import Store
from drp_jax.sweep.store import TABLE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with results of several kinds, the current one."""
    monkeypatch.chdir(tmp_path)
    add_rows(tmp_path / "empty", [])
    add_rows(tmp_path / "results", [make_row(1)])
    with sqlite3.connect(tmp_path / "results" / TABLE) as table:
        table.execute("PRAGMA wal_checkpoint")
    (tmp_path / "newer").mkdir()
    with sqlite3.connect(tmp_path / "newer" / TABLE) as table:
        table.executescript("CREATE TABLE runs (id); PRAGMA user_version = 70;")
    table.close()
    return tmp_path


def report(*argv):
    return options.run(sweep, ["report", *argv], program="drp-jax sweep")


def test_everything_is_written_and_said(folder, capsys):
    write_sweep(folder / "whole")
    (folder / "whole/images/run2.npz").unlink()
    argv = ["--html", "report", "--csv", "means.csv", "--latex", "report/means.tex"]
    for _ in range(2):
        assert report("whole/", *argv) == 0
        assert capsys.readouterr().out.splitlines() == [
            "report/index.html: 31 runs",
            "1 run is without pictures: images/run2.npz or images/inputs-12-0-25.npz cannot be "
            "read",
            "means.csv",
            "report/means.tex",
            "1 run has failed; no mean counts them in",
        ]
    assert (folder / "report/index.html").is_file()
    assert (folder / "means.csv").read_text().startswith("task,degradation,")
    assert r"\begin{tabular}" in (folder / "report/means.tex").read_text()


def test_what_no_mean_counts_in_is_said(folder, capsys):
    scores = '{"psnr": 20.0, "worst": null}'
    rows = [make_row(number, key=number, scores=scores) for number in (2, 3)]
    rows.append(make_row(4, key=4, error="metric worst: ValueError: no weights"))
    add_rows(folder / "results", rows)
    with Store(folder / "results") as store:
        store.begin(["run2", "run3", "run4", "run5"], {"psnr": "more", "worst": "less"})
    assert report("results", "--csv", "x.csv") == 0
    assert capsys.readouterr().out.splitlines() == [
        "x.csv",
        "2 runs have no finite worst; no mean of it counts them in",
        "1 run lacks a score: metric worst: ValueError: no weights",
        "1 run of the plan is not done yet",
        "1 row of the table left out: of no run of the plan that ran last",
    ]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["results"],
            "no output is named; accepted: one or more of --html, --csv, --latex, --markdown",
        ),
        (["--csv", "x.csv"], "0 folders are given; accepted: one, like results"),
        (
            ["none", "--csv", "x.csv"],
            "none/runs.sqlite: No such file; accepted: the folder of a sw",
        ),
        (["empty", "--csv", "x.csv"], "empty/runs.sqlite: has no runs of the last plan yet"),
        (["newer", "--csv", "x.csv"], "is a table of version 70; accepted: one of version 3"),
        (["results", "--html", "results"], "results: exists and is not a report; accepted"),
        (["results", "--csv", "none/x.csv"], "the folder none does not exist"),
    ],
)
def test_bad_input_ends_in_a_line(folder, capsys, argv, message):
    assert report(*argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("drp-jax sweep report: error: ")
    assert message in line
    assert not (folder / "x.csv").exists()
