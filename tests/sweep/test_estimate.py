import dataclasses
import itertools

import pytest
from conftest import make_photograph

from drp_jax import Loop, preset
from drp_jax.non_local import Denoise
from drp_jax.sweep import CleanImage, Plan, Variant, degradation
from drp_jax.sweep.estimate import estimated, programs_of
from drp_jax.sweep.running import identified

SIZES = ((12, 11, 1), (12, 11, 1), (16, 16, 1))
IMAGES = tuple(
    CleanImage(f"image {number}", lambda number=number: make_photograph(*SIZES[number], number))
    for number in range(3)
)
NOISES = tuple(degradation(f"gaussian:{sigma}") for sigma in (15, 25))
METHOD = preset(method="tv", task="reconstruct").adjusted(iterations=102)
RATES = tuple(
    Variant("small", base=METHOD, settings={"learning_rate": rate}) for rate in (0.1, 1.0)
)
AVERAGED = Variant("averaged", base=dataclasses.replace(METHOD, loop=Loop(102, ema_decay=0.9)))


def test_numbers_share_a_program_and_other_sizes_and_structures_do_not():
    plan = Plan(IMAGES, NOISES, (*RATES, AVERAGED), keys=(0, 1))
    programs = programs_of(identified(plan))
    counts = {
        (one[0][1].image.pixels().shape, one[0][1].variant.name): len(one) for one in programs
    }
    assert counts == {
        ((12, 11, 1), "small"): 2 * 2 * 2 * 2,
        ((12, 11, 1), "averaged"): 2 * 2 * 2,
        ((16, 16, 1), "small"): 2 * 2 * 2,
        ((16, 16, 1), "averaged"): 2 * 2,
    }
    assert len(programs) == 4


@pytest.mark.parametrize(("slots", "at_once"), [(1, 1), (2, 2)])
def test_iterations_are_counted_up_to_the_whole_run(slots, at_once):
    """By a clock of which the runs take 30 s, 1 s and 6 s: half a second for an iteration."""
    plan = Plan(IMAGES[:2], NOISES, RATES)
    ticks = itertools.accumulate([0, 30, 0, 1, 0, 6])
    (one,) = estimated(list(identified(plan)), slots=slots, clock=lambda: next(ticks))
    assert one.compile_seconds == 29
    assert one.seconds == (1 + 100 * 0.5) * 8 / at_once
    assert len(one.runs) == 8


def test_a_filter_runs_to_its_end():
    plan = Plan(IMAGES[2:], NOISES, (Variant("short", base=Denoise(refinements=(), iterations=1)),))
    ticks = itertools.accumulate([0, 30, 0, 7])
    (one,) = estimated(list(identified(plan)), slots=1, clock=lambda: next(ticks))
    assert (one.compile_seconds, one.seconds) == (23, 14)
