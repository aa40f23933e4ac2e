"""A run in a thread: its reports in order, how it is ended, and what is said of errors."""

import threading

import numpy as np
import pytest
from conftest import make_photograph
from descent import Descent
from gradual import Broken

from drp_jax import InputError, Loop, Problem, Status
from drp_jax.app import runs

PICTURE = make_photograph(8, 9, 1)


def follow(method, interrupts, show=lambda report: report):
    return runs.followed(
        Problem(PICTURE), show, seed=0, method=method, interrupts=interrupts, limits=None
    )


def outcome(run):
    """What a run yields, and what it gives in the end."""
    yielded = []
    while True:
        try:
            yielded.append(next(run))
        except StopIteration as end:
            return yielded, end.value


def test_reports_show_the_image_so_far_and_the_end_is_a_fit():
    reports, fitted = outcome(follow(Descent(Loop(6)), []))
    # Half of what is left is done at every iteration, from zero.
    np.testing.assert_allclose(fitted.restoration.image, (1 - 0.5**6) * PICTURE, atol=1e-6)
    assert not fitted.interrupted
    shown = [one for one in reports if one.image is not None]
    for one in shown:
        words, _, others = one.text.partition("  ")
        done = int(words.removeprefix("Iteration ").removesuffix("/6"))
        np.testing.assert_allclose(one.image, (1 - 0.5**done) * PICTURE, atol=1e-6)
        assert others.startswith("residual ")
    for one in reports[: len(reports) - len(shown)]:
        assert one.text.startswith(runs.COMPILING)


def test_a_sign_of_life_is_given_before_the_first_report(monkeypatch):
    shown, has_image, fit = threading.Event(), threading.Event(), runs.fit

    def later(*arguments, **others):
        shown.wait(60)
        fitted = fit(*arguments, **others)
        has_image.wait(60)  # otherwise the end may come before a report is asked for
        return fitted

    def show(report):
        shown.set()
        if report.image is not None:
            has_image.set()
        return report

    monkeypatch.setattr(runs, "fit", later)
    monkeypatch.setattr(runs, "TICK", 0.001)
    reports, _ = outcome(follow(Descent(Loop(3)), [], show))
    assert reports[0].text == f"{runs.COMPILING}, 0 s so far ..."
    assert reports[0].image is None
    assert reports[-1].text.startswith("Iteration ")


def test_stop_keeps_the_image():
    session = runs.Session()
    interrupts = session.begin()

    def stop(report):
        if report.image is not None:
            session.stop()

    _, fitted = outcome(follow(Descent(Loop(10_000_000), rate=1e-6), interrupts, stop))
    assert fitted.restoration.status == Status.INTERRUPTED
    assert 0 < fitted.restoration.iterations < 10_000_000
    assert np.isfinite(fitted.restoration.image).all()


def test_a_run_that_nobody_follows_ends():
    session = runs.Session()
    interrupts = session.begin()
    run = follow(Descent(Loop(10_000_000), rate=1e-6), interrupts)
    next(run)
    assert interrupts == []
    run.close()
    assert interrupts
    assert session.begin() == []  # the next one is not ended by that


def test_errors_are_raised_where_the_run_is_followed():
    with pytest.raises(RuntimeError, match="no such film"):
        outcome(follow(Broken(), []))


def test_fields_that_may_be_empty():
    assert runs.number(None, "noise") is None
    assert runs.number(" ", "noise") is None
    assert runs.number("2.5", "noise") == 2.5
    assert runs.whole("12", "iterations") == 12
    assert runs.whole("", "iterations") is None
    with pytest.raises(InputError, match=r"^noise is 'much'; accepted: a number, or nothing$"):
        runs.number("much", "noise")
    for text in ("2.5", "inf", "nan"):
        with pytest.raises(InputError, match=f"^iterations is '{text}'; accepted: a whole number"):
            runs.whole(text, "iterations")


def test_a_sentence_names_neither_folders_nor_flags(capsys):
    error = InputError("/tmp/a1/b2/cat.png: 3 x 3 pixels; accepted: up to --learning-rate 8")
    assert runs.sentence(error) == "cat.png: 3 x 3 pixels; accepted: up to learning rate 8"
    assert capsys.readouterr().err == ""
    assert runs.sentence(RuntimeError("no such film")) == (
        "This failed: RuntimeError: no such film"
    )
    assert "RuntimeError: no such film" in capsys.readouterr().err
