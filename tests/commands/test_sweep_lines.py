"""What a sweep says: a short line for a run, and the best for every degradation."""

import json

import pytest
from conftest import make_photograph
from written_sweep import add_rows, make_row

from drp_jax import preset
from drp_jax.commands.sweep_lines import best_in_lines, run_in_a_line, varied_settings
from drp_jax.sweep import CleanImage, Plan, Variant, degradation

METHOD = preset(method="tv", task="reconstruct")
VARIANTS = tuple(
    Variant("small", base=METHOD, settings={"iterations": 7, "learning_rate": rate})
    for rate in (0.1, 0.2)
)
IMAGES = tuple(
    CleanImage(name, lambda seed=seed: make_photograph(8, 8, 1, seed))
    for seed, name in enumerate(("a.png", "b.png"))
)
PLAN = Plan(IMAGES, (degradation("gaussian:25"), degradation("missing:0.5")), VARIANTS)
SCORES = {
    ("gaussian:25", 0.1): (20.0, 26.0),
    ("gaussian:25", 0.2): (24.0, 25.0),
    ("missing:0.5", 0.1): (31.0, 33.0),
    ("missing:0.5", 0.2): (30.0, 32.0),
}


def row_for(run, psnr, **other):
    return make_row(
        PLAN.identity(run), **(run.about | {"id": PLAN.identity(run), "psnr": psnr} | other)
    )


def rows():
    for run in PLAN.runs():
        scores = SCORES[run.degradation.name, run.variant.settings["learning_rate"]]
        yield row_for(run, scores[run.image.name == "b.png"])


def test_the_best_has_the_largest_mean_over_images(tmp_path):
    add_rows(tmp_path, rows())
    # Of another plan, and better.
    add_rows(tmp_path, [make_row(1, image="c.png", degradation="gaussian:25", psnr=50.0)])
    assert list(best_in_lines(PLAN, tmp_path)) == [
        "best in gaussian:25: small, learning_rate 0.2, mean PSNR (dB) 24.50 ± 0.50 over 2 runs",
        "best in missing:0.5: small, learning_rate 0.1, mean PSNR (dB) 32.00 ± 1.00 over 2 runs",
    ]


def test_what_has_no_score_has_no_best(tmp_path):
    first = next(PLAN.runs())
    add_rows(tmp_path, [row_for(first, None, status="failed", error="no film", scores=None)])
    assert list(best_in_lines(PLAN, tmp_path)) == []


@pytest.mark.parametrize(
    ("other", "end"),
    [
        ({}, "PSNR 20.00 dB, 1.0 s"),
        ({"psnr": None}, "no PSNR, 1.0 s"),
        ({"status": "dropped", "iterations": 3}, "PSNR 20.00 dB, dropped after 3, 1.0 s"),
        ({"status": "failed", "error": "no film"}, "failed: no film"),
    ],
)
def test_a_line_has_the_settings_that_vary(other, end):
    varied = varied_settings(PLAN)
    assert varied == {("small", None): {"learning_rate"}}
    settings = json.dumps({"iterations": 7, "learning_rate": 0.1})
    row = make_row(1, method="small", settings=settings) | other
    about = "image 2, gaussian:25, small, learning_rate 0.1, key 0"
    assert run_in_a_line(row, varied) == f"{about}: {end}"
