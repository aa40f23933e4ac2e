"""`Judged`: of three images the one that best predicts measurements which none has seen."""

import dataclasses
import enum
import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.batching import chosen, if_true
from drp_jax.errors import require, require_kind, shown
from drp_jax.held_out import (
    check_share,
    drawn,
    is_clearly_less,
    root_mean_square_error,
    squared_errors,
    without,
)
from drp_jax.method import Loop, Method, Stage, State, adjustments_of, unrolled
from drp_jax.operators.base import Observation
from drp_jax.problem import Problem
from drp_jax.pytrees import record
from drp_jax.refined import Refined, RefinedState, left, measured_by, with_noise

_MOST_ABOVE = 1.25  # times what a fit leaves, up to which what it misses is taken for noise


class Choice(enum.IntEnum):
    """Whose image is taken."""

    FIRST = 0
    REFINED = 1
    OTHER = 2


@record
class JudgedState:
    """The state of a run.

    Attributes:
      iteration: number of iterations done.
      refined: the state of the method and its refinement.
      other: that of the other method.
      starts: where the refinement and the other method begin once all measurements are given.
      held_out: which measurements all are judged by, 0 and 1, a pytree like the observation.
      missed: root mean square of what the first's image in the trial misses of these.
      level: deviation of the noise that the others are told where the problem states none.
      choice: whose image is taken, a `Choice`; `REFINED` before that is known.
    """

    iteration: jax.Array
    refined: RefinedState
    other: State
    starts: tuple[State, State]
    held_out: Observation
    missed: jax.Array
    level: jax.Array
    choice: jax.Array


