"""`Judged`: of three images the one that best predicts measurements which none has seen."""

import dataclasses
import enum
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.batching import chosen, if_true
from drp_jax.errors import require_kind
from drp_jax.held_out import check_share, drawn, is_clearly_less, squared_errors, without
from drp_jax.method import Loop, Method, Stage, State, adjustments_of
from drp_jax.operators.base import Observation
from drp_jax.problem import Problem
from drp_jax.pytrees import record
from drp_jax.refined import Refined, RefinedState, measured_by, with_noise


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
      choice: whose image is taken, a `Choice`; `REFINED` before that is known.
    """

    iteration: jax.Array
    refined: RefinedState
    other: State
    starts: tuple[State, State]
    held_out: Observation
    choice: jax.Array


@record
class Judged(Method):
    """The image of a method, of its refinement, or of another method, as measurements say.

    All run without a few of the measurements, one after the other. The refinement is taken unless
    one of the others predicts those that were kept out better, by more than the standard error of
    the difference. Then the first goes on with all measurements for an eighth of its iterations,
    and the refinement from there or the other method from its beginning, if it was taken. The other
    method is told the noise as the refinement is.

    Attributes:
      method: a method and what refines its image.
      other: the other method.
      held_out: share of the measurements that is kept out at first, between 0 and 1.

    Raises:
      InputError: if a value is not what it should be.
    """

    method: Refined
    other: Method
    held_out: float | jax.Array = 0.06

    is_finite_process: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_kind(self.method, Refined, "method", "a Refined")
        require_kind(self.other, Method, "other", "a method, as preset(...) gives")
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
        return self._tried + self.method.first.loop.iterations // 8 + 1

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
            choice=jnp.int32(Choice.REFINED),
        )

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        both = self.method.stages(problem)
        found = self.method.first.stages(problem)
        refinement = both[len(found) :]
        other = self.other.stages(problem)

        def shifted(stages: tuple[Stage, ...], run: Callable, by: int | jax.Array) -> list[Stage]:
            return [
                Stage(one.name or self.other.name, functools.partial(run, one.step), by + one.end)
                for one in stages
            ]

        last = Stage(found[-1].name, functools.partial(self._find, found[-1].step), self._again)
        return (
            *shifted(both, self._try, 0),
            *shifted(other, self._try_other, self.method.loop.iterations),
            last,
            *shifted(refinement, self._refine, self._again - self.method.first.loop.iterations),
            *shifted(other, self._run_other, self._chosen),
        )

    def _try(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the method or its refinement without the measurements that are held out."""
        refined = step(without(problem, state.held_out), state.refined)
        return dataclasses.replace(state, iteration=state.iteration + 1, refined=refined)

    def _try_other(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """The same of the other method."""
        told = with_noise(without(problem, state.held_out), state.refined.level)
        other = step(told, state.other)
        return dataclasses.replace(state, iteration=state.iteration + 1, other=other)

    def _find(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the first with all measurements, before which the judgement is made."""

        def judged() -> jax.Array:
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

        is_start = state.iteration == self._tried
        refined = dataclasses.replace(
            state.refined,
            iteration=jnp.asarray(self.method.first.loop.iterations, jnp.int32),
            first=step(problem, state.refined.first),
        )
        return dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            refined=refined,
            choice=jax.lax.cond(is_start, judged, lambda: state.choice),
        )

    def _refine(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the refinement with all measurements, if it is the best."""
        is_start = state.iteration == self._again

        def stepped(refined: RefinedState) -> RefinedState:
            second = chosen(is_start, state.starts[0], refined.second)
            return step(problem, dataclasses.replace(refined, second=second))

        refined = if_true(state.choice == Choice.REFINED, stepped, state.refined)
        return dataclasses.replace(state, iteration=state.iteration + 1, refined=refined)

    def _run_other(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the other method with all measurements, if it is the best."""
        told = with_noise(problem, state.refined.level)
        is_start = state.iteration == self._chosen
        other = if_true(
            state.choice == Choice.OTHER,
            lambda other: step(told, chosen(is_start, state.starts[1], other)),
            state.other,
        )
        return dataclasses.replace(state, iteration=state.iteration + 1, other=other)

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
