"""`Refined`: one method finds an image, and another goes on from it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.batching import chosen
from drp_jax.errors import require, require_kind
from drp_jax.held_out import root_mean_square_error
from drp_jax.method import Loop, Method, Stage, State, adjustments_of, unrolled
from drp_jax.noise import Gaussian, has_level
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record


@record
class RefinedState:
    """The state of a run.

    Attributes:
      iteration: number of iterations done.
      first: the state of the first method.
      second: that of the second.
      level: deviation of the noise on the observation, in its units, as the first method's image
        has it; 0 before.
    """

    iteration: jax.Array
    first: State
    second: State
    level: jax.Array


@record
class Refined(Method):
    """The second method starts at the image of the first.

    Where the problem states no level of the noise, the second is told what the first left: the root
    mean square of the observation less its prediction, over the entries that are not exactly zero,
    as those of k-space are that were not sampled.

    Attributes:
      first: how an image is found.
      second: what goes on from it: a method with `started_at`, like `non_local.HalfQuadratic`.
      name: what both are called together.

    Raises:
      InputError: if the second cannot start at an image.
    """

    first: Method
    second: Method
    name: str = fixed(default="refined")

    is_finite_process: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            require_kind(getattr(self, name), Method, name, "a method, as preset(...) gives")
        require_kind(self.name, str, "name", "a string")
        require(
            type(self.second).started_at is not Method.started_at,
            f"the second method is {type(self.second).__name__}, which begins by itself; accepted: "
            "one that can start at an image, like HalfQuadratic",
        )
        require(
            self.first.loop.stopping is None and self.first.loop.ema_decay is None,
            "the first method's loop stops or averages, which is done for whole runs; accepted: a "
            "method that does neither, or does it itself, like SelfTuned",
        )

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]
        """What both measure."""
        return tuple(name for name in self.second.measures if name in self.first.measures)

    @property
    def advice(self) -> str:  # type: ignore[override]
        return self.first.advice

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(self.first.loop.iterations + self.second.loop.iterations)

    def check(self, problem: Problem) -> None:
        self.first.check(problem)
        self.second.check(problem)

    def init(self, problem: Problem, key: jax.Array) -> RefinedState:
        return RefinedState(
            iteration=jnp.int32(0),
            first=self.first.init(problem, key),
            second=self.second.init(problem, jax.random.fold_in(key, 0)),
            level=jnp.zeros(()),
        )

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        before = self.first.loop.iterations
        own = (
            Stage(stage.name, functools.partial(self._find, stage.step), stage.end)
            for stage in unrolled(self.first.stages(problem))
        )
        added = (
            Stage(
                stage.name or self.second.name,
                functools.partial(self._refine, stage.step),
                before + stage.end,
            )
            for stage in unrolled(self.second.stages(problem))
        )
        return (*own, *added)

    def _find(self, step: Callable, problem: Problem, state: RefinedState) -> RefinedState:
        first = step(problem, state.first)
        return dataclasses.replace(state, iteration=state.iteration + 1, first=first)

    def _refine(self, step: Callable, problem: Problem, state: RefinedState) -> RefinedState:
        found = problem.in_range(self.first.image(problem, state.first))
        is_start = state.iteration == self.first.loop.iterations
        level = jax.lax.cond(is_start, lambda: left(problem, found), lambda: state.level)
        start = self.second.started_at(problem, state.second, found)
        return RefinedState(
            iteration=state.iteration + 1,
            first=state.first,
            second=step(with_noise(problem, level), chosen(is_start, start, state.second)),
            level=level,
        )

    def image(self, problem: Problem, state: RefinedState) -> jax.Array:
        return jnp.where(
            self._is_found(state),
            self.second.image(problem, state.second),
            self.first.image(problem, state.first),
        )

    def measured(self, problem: Problem, state: RefinedState) -> dict[str, jax.Array]:
        """What both methods measure."""
        return measured_by(
            self.measures,
            self._is_found(state),
            lambda: self.second.measured(problem, state.second),
            lambda: self.first.measured(problem, state.first),
        )

    def uncertainty(self, problem: Problem, state: RefinedState) -> jax.Array | None:
        """That of the first method, or of the second if the first does not say."""
        own = self.first.uncertainty(problem, state.first)
        return self.second.uncertainty(problem, state.second) if own is None else own

    def trees(self, state: RefinedState) -> Any:
        return self.first.trees(state.first)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        """Those of the first method; its limit does not count the second's steps."""

        return adjustments_of(self, "first")

    def _is_found(self, state: RefinedState) -> jax.Array:
        return state.iteration > self.first.loop.iterations


def measured_by(
    names: Sequence[str],
    condition: jax.Array,
    one: Callable[[], dict[str, jax.Array]],
    other: Callable[[], dict[str, jax.Array]],
) -> dict[str, jax.Array]:
    """Some of what one method measures if a condition holds, else what the other does.

    The one that does not count is not computed: it may apply the operator at every iteration.
    """

    def some(measured: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {name: measured[name] for name in names}

    return jax.lax.cond(condition, lambda: some(one()), lambda: some(other()))


def left(problem: Problem, image: jax.Array) -> jax.Array:
    """The root mean square of what an image does not explain, over the entries that are not 0."""
    is_measured = jax.tree.map(lambda one: (one != 0).astype(jnp.float32), problem.observation)
    return root_mean_square_error(problem, is_measured, image)


def with_noise(problem: Problem, level: jax.Array) -> Problem:
    """The problem with a level of its noise, where it states none."""
    return (
        problem if has_level(problem.noise) else dataclasses.replace(problem, noise=Gaussian(level))
    )