@record
class Judged(Method):
    """The image of a method, of its refinement, or of another method, as measurements say.

    All run without a few of the measurements, one after the other. The refinement is taken unless
    one of the others predicts those that were kept out better, by more than the standard error of
    the difference. Then the first goes on with all measurements for a quarter of its iterations,
    and the refinement from there or the other method from its beginning, if it was taken.

    Where the problem states no level of the noise, it is what the first's image misses of the
    measurements that were kept out, but not less than it leaves of the others, and not more than a
    quarter above that. A fit takes some of the noise for the image, and leaves less than there is;
    but what was kept out it may miss by more than noise, where it cannot know.

    Attributes:
      method: a method and what refines its image.
      other: the refining method once more, alone, with numbers of its own.
      held_out: share of the measurements that is kept out at first, between 0 and 1.

    Raises:
      InputError: if a value is not what it should be, or if the other method differs from the
        refining one in more than numbers, so that one program could not run both.
    """

    method: Refined
    other: Method
    held_out: float | jax.Array = 0.06

    is_finite_process: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_kind(self.method, Refined, "method", "a Refined")
        require_kind(self.other, Method, "other", "a method, as preset(...) gives")
        kinds = {jax.tree.structure(one) for one in (self.other, self.method.second)}
        require(
            len(kinds) == 1,
            f"other is {shown(self.other)}; accepted: {shown(self.method.second)}, which refines, "
            "with other numbers",
        )
        check_share(self.held_out, "held_out")

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.method.name

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]
        """What all measure."""
        return tuple(name for name in self.method.measures if name in self.other.measures)

    @property
    def advice(self) -> str:  # type: ignore[override]
        return self.method.advice

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(self._chosen + self.other.loop.iterations)

    @property
    def _tried(self) -> int | jax.Array:
        """The iteration after which all have run without what is held out."""
        return self.method.loop.iterations + self.other.loop.iterations

    @property
    def _again(self) -> int | jax.Array:
        """The iteration after which the first has seen all measurements."""
        return self._tried + self.method.first.loop.iterations // 4 + 1

    @property
    def _chosen(self) -> int | jax.Array:
        """The iteration after which the refinement has, if it is the best."""
        return self._again + self.method.second.loop.iterations

    def check(self, problem: Problem) -> None:
        self.method.check(problem)
        self.other.check(problem)

    def init(self, problem: Problem, key: jax.Array) -> JudgedState:
        own_key = jax.random.fold_in(key, 1)
        other_key = jax.random.fold_in(key, 2)
        held_out = drawn(problem, self.held_out, own_key)
        fewer = without(problem, held_out)
        return JudgedState(
            iteration=jnp.int32(0),
            refined=self.method.init(fewer, key),
            other=self.other.init(fewer, other_key),
            starts=(
                self.method.second.init(problem, own_key),
                self.other.init(problem, other_key),
            ),
            held_out=held_out,
            missed=jnp.zeros(()),
            level=jnp.zeros(()),
            choice=jnp.int32(Choice.REFINED),
        )

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        """Those of the first and of the second in four rounds.

        The trial of the first and the refinement, the trial of the other method, the first once
        more and the refinement, the other method. In each round some have nothing to do.
        """
        finding = unrolled(self.method.first.stages(problem))
        refining = self.method.stages(problem)[len(finding) :]
        other = unrolled(self.other.stages(problem))
        found, refined = self.method.first.loop.iterations, self.method.loop.iterations

        def find(stage: Stage, again: int | jax.Array) -> Stage:
            step = functools.partial(self._find, stage.step)
            return Stage(stage.name, step, stage.end, (refined, again, self._chosen))

        def go_on(number: int, one: Stage, two: Stage) -> Stage:
            later = (refined + two.end, self._again - found + one.end, self._chosen + two.end)
            return Stage(one.name, functools.partial(self._go_on, number), one.end, later)

        return (
            *(find(stage, self._tried) for stage in finding[:-1]),
            find(finding[-1], self._again),
            *map(go_on, itertools.count(), refining, other),
        )

    def _is_trial(self, state: JudgedState) -> jax.Array:
        return state.iteration < self._tried

    def _seen(self, problem: Problem, state: JudgedState) -> Problem:
        """The problem without what is held out in the trials, and the whole one after them."""
        is_trial = self._is_trial(state)
        return without(problem, jax.tree.map(lambda mask: mask * is_trial, state.held_out))

    def _find(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the first, before which, if it is the first after the trials, is judged."""
        is_start = state.iteration == self._tried
        first = step(self._seen(problem, state), state.refined.first)
        done = self.method.first.loop.iterations
        refined = dataclasses.replace(
            state.refined, iteration=jnp.minimum(state.iteration + 1, done), first=first
        )
        return dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            refined=refined,
            choice=jax.lax.cond(
                is_start, lambda: self._judged(problem, state), lambda: state.choice
            ),
        )

    def _judged(self, problem: Problem, state: JudgedState) -> jax.Array:
        """Whose image predicts best what was held out, as a `Choice`."""
        images = (
            self.method.first.image(problem, state.refined.first),
            self.method.image(problem, state.refined),
            self.other.image(problem, state.other),
        )
        errors = [
            squared_errors(problem, state.held_out, problem.in_range(image)) for image in images
        ]
        refined = errors[Choice.REFINED]
        is_better = [is_clearly_less(one, refined, state.held_out) for one in errors]
        is_open = jnp.stack(is_better).at[Choice.REFINED].set(True)
        means = jnp.mean(jnp.stack(errors), axis=1)
        return jnp.argmin(jnp.where(is_open, means, jnp.inf)).astype(jnp.int32)

    def _go_on(self, number: int, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the refinement or of the other method; after the trials only of what is best.

        One program runs both: its stages are compiled once, and given one's numbers and state.
        """
        done, is_trial = state.iteration, self._is_trial(state)
        has_found = (done == self.method.first.loop.iterations) | (done == self._again)
        missed, level = jax.lax.cond(
            has_found, lambda: self._noise(problem, state), lambda: (state.missed, state.level)
        )
        told = with_noise(self._seen(problem, state), level)
        is_other = jnp.where(is_trial, done >= self.method.loop.iterations, done >= self._chosen)
        is_taken = state.choice == jnp.where(is_other, Choice.OTHER, Choice.REFINED)
        refined = dataclasses.replace(
            self.method, second=chosen(is_other, self.other, self.method.second)
        )
        stage = refined.stages(problem)[number - len(refined.second.stages(problem))]
        starts_anew = (done == self._again) | (done == self._chosen)

        def stepped(both: tuple[RefinedState, State]) -> tuple[RefinedState, State]:
            before, other = both
            start = chosen(is_other, state.starts[1], state.starts[0])
            second = chosen(is_other, other, before.second)
            begun = dataclasses.replace(
                before,
                second=chosen(starts_anew, start, second),
                # Above the number at which a refinement begins at the image of the first.
                iteration=jnp.where(is_other, self.loop.iterations, before.iteration),
            )
            after = stage.step(told, begun)
            return chosen(is_other, (before, after.second), (after, other))

        refined_state, other = if_true(is_trial | is_taken, stepped, (state.refined, state.other))
        return dataclasses.replace(
            state,
            iteration=done + 1,
            refined=refined_state,
            other=other,
            missed=missed,
            level=level,
        )

    def _noise(self, problem: Problem, state: JudgedState) -> tuple[jax.Array, jax.Array]:
        """What the first's image in the trial misses of what was held out; the noise's level."""
        image = problem.in_range(self.method.first.image(problem, state.refined.first))
        error = root_mean_square_error(problem, state.held_out, image)
        missed = jnp.where(self._is_trial(state), error, state.missed)
        least = left(self._seen(problem, state), image)
        return missed, jnp.clip(missed, least, _MOST_ABOVE * least)

    def _is_other(self, state: JudgedState) -> jax.Array:
        return (state.choice == Choice.OTHER) & (state.iteration > self._chosen)

    def image(self, problem: Problem, state: JudgedState) -> jax.Array:
        return jnp.where(
            self._is_other(state),
            self.other.image(problem, state.other),
            self.method.image(problem, state.refined),
        )

    def measured(self, problem: Problem, state: JudgedState) -> dict[str, jax.Array]:
        """What all measure."""
        return measured_by(
            self.measures,
            self._is_other(state),
            lambda: self.other.measured(problem, state.other),
            lambda: self.method.measured(problem, state.refined),
        )

    def uncertainty(self, problem: Problem, state: JudgedState) -> jax.Array | None:
        """That of the method whose image is taken.

        Where that is the first and it does not say, it is that of the refinement, from the trial.
        """
        own = self.method.uncertainty(problem, state.refined)
        other = self.other.uncertainty(problem, state.other)
        if own is None or other is None:
            return own
        return jnp.where(self._is_other(state), other, own)

    def remark(self, state: JudgedState) -> str:
        """Whose image was taken."""
        if int(state.iteration) <= self._tried:
            return ""
        first, second = self.method.first.name, self.method.second.name
        taken = (first, f"{second} from the image of {first}", f"{self.other.name} alone")
        return f"chosen by measurements that were held out: {taken[int(state.choice)]}"

    def trees(self, state: JudgedState) -> Any:
        return self.method.trees(state.refined)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        """Those of the first method; its limit counts neither the trials nor the others' steps."""
        return adjustments_of(self, "method")
