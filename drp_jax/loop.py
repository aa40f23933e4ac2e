"""The loop that runs any method: history, averaging, stopping, values that are not finite.

    run = begin(problem, method=method, key=key)
    run, history = advance(run, until=100)
    image = run.image

`begin` and `advance` are what `restore` is made of; with them a caller drives a run himself.
"""

import dataclasses
import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import averaging
from drp_jax.errors import InputError, is_key, require, require_kind, require_whole, shown
from drp_jax.method import MOST_ITERATIONS, Loop, Method, Stage, State, unrolled
from drp_jax.problem import Problem
from drp_jax.products import exact_products
from drp_jax.pytrees import record

Tree = TypeVar("Tree")

History = dict[str, jax.Array]
"""One value per iteration, by name: what the method measures, and the problem's metric."""

ROOM = 1024
"""Iterations whose history `advance` can hold, where nothing else is said."""


class Status(enum.IntEnum):
    """Whether a run goes on, and why it ended if not."""

    RUNNING = 0
    ITERATION_LIMIT = 1
    STOPPED_BY_RULE = 2
    NON_FINITE = 3
    INTERRUPTED = 4
    COMPLETED = 5

    @property
    def message(self) -> str:
        """The status in a sentence."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.RUNNING: "The run has not ended yet.",
    Status.ITERATION_LIMIT: "The run reached its iteration limit.",
    Status.STOPPED_BY_RULE: "The stopping rule ended the run.",
    Status.NON_FINITE: "Values became non-finite; the image is the last finite one.",
    Status.INTERRUPTED: "The caller ended the run.",
    Status.COMPLETED: "All steps of the method are done.",
}


@record
class LoopState:
    """Everything of a run that changes.

    Attributes:
      iteration: number of iterations done.
      status: a `Status` as an integer array.
      method: the method's own state.
      image: the last image, all of whose values are finite; zeros before the first.
      average: weighted sum of the images, not yet bias-corrected, or None.
      stopping: the stopping rule's state, or None.
      best: the best image by the stopping rule, or None.
      best_iteration: the number of the iteration that gave it.
    """

    iteration: jax.Array
    status: jax.Array
    method: State
    image: jax.Array
    average: jax.Array | None
    stopping: Any
    best: jax.Array | None
    best_iteration: jax.Array


@record
class Run:
    """A restoration under way: a pytree, so that it can be stacked, saved and moved."""

    problem: Problem
    method: Method
    state: LoopState

    @property
    def image(self) -> jax.Array:
        """The image `[H, W, C]` that would be returned if the run ended now."""
        state = self.state
        if state.best is not None:
            return state.best
        return _averaged(
            self.problem, self.method.loop, state.image, state.average, state.iteration
        )

    @property
    def trees(self) -> Any:
        """The trained and the frozen variables, see `untrained.Trees`, or None without any."""
        return self.method.trees(self.state.method)

    @property
    def step_name(self) -> str:
        """What the last iteration did; outside transformations."""
        done = int(self.state.iteration)
        stages = unrolled(self.method.stages(self.problem))
        return next((stage.name for stage in stages if done <= stage.end), stages[-1].name)


def check(problem: Problem, method: Method) -> None:
    """Raises `InputError` if a method cannot do what a problem asks for, or misses a measure."""
    require_kind(problem, Problem, "problem", "a Problem")
    require_kind(method, Method, "method", "a method, as preset(...) gives")
    method.check(problem)
    rule = method.loop.stopping
    if rule is not None:
        missing = [name for name in rule.needs if name not in method.measures]
        if missing:
            raise InputError(
                f"{type(rule).__name__} watches the {missing[0]}, and method {method.name} has "
                "none; accepted: another rule"
            )


def check_key(key: Any) -> None:
    """Raises InputError unless a key is one of JAX's, new or old."""
    is_fine = isinstance(key, (jax.Array, np.ndarray))
    if is_fine and not is_key(key):
        try:
            key = jax.eval_shape(jax.random.wrap_key_data, key)
        except TypeError:
            is_fine = False
    is_fine = is_fine and key.shape == ()
    require(is_fine, f"key is {shown(key)}; accepted: one key, as jax.random.key(0) gives")


