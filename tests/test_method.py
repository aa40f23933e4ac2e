"""What a method is: steps, stages, and how long they go on."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph
from descent import Descent

from drp_jax import (
    InputError,
    Loop,
    Problem,
    Request,
    Stage,
    Status,
    advance,
    begin,
    record,
    restore,
    restore_many,
)
from drp_jax.method import unrolled
from drp_jax.metrics import psnr

KEY = jax.random.key(0)
PICTURE = make_photograph(8, 9, 1)


def test_a_method_of_ones_own_runs_in_the_loop():
    reference = np.clip(PICTURE + 0.1, 0, 1)
    result = restore(PICTURE, key=KEY, method=Descent(), reference=reference)
    shares = 1 - 0.5 ** np.arange(1, 7)
    np.testing.assert_allclose(result.image, shares[-1] * PICTURE, rtol=1e-5)
    assert result.iterations == result.image_iteration == 6
    assert result.status == Status.ITERATION_LIMIT
    assert result.iterate == "last"
    assert result.uncertainty is None
    assert result.trees is None
    assert set(result.history) == {"residual", "psnr"}
    power = np.sqrt(np.mean(PICTURE**2))
    np.testing.assert_allclose(result.history["residual"], (1 - shares) * power, rtol=1e-4)
    expected = [psnr(share * PICTURE, reference) for share in shares]
    np.testing.assert_allclose(result.history["psnr"], expected, rtol=1e-4)


def test_a_method_without_measures_has_an_empty_history():
    @record
    class Silent(Descent):
        measures: ClassVar[tuple[str, ...]] = ()

        def measured(self, problem, state):
            return {}

    run, history = advance(begin(Problem(PICTURE), method=Silent(), key=KEY))
    assert history == {}
    assert run.state.iteration == 6


@record
class InTwo(Descent):
    """Three steps up and the rest down."""

    def stages(self, problem):
        return (
            Stage("up", lambda problem, image: image + 0.1, 3),
            Stage("down", lambda problem, image: image - 0.04, self.loop.iterations),
        )


@pytest.mark.parametrize("cuts", [(6,), (2, 6), (3, 6), (1, 2, 3, 4, 5, 6)])
def test_every_stage_has_its_steps(cuts):
    run = begin(Problem(PICTURE), method=InTwo(), key=KEY)
    for until in cuts:
        run, _ = advance(run, until)
        assert run.step_name == ("up" if until <= 3 else "down")
    np.testing.assert_allclose(run.image, jnp.full((8, 9, 1), 0.3 - 3 * 0.04), atol=1e-6)


@record
class InRounds(Descent):
    """Two steps up and one down, then none up and one down, then one up and two down."""

    loop: Loop = dataclasses.field(default_factory=lambda: Loop(7))

    def stages(self, problem):
        return (
            Stage("up", lambda problem, image: image + 0.1, 2, (3, 5)),
            Stage("down", lambda problem, image: image - 0.04, 3, (4, 7)),
        )


NAMES = ("up", "up", "down", "down", "up", "down", "down")


@pytest.mark.parametrize("cuts", [(7,), (3, 7), (1, 4, 6, 7), (1, 2, 3, 4, 5, 6, 7)])
def test_stages_are_gone_through_in_rounds(cuts):
    run = begin(Problem(PICTURE), method=InRounds(), key=KEY)
    for until in cuts:
        run, _ = advance(run, until)
        assert run.state.iteration == until
        assert run.step_name == NAMES[until - 1]
    np.testing.assert_allclose(run.image, jnp.full((8, 9, 1), 3 * 0.1 - 4 * 0.04), atol=1e-6)
    assert run.state.status == Status.ITERATION_LIMIT


def test_a_batch_goes_through_rounds_as_single_runs_do():
    requests = [Request(Problem(PICTURE), key=KEY)] * 3
    done = restore_many(requests, key=KEY, method=InRounds(), slots=2)
    expected = restore(Problem(PICTURE), key=KEY, method=InRounds()).image
    for one in done:
        np.testing.assert_allclose(one.restoration.image, expected, atol=1e-6)


def test_rounds_can_be_written_out():
    stages = unrolled(InRounds().stages(Problem(PICTURE)))
    assert [(stage.name, stage.end) for stage in stages] == [
        ("up", 2),
        ("down", 3),
        ("up", 3),
        ("down", 4),
        ("up", 5),
        ("down", 7),
    ]


def test_a_run_may_end_in_its_first_stage():
    short = dataclasses.replace(InTwo(), loop=Loop(2))
    run, _ = advance(begin(Problem(PICTURE), method=short, key=KEY))
    np.testing.assert_allclose(run.image, jnp.full((8, 9, 1), 0.2), atol=1e-6)
    assert run.state.status == Status.ITERATION_LIMIT


def test_what_a_method_does_not_say_is_left_out():
    method, problem = Descent(), Problem(PICTURE)
    state = method.init(problem, KEY)
    assert method.uncertainty(problem, state) is None
    assert method.trees(state) is None
    assert method.advice == ""
    assert [(stage.name, stage.end) for stage in method.stages(problem)] == [("", 6)]
    method.check(problem)


def test_a_method_says_what_may_be_adjusted():
    @record
    class Adjustable(Descent):
        def adjustments(self):
            return {
                name: lambda value, name=name: dataclasses.replace(self, **{name: value})
                for name in ("rate", "loop")
            }

    changed = Adjustable().adjusted(rate=0.1, loop=Loop(3))
    assert (changed.rate, changed.loop) == (0.1, Loop(3))
    message = "width is 4, and method descent takes none; accepted: rate, loop"
    with pytest.raises(InputError, match=message):
        Adjustable().adjusted(width=4)


def test_which_image_is_returned_follows_the_loop():
    assert Loop(3).iterate == "last"
    assert Loop(3, ema_decay=0.9).iterate == "averaged"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Loop(0), "iterations is 0; accepted: whole numbers from 1 to 10000000"),
        (lambda: Loop(5.0), r"iterations is 5\.0; accepted: whole numbers"),
        (lambda: Loop(ema_decay=1.0), r"ema_decay is 1\.0; accepted: in \[0, 1\)"),
        (lambda: Loop(stopping="soon"), "stopping is 'soon'; accepted: "),
        (
            lambda: Descent().adjusted(iterations=3),
            "iterations is 3, and method descent takes none; accepted: ",
        ),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
