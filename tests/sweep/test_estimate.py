import contextlib
import dataclasses

import pytest
from conftest import make_photograph

from drp_jax import InputError, Loop, preset
from drp_jax.batch import BatchStatistics, Finished
from drp_jax.non_local import Denoise
from drp_jax.sweep import CleanImage, Degradation, Plan, Variant, degradation, estimate
from drp_jax.sweep.estimate import estimated, programs_of
from drp_jax.sweep.running import identified

SIZES = ((12, 11, 1), (12, 11, 1), (16, 16, 1))
IMAGES = tuple(
    CleanImage(f"image {number}", lambda number=number: make_photograph(*SIZES[number], number))
    for number in range(3)
)
NOISES = tuple(degradation(f"gaussian:{sigma}") for sigma in (15, 25))
METHOD = preset(method="tv", task="reconstruct").adjusted(iterations=101)
RATES = tuple(
    Variant("small", base=METHOD, settings={"learning_rate": rate}) for rate in (0.1, 1.0)
)
AVERAGED = Variant("averaged", base=dataclasses.replace(METHOD, loop=Loop(101, ema_decay=0.9)))
FILTER = Variant("short", base=Denoise(refinements=(), iterations=1))


@dataclasses.dataclass
class Machine:
    """What stands for `restore_many` and `compile_clock`, and the clock that it moves.

    Attributes:
      compiling: seconds of the first run before its first iteration.
      each: seconds of an iteration.
      now: what the clock shows.
      steps: iterations of the runs that came to their end.
      heard: seconds of compilation, as `compile_clock` tells them.
    """

    compiling: float
    each: float
    now: float = 0.0
    steps: list = dataclasses.field(default_factory=list)
    heard: list = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def compile_clock(self):
        self.heard = []
        yield self.heard

    def restore_many(self, requests, *, is_over, **_):
        (request,) = requests
        self.now += self.compiling
        self.heard.append(self.compiling)
        self.compiling = 0.0
        count = int(request.method.loop.iterations)
        for _ in range(count):
            if is_over():
                return
            self.now += self.each
        self.steps.append(count)
        yield Finished(0, None, None, BatchStatistics())


@pytest.fixture
def timed(monkeypatch):
    """A function that estimates the time of runs on a machine."""

    def of(machine, plan, slots=1):
        monkeypatch.setattr(estimate, "restore_many", machine.restore_many)
        monkeypatch.setattr(estimate, "compile_clock", machine.compile_clock)
        (runs,) = programs_of(identified(plan))
        return estimated(runs, slots=slots, most_seconds=8.0, clock=lambda: machine.now)

    return of


def test_numbers_share_a_program_and_other_sizes_and_structures_do_not():
    plan = Plan(IMAGES, NOISES, (*RATES, AVERAGED), keys=(0, 1))
    programs = programs_of(identified(plan))
    counts = {(one[0][1].image.shape, one[0][1].variant.name): len(one) for one in programs}
    assert counts == {
        ((12, 11, 1), "small"): 2 * 2 * 2 * 2,
        ((12, 11, 1), "averaged"): 2 * 2 * 2,
        ((16, 16, 1), "small"): 2 * 2 * 2,
        ((16, 16, 1), "averaged"): 2 * 2,
    }
    assert len(programs) == 4


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("no film"), "KeyError: 'no film'; accepted: one that takes all images"),
        (InputError("film is out; accepted: film"), "film is out; accepted: film$"),
    ],
)
def test_a_degradation_that_fails_is_named_with_the_image(error, said):
    def failing(clean, draw):
        if len(clean) == 16:
            raise error
        return NOISES[0].problem(clean, draw)

    plan = Plan(IMAGES, (Degradation("film", "denoise", failing),), RATES)
    with pytest.raises(InputError, match=f"^film fails for image 2, 16 x 16 x 1: {said}"):
        programs_of(identified(plan))


@pytest.mark.parametrize(("slots", "at_once"), [(1, 1), (2, 2)])
def test_iterations_are_counted_up_to_the_whole_run(timed, slots, at_once):
    machine = Machine(compiling=5, each=0.25)
    found = timed(machine, Plan(IMAGES[:2], NOISES, RATES), slots)
    assert found.compile_seconds == 5
    assert found.seconds == pytest.approx(101 * 0.25 * 8 / at_once)
    assert not found.is_least
    assert machine.steps == [1, 1, 12]


def test_slow_iterations_are_timed_by_one(timed):
    machine = Machine(compiling=7, each=5.0)
    found = timed(machine, Plan(IMAGES[:1], NOISES, RATES[:1]))
    assert found.seconds == 101 * 5 * 2
    assert machine.steps == [1, 1]
    assert machine.now == 7 + 2 * 5


def test_a_filter_runs_to_its_end(timed):
    machine = Machine(compiling=5, each=2.0)
    found = timed(machine, Plan(IMAGES[2:], NOISES, (FILTER,)))
    assert (found.compile_seconds, found.is_least) == (5, False)
    steps = int(FILTER.base.loop.iterations)
    assert found.seconds == 2 * 2 * steps
    assert machine.steps == [steps, steps]


def test_a_filter_that_takes_too_long_is_given_up_and_its_time_a_least_one(timed):
    machine = Machine(compiling=20, each=5.0)
    three_steps = Variant("slow", base=Denoise(refinements=(64,)))
    found = timed(machine, Plan(IMAGES[2:], NOISES, (three_steps,)))
    assert machine.steps == []
    assert found.is_least
    assert found.seconds == 10 * 2  # given up after the second of three
    assert machine.now == 20 + 10