def begin(problem: Problem, *, method: Method, key: jax.Array) -> Run:
    """A run before its first iteration, everything random drawn from `key`.

    Raises:
      InputError: if the method cannot do what the problem asks for.
    """
    check(problem, method)
    check_key(key)
    return (begun if method.is_compiled else _begun)(problem, method, key)


@exact_products
def _begun(problem: Problem, method: Method, key: jax.Array) -> Run:
    state = method.init(problem, key)
    blank = jnp.zeros(problem.image.shape, problem.image.dtype)
    rule = method.loop.stopping
    loop_state = LoopState(
        iteration=jnp.int32(0),
        status=jnp.int32(Status.RUNNING),
        method=state,
        image=blank,
        average=None if method.loop.ema_decay is None else blank,
        stopping=None if rule is None else rule.init(_real_view(blank)),
        best=None if rule is None else blank,
        best_iteration=jnp.int32(0),
    )
    return Run(problem, method, jax.tree.map(_settled, loop_state))


begun = jax.jit(_begun)
"""`begin` without its checks, compiled."""


def _settled(leaf: jax.typing.ArrayLike) -> jax.Array:
    """The leaf with the type that it has after an iteration, so that none compiles again."""
    array = jnp.asarray(leaf)
    return array if is_key(array) else jax.lax.convert_element_type(array, array.dtype)


def advance(
    run: Run, until: jax.typing.ArrayLike = MOST_ITERATIONS, *, room: int = ROOM
) -> tuple[Run, History]:
    """Iterates while the status is RUNNING, as compiled loops that test it on the device.

    Args:
      run: where to start.
      until: total number of iterations at which to pause. Another one does not compile again.
      room: most iterations that are done, and the length of the history's arrays.

    Returns:
      The run after it ended or paused, and the history of the iterations done: arrays `[room]`,
      NaN where none was done. Under `jax.vmap` the loops go on until the whole batch has ended;
      what they compute for those that ended before is dropped.
    """
    require_kind(run, Run, "run", "what begin and advance give")
    require_whole(until, "until", 0, MOST_ITERATIONS)
    require_whole(room, "room", 1, MOST_ITERATIONS)
    return _advance(run, until, room)


@functools.partial(jax.jit, static_argnames="room")
def _advance(run: Run, until: jax.typing.ArrayLike, room: int) -> tuple[Run, History]:
    first = run.state.iteration
    names = (*run.method.measures, *metric_names(run.problem))
    history = {name: jnp.full(room, jnp.nan, jnp.float32) for name in names}
    pause = jnp.minimum(until, first + room)

    stages = run.method.stages(run.problem)

    def through_stage(number: int, round_number: int | jax.Array, carry: _Carry) -> _Carry:
        """Iterates until the end of a stage or the pause; the history begins at `first`."""
        stage = stages[number]
        end = jnp.minimum(stage.end_of(round_number), pause)

        def is_active(carry: _Carry) -> jax.Array:
            state, _ = carry
            return (state.status == Status.RUNNING) & (state.iteration < end)

        def body(carry: _Carry) -> _Carry:
            state, history = carry
            after, record = iterate(dataclasses.replace(run, state=state), stage)
            index = state.iteration - first
            return after, {name: history[name].at[index].set(record[name]) for name in history}

        return jax.lax.while_loop(is_active, body, carry)

    state, history = in_rounds(stages, through_stage, (run.state, history))
    return dataclasses.replace(run, state=state), history


_Carry = tuple[LoopState, History]


def in_rounds(
    stages: Sequence[Stage],
    through_stage: Callable[[int, int | jax.Array, Tree], Tree],
    carry: Tree,
) -> Tree:
    """Goes through all stages in every round; each is compiled once.

    Args:
      stages: of a method.
      through_stage: called with the number of a stage, that of the round, and the carry; gives the
        carry after the stage.
      carry: what goes through.
    """

    def through_all(round_number: int | jax.Array, carry: Tree) -> Tree:
        for number in range(len(stages)):
            carry = through_stage(number, round_number, carry)
        return carry

    rounds = len(stages[0].ends)
    return (
        through_all(0, carry) if rounds == 1 else jax.lax.fori_loop(0, rounds, through_all, carry)
    )


