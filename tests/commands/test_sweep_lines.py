"""What a sweep says: a short line for a run, and the best for every degradation."""

import json

import pytest
from conftest import make_photograph
from written_sweep import ENVIRONMENT, make_row

from drp_jax import preset
from drp_jax.batch import BatchStatistics
from drp_jax.commands.sweep_lines import best_in_lines, run_in_a_line, varied_settings
from drp_jax.sweep import CleanImage, Done, Plan, Store, Variant, degradation

METHOD = preset(method="tv", task="reconstruct")
RATES = (0.1, 0.2)
VARIANTS = tuple(
    Variant("small", base=METHOD, settings={"iterations": 7, "learning_rate": rate})
    for rate in RATES
)
PLAN = Plan(
    (CleanImage("a.png", lambda: make_photograph(8, 8, 1)),),
    (degradation("gaussian:25"),),
    VARIANTS,
)
SCORES = {
    ("gaussian:25", 0.1): (20.0, 26.0),
    ("gaussian:25", 0.2): (24.0, 25.0),
    ("missing:0.5", 0.1): (31.0, 33.0),
    ("missing:0.5", 0.2): (30.0, 32.0),
}
"""Of two images, by degradation and learning rate."""


def write_scores(folder, *, more=()):
    """A table of the scores; `more` are runs of the plan that have no row."""
    rows = [
        make_row(
            f"{name}{rate}{key}",
            degradation=name,
            method="small",
            settings=json.dumps({"iterations": 7, "learning_rate": rate}),
            key=key,
            psnr=score,
        )
        for (name, rate), scores in SCORES.items()
        for key, score in enumerate(scores)
    ]
    with Store(folder) as store:
        for row in (*rows, make_row(1, degradation="gaussian:25", psnr=50.0)):  # of another plan
            store.add(row, ENVIRONMENT)
        store.begin([*(row["id"] for row in rows), *more], {"psnr": "more"})


def test_the_best_has_the_largest_mean(tmp_path):
    write_scores(tmp_path)
    lines = [
        "best in gaussian:25: small, learning_rate 0.2, mean PSNR (dB) 24.50 ± 0.50 over 2 runs",
        "best in missing:0.5: small, learning_rate 0.1, mean PSNR (dB) 32.00 ± 1.00 over 2 runs",
    ]
    assert list(best_in_lines(tmp_path)) == lines
    write_scores(tmp_path, more=["another"])
    assert list(best_in_lines(tmp_path)) == [f"so far, {line}" for line in lines]


def test_what_has_no_score_has_no_best(tmp_path):
    with Store(tmp_path) as store:
        store.add(make_row(1, status="failed", error="no film", scores=None), ENVIRONMENT)
        store.begin(["run1"], {"psnr": "more"})
    assert list(best_in_lines(tmp_path)) == []


@pytest.mark.parametrize(
    ("other", "is_scored_again", "end"),
    [
        ({}, False, "PSNR 20.00 dB, 1.5 s"),
        ({"psnr": None}, False, "no PSNR, 1.5 s"),
        ({"status": "dropped", "iterations": 3}, False, "PSNR 20.00 dB, dropped after 3, 1.5 s"),
        ({"status": "failed", "error": "no film"}, False, "failed: no film"),
        ({}, True, "PSNR 20.00 dB, scored again"),
        (
            {"scores": '{"psnr": 20.0, "ssim": 0.5, "worst": 0.25}'},
            True,
            "PSNR 20.00 dB, worst 0.25, scored again",
        ),
        ({"psnr": None, "scores": '{"worst": 0.25}'}, False, "worst 0.25, 1.5 s"),
        (
            {"scores": '{"psnr": 20.0, "worst": null}'},
            False,
            "PSNR 20.00 dB, 1.5 s, no finite worst",
        ),
    ],
)
def test_a_line_has_the_settings_that_vary(other, is_scored_again, end):
    varied = varied_settings(PLAN)
    assert varied == {("small", None): {"learning_rate"}}
    settings = json.dumps({"iterations": 7, "learning_rate": 0.1})
    row = {"error": None, **make_row(1, method="small", settings=settings), **other}
    done = Done(row, BatchStatistics(), is_scored_again)
    about = "image 2, gaussian:25, small, learning_rate 0.1, key 0"
    assert run_in_a_line(done, varied) == f"{about}: {end}"
