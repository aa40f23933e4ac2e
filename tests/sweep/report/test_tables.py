import json

import pytest
from written_sweep import add_rows, make_row

from drp_jax.sweep.report import read_results, summarize
from drp_jax.sweep.report.tables import best_means, digits_of, seconds_text, title_of


@pytest.fixture
def table(tmp_path):
    scores = [{"psnr": 20.0, "worst": worst} for worst in (0.0123, 0.0234)]
    rows = [
        make_row(key, method=f"method {key}", scores=json.dumps(scores[key]), seconds=1.7 - key)
        for key in (0, 1)
    ]
    add_rows(tmp_path, rows)
    (table,) = summarize(read_results(tmp_path))
    return table


def test_other_metrics_have_four_digits(table):
    assert digits_of("psnr", [table]) == 2
    assert digits_of("worst", [table]) == 5


def test_the_best_is_the_most_or_the_least(table):
    assert best_means(table, {"worst": "less", "psnr": "more"}) == {"worst": 0.0123, "psnr": 20.0}
    assert best_means(table, {"worst": "more", "none": "less"}) == {"worst": 0.0234}


def test_titles_say_when_less_is_better():
    assert title_of("psnr", "more") == "PSNR (dB)"
    assert title_of("lab:far", "less") == "lab:far ↓"


def test_seconds_have_three_digits(table):
    assert [seconds_text(group) for group in table.groups] == ["1.20", "0.200"]