@exact_products
def iterate(run: Run, stage: Stage) -> tuple[LoopState, dict[str, jax.Array]]:
    """One iteration of a stage: the state after it, and its entry in the history.

    An iteration whose image or measures are not all finite does not count: everything stays as it
    was, its entry is NaN, and the run ends.
    """
    problem, method, before = run.problem, run.method, run.state
    state = stage.step(problem, before.method)
    image = method.image(problem, state)
    measures = method.measured(problem, state)
    finite = jnp.isfinite(image).all()
    image = problem.in_range(image)
    for value in measures.values():
        finite &= jnp.isfinite(value)

    loop, iteration = method.loop, before.iteration + 1
    ended = Status.COMPLETED if method.is_finite_process else Status.ITERATION_LIMIT
    status = jnp.where(iteration >= loop.iterations, ended.value, Status.RUNNING.value)
    average, stopping, best = before.average, before.stopping, before.best
    best_iteration = before.best_iteration
    if average is not None and loop.ema_decay is not None:
        average = averaging.added(average, image, loop.ema_decay)
    candidate = _averaged(problem, loop, image, average, iteration)
    if loop.stopping is not None and best is not None:
        stopping, verdict = loop.stopping.update(stopping, _real_view(image), measures)
        best = jnp.where(verdict.best, candidate, best)
        best_iteration = jnp.where(verdict.best, iteration, best_iteration)
        status = jnp.where(verdict.stop, Status.STOPPED_BY_RULE.value, status)
    after = LoopState(iteration, status, state, image, average, stopping, best, best_iteration)
    after = _where(finite, after, before)
    status = jnp.where(finite, after.status, Status.NON_FINITE.value)
    record = measures | {
        name: problem.metric(problem.as_scored(candidate), problem.as_scored(problem.reference))
        for name in metric_names(problem)
    }
    record = {name: jnp.where(finite, value, jnp.nan) for name, value in record.items()}
    return dataclasses.replace(after, status=status), record


def interrupted(run: Run) -> Run:
    """The run ended by its caller."""
    state = dataclasses.replace(run.state, status=jnp.int32(Status.INTERRUPTED))
    return dataclasses.replace(run, state=state)


def metric_names(problem: Problem) -> tuple[str, ...]:
    """The name of the problem's metric, if there is a reference to compare with."""
    return () if problem.reference is None else (problem.metric_name,)


def _real_view(image: jax.Array) -> jax.Array:
    """The image, or the real and imaginary parts of a complex one as channels."""
    if not jnp.iscomplexobj(image):
        return image
    return jnp.concatenate([image.real, image.imag], axis=-1)


def _averaged(
    problem: Problem,
    loop: Loop,
    image: jax.Array,
    average: jax.Array | None,
    iteration: jax.Array,
) -> jax.Array:
    """The image, or the average without its bias towards the zeros that it started from."""
    if average is None or loop.ema_decay is None:
        return image
    unbiased = averaging.mean(average, iteration, loop.ema_decay)
    return problem.in_range(unbiased)  # which rounding may have left


def _where(condition: jax.Array, chosen: Tree, other: Tree) -> Tree:
    """One pytree or the other; leaves that are the same in both are left alone."""
    # What never changes is then no part of a batched loop's state.
    return jax.tree.map(lambda a, b: a if a is b else jnp.where(condition, a, b), chosen, other)


def bytes_of(lowered: jax.stages.Lowered) -> int:
    """Bytes that a program takes by its own analysis once it is compiled; 0 if it cannot say."""
    analysis = lowered.compile().memory_analysis()
    if analysis is None:
        return 0
    return (
        analysis.temp_size_in_bytes
        + analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        - analysis.alias_size_in_bytes
    )
