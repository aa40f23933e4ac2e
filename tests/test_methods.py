import dataclasses

import jax
import pytest

from drp_jax import HourglassConfig, InputError, Precision, preset
from drp_jax.objectives import anisotropic_tv, rmse
from drp_jax.partition import NormAffine, Seed


def test_the_paper_preset_is_the_official_denoising_program():
    settings = preset("paper", method="drp-dip", task="denoise")
    generator = settings.method.generator
    assert generator == HourglassConfig(widths_down=(64,), widths_up=(64,), widths_skip=(4,))
    assert (settings.method.seed.channels, settings.method.seed.std) == (3, 0.1)
    assert set(settings.method.trains) == {Seed, NormAffine}
    assert (settings.solver.learning_rate, settings.solver.iterations) == (0.1, 5000)
    objective = settings.objective
    assert (objective.fidelity, objective.regularizer, objective.weight) == (
        rmse,
        anisotropic_tv,
        0.45,
    )


def test_fast_is_narrower_and_shorter():
    paper, fast = preset("paper"), preset("fast", method="drp-dip")
    assert fast.method.generator.widths_up < paper.method.generator.widths_up
    assert fast.solver.iterations < paper.solver.iterations


def test_adjusted_replaces_what_is_given_and_nothing_else():
    paper = preset("paper")
    assert paper.adjusted() == paper
    changed = paper.adjusted(iterations=7, learning_rate=0.2, regularizer_weight=0.0, width=12)
    assert changed.solver == dataclasses.replace(paper.solver, iterations=7, learning_rate=0.2)
    assert changed.objective.weight == 0.0
    assert changed.method.generator == paper.method.generator.with_width(12)


def test_build_draws_by_the_key_for_any_channel_count():
    method = preset("paper").adjusted(width=4).method
    model = method.build(jax.random.key(0), (9, 8, 1))
    assert model.seed[...].shape == (9, 8, 3)
    assert model().shape == (9, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "papper"}, "unknown preset of non-local denoise: 'papper'; accepted: default"),
        ({"method": "drp"}, "unknown method: 'drp'; accepted: non-local, drp-dip, drp-dd, dip"),
        (
            {"task": "dehaze"},
            "unknown task of non-local: 'dehaze'; accepted: denoise, super-resolve, inpaint",
        ),
    ],
)
def test_unknown_names_are_answered_with_the_known(arguments, message):
    with pytest.raises(InputError, match=message):
        preset(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width is 0; accepted: whole numbers from 1 to 4096"),
        ({"regularizer_weight": -1.0}, r"TV weight is -1\.0; accepted: from 0 to 1e\+06"),
        ({"iterations": -5}, "iterations is -5; accepted: whole numbers from 1"),
    ],
)
def test_bad_adjustments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        preset("paper").adjusted(**arguments)


@pytest.mark.parametrize(
    ("arguments", "method", "name"),
    [
        ({}, "non-local", "default"),
        ({"name": "best"}, "non-local", "best"),
        ({"name": "paper"}, "drp-dip", "paper"),
        ({"method": "dip"}, "dip", "fast"),
    ],
)
def test_what_is_left_out_is_completed(arguments, method, name):
    for task in ("denoise", "inpaint", "super-resolve"):
        assert preset(task=task, **arguments) == preset(name, method=method, task=task)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 8}, "width is 8, and this method has no network; accepted: no width"),
        ({"learning_rate": 0.1}, r"learning rate is 0\.1, and method non-local takes none"),
        ({"regularizer_weight": 0.1}, r"TV weight is 0\.1, and method non-local takes none"),
        ({"precision": Precision.BFLOAT16}, "precision is bfloat16, and method non-local"),
        ({"rematerialise": True}, "rematerialise is True, and method non-local takes none"),
    ],
)
def test_what_only_networks_have_is_refused_without_one(arguments, message):
    with pytest.raises(InputError, match=message):
        preset().adjusted(**arguments)
