"""`Judged`: a refinement that is kept only if it predicts what it has not seen the better."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.errors import require_kind
from drp_jax.held_out import check_share, drawn, error, without
from drp_jax.method import Loop, Method, Stage, State, adjustments_of
from drp_jax.operators.base import Observation
from drp_jax.problem import Problem
from drp_jax.pytrees import record
from drp_jax.refined import Refined, RefinedState


@record
class JudgedState:
    """The state of a run.

    Attributes:
      iteration: number of iterations done.
      refined: the state of the two methods.
      start: where the second one begins.
      held_out: which measurements both are judged by, 0 and 1, a pytree like the observation.
      is_better: whether the second is better than the first; True before that is known.
    """

    iteration: jax.Array
    refined: RefinedState
    start: State
    held_out: Observation
    is_better: jax.Array


@record
class Judged(Method):
    """The image of a method or of its refinement, whichever predicts held-out measurements best.

    Both run without a few of the measurements, one after the other. Then the first goes on with all
    of them for an eighth of its iterations, and the second goes on from there if its image had the
    lesser error on those that were kept out.

    Attributes:
      method: the two methods.
      held_out: share of the measurements that is kept out at first, between 0 and 1.

    Raises:
      InputError: if a value is not what it should be.
    """

    method: Refined
    held_out: float | jax.Array = 0.06

    is_finite_process: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_kind(self.method, Refined, "method", "a Refined")
        check_share(self.held_out, "held_out")

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.method.name

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]
        """What both measure."""
        return self.method.measures

    @property
    def advice(self) -> str:  # type: ignore[override]
        return self.method.advice

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(self._again + self.method.second.loop.iterations)

    @property
    def _again(self) -> int | jax.Array:
        """The iteration after which the first has seen all measurements."""
        return self.method.loop.iterations + self.method.first.loop.iterations // 8 + 1

    def check(self, problem: Problem) -> None:
        self.method.check(problem)

    def init(self, problem: Problem, key: jax.Array) -> JudgedState:
        own_key = jax.random.fold_in(key, 1)
        held_out = drawn(problem.observation, self.held_out, own_key)
        return JudgedState(
            iteration=jnp.int32(0),
            refined=self.method.init(without(problem, held_out), key),
            start=self.method.second.init(problem, own_key),
            held_out=held_out,
            is_better=jnp.bool_(True),
        )

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        both = self.method.stages(problem)
        found = self.method.first.stages(problem)
        shift = self._again - self.method.first.loop.iterations
        return (
            *(Stage(one.name, functools.partial(self._try, one.step), one.end) for one in both),
            Stage(found[-1].name, functools.partial(self._find, found[-1].step), self._again),
            *(
                Stage(one.name, functools.partial(self._refine, one.step), shift + one.end)
                for one in both[len(found) :]
            ),
        )

    def _try(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of either without the measurements that are held out."""
        refined = step(without(problem, state.held_out), state.refined)
        return dataclasses.replace(state, iteration=state.iteration + 1, refined=refined)

    def _find(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the first with all measurements, before which the judgement is made."""

        def judged() -> jax.Array:
            found, refined = (
                error(problem, state.held_out, problem.in_range(image))
                for image in (
                    self.method.first.image(problem, state.refined.first),
                    self.method.image(problem, state.refined),
                )
            )
            return refined < found

        is_start = state.iteration == self.method.loop.iterations
        refined = dataclasses.replace(
            state.refined,
            iteration=jnp.asarray(self.method.first.loop.iterations, jnp.int32),
            first=step(problem, state.refined.first),
        )
        return dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            refined=refined,
            is_better=jax.lax.cond(is_start, judged, lambda: state.is_better),
        )

    def _refine(self, step: Callable, problem: Problem, state: JudgedState) -> JudgedState:
        """A step of the second with all measurements, which counts if it is the better one."""
        is_start = state.iteration == self._again
        second = jax.tree.map(
            functools.partial(jnp.where, is_start), state.start, state.refined.second
        )
        # No condition: under `jax.vmap` some steps, like those of the filters, cannot be in one.
        refined = jax.tree.map(
            functools.partial(jnp.where, state.is_better),
            step(problem, dataclasses.replace(state.refined, second=second)),
            state.refined,
        )
        return dataclasses.replace(state, iteration=state.iteration + 1, refined=refined)

    def image(self, problem: Problem, state: JudgedState) -> jax.Array:
        return self.method.image(problem, state.refined)

    def measured(self, problem: Problem, state: JudgedState) -> dict[str, jax.Array]:
        """What both methods measure."""
        return self.method.measured(problem, state.refined)

    def uncertainty(self, problem: Problem, state: JudgedState) -> jax.Array | None:
        """That of the first method, or of the second if the first does not say."""
        return self.method.uncertainty(problem, state.refined)

    def trees(self, state: JudgedState) -> Any:
        return self.method.trees(state.refined)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        """Those of the first method; its limit counts neither the trial nor the second's steps."""
        return adjustments_of(self, "method")
