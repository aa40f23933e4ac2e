"""`restore`: from an observation to a restored image in one call, and `resume` to go on."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import loop
from drp_jax.errors import InputError, is_known, require, require_kind, require_whole, shown
from drp_jax.loop import ROOM, History, LoopState, Run, Status, check_key
from drp_jax.method import MOST_ITERATIONS, Method
from drp_jax.metrics import Metric, psnr
from drp_jax.noise import Noise
from drp_jax.presets import method_for
from drp_jax.problem import UNIT, Problem
from drp_jax.pytrees import record

_SECONDS_PER_REPORT = 0.5
_TRACED_ROOM = 16_384  # where the limit on the iterations is itself traced


@record
class Restoration:
    """The result of a run.

    Attributes:
      image: the restored image `[H, W, C]`, in the range of the problem.
      status: a `Status` as an integer array.
      iterations: number of iterations done.
      image_iteration: the number of the iteration that gave the image, counted from 1; 0 if no
        iteration gave a finite image, which is then all zeros.
      history: what was measured at every iteration, by name: arrays `[iteration limit]`, NaN where
        none was done. With a reference also the metric, by its name, of the image so far.
      uncertainty: how uncertain each pixel is, `[H, W]` from 0 up, in units of the image: how far
        apart the estimates are of which it is the average. None unless the method says.
      run: problem, method and state, from which the run can go on.
    """

    image: jax.Array
    status: jax.Array
    iterations: jax.Array
    image_iteration: jax.Array
    history: History
    uncertainty: jax.Array | None
    run: Run

    @property
    def message(self) -> str:
        """Why the run ended, in a sentence; outside transformations and for one image only."""
        return message(self.run.method, self.status)

    @property
    def iterate(self) -> str:
        """Which image of the run it is: "last", "averaged" or "best by the stopping rule"."""
        return self.run.method.loop.iterate

    @property
    def method(self) -> Method:
        """The method of the run."""
        return self.run.method

    @property
    def remark(self) -> str:
        """What the method found out about the observation, for a person, or ""."""
        return self.run.method.remark(self.run.state.method)

    @property
    def trees(self) -> Any:
        """The trained and the frozen variables, see `untrained.Trees`; None without a network."""
        return self.run.trees

    @property
    def past(self) -> dict[str, np.ndarray]:
        """The history of the iterations done; outside transformations and for one image only."""
        done = int(self.iterations)
        return {name: np.asarray(values)[:done] for name, values in self.history.items()}


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a callback is told.

    Attributes:
      iteration: number of iterations done.
      iterations: their limit.
      step: what the last one did, in a word, for methods whose steps differ; otherwise "".
      measures: what was measured at the last one, by name, the metric included.
      metric: the name of the metric, or None without a reference.
      image: the image that would be returned if the run ended now, `[H, W, C]`.
      run: the run. Its arrays are used up when it goes on: `jax.tree.map(jnp.copy, ...)` what you
        keep.
    """

    iteration: int
    iterations: int
    step: str
    measures: dict[str, float]
    metric: str | None
    image: jax.Array
    run: Run


Callback = Callable[[Progress], bool | None]


def message(method: Method, status: Any) -> str:
    """Why a run of a method ended, in a sentence, and what may help.

    Raises:
      InputError: if there are several, as of a batch.
    """
    check_one(status)
    ended = Status(int(status))
    advice = f" {method.advice}" if ended is Status.NON_FINITE and method.advice else ""
    return ended.message + advice


def restore(
    observation: Any,
    *,
    key: jax.Array,
    method: Method | None = None,
    operator: Any = None,
    noise: Noise | None = None,
    image_shape: tuple[int, int, int] | None = None,
    value_range: tuple[float, float] | None = UNIT,
    complex_image: bool = False,
    reference: jax.Array | None = None,
    metric: Metric = psnr,
    callback: Callback | None = None,
) -> Restoration:
    """Restores one image.

    Pure: the result depends on the arguments alone, and without a callback it works under
    `jax.jit` and `jax.vmap`. A second call with the same shapes does not compile again, whatever
    numbers the method, the operator and the problem hold.

    Args:
      observation: what was measured: a picture `[H, W, C]`, float, values in [0, 1], or arrays of
        any shape; or a `Problem`, which holds all arguments below down to `metric`.
      key: the key of all that is random.
      method: how to restore, from `preset(...)` or made by hand. By default what
        `presets.method_for` says of operator and noise: filters for photographs, Deep Random
        Projector for measurements.
      operator: how the observation comes from the image; `Problem` says more of this and of all
        down to `metric`.
      noise: what is known of the noise.
      image_shape: the shape `(H, W, C)` of the image, where the operator does not know it.
      value_range: the least and the greatest value of the image; None if they are not known.
      complex_image: whether the image is complex.
      reference: the true image, for the history alone: the run does not depend on it.
      metric: what the history follows, a function of image and reference.
      callback: called with a `Progress` between compiled chunks, at least about twice a
        second unless an iteration takes longer; a true return value ends a run that has not
        ended with status INTERRUPTED. The result does not depend on when it is called.

    Raises:
      InputError: if an argument does not fit: its type, shape, or a value where values are known;
        if the method cannot do what the problem asks for; or if a callback is given under a
        transformation. Inside transformations a non-finite value shows as the status.
    """
    about = {
        "operator": operator,
        "noise": noise,
        "image_shape": image_shape,
        "value_range": value_range,
        "complex_image": complex_image,
        "reference": reference,
        "metric": metric,
    }
    problem = as_problem(observation, about)
    check_key(key)
    check_callback(callback)
    method = as_method(method, problem)
    run = loop.begin(problem, method=method, key=key)
    return _restored(run, method.loop.iterations, {}, callback)


def resume(
    restoration: Restoration, *, iterations: int, callback: Callback | None = None
) -> Restoration:
    """Goes on with a run that has ended or was interrupted, as if its limit had been another.

    Equals one run with that limit, on CPU bit for bit; a learning rate that decays does so over the
    iterations that it was made for, and then stays. A run that its stopping rule ended goes on
    for one more iteration at least, until the rule ends it again.

    Args:
      restoration: where to start, from `restore`, `resume` or `load`.
      iterations: the new limit, from the number of iterations done up. For the filters, which
        have so many steps and no more, their own.
      callback: as in `restore`.

    Raises:
      InputError: if the limit is out of its range, or means nothing for the method.
    """
    check_callback(callback)
    run = continued(restoration, iterations)
    return _restored(run, iterations, restoration.past, callback)


def continued(restoration: Restoration, iterations: int) -> Run:
    """The run that `resume` goes on with, the state copied.

    Raises:
      InputError: as `resume` does.
    """
    require_kind(restoration, Restoration, "restoration", "what restore, resume or load give")
    run = restoration.run
    check_one(run.state.status)
    done = int(run.state.iteration)
    require_whole(iterations, "iterations", done, MOST_ITERATIONS)
    limit = int(run.method.loop.iterations)
    if run.method.is_finite_process:
        require(
            iterations == limit,
            f"iterations is {iterations}, and this run of method {run.method.name} has {limit} "
            f"steps; accepted: {limit}",
        )
        method = run.method
    else:
        limits = dataclasses.replace(run.method.loop, iterations=iterations)
        method = run.method.with_loop(limits)
    ended = int(run.state.status)
    goes_on = done < iterations and ended != Status.NON_FINITE
    state = dataclasses.replace(
        jax.tree.map(jnp.copy, run.state),
        status=jnp.int32(Status.RUNNING if goes_on else ended),
    )
    return Run(run.problem, method, state)


def as_problem(observation: Any, about: dict[str, Any]) -> Problem:
    """A problem as it is, or one of an observation and what belongs to it.

    Raises:
      InputError: if a problem is given together with what it already holds.
    """
    if not isinstance(observation, Problem):
        return Problem(observation, **about)
    defaults = {"value_range": UNIT, "complex_image": False, "metric": psnr}
    for name, value in about.items():
        require(
            value is defaults.get(name),
            f"{name} is given beside a Problem, which holds its own; accepted: one of the two",
        )
    return observation


def as_method(method: Any, problem: Problem) -> Method:
    """A method as it is, or the one for the problem if it is None."""
    if method is None:
        return method_for(problem)
    accepted = "a method, as preset(...) gives"
    require(isinstance(method, Method), f"method is {shown(method)}; accepted: {accepted}")
    return method


def check_callback(callback: Any) -> None:
    """Raises InputError unless it is None or can be called."""
    accepted = "None, or a function of a Progress"
    is_fine = callback is None or callable(callback)
    require(is_fine, f"callback is {shown(callback)}; accepted: {accepted}")


def check_one(status: Any) -> None:
    """Raises InputError unless a status is that of one image."""
    require(
        np.ndim(status) == 0,
        f"status has shape {np.shape(status)}, one entry per image of a batch; accepted: one "
        "image's, as jax.tree.map(lambda leaf: leaf[0], batch) gives",
    )


def result_of(run: Run, history: History) -> Restoration:
    """What a run that ended in this state returns."""
    image, uncertainty = _outcome(run)
    state = run.state
    return Restoration(
        image=image,
        status=state.status,
        iterations=state.iteration,
        image_iteration=state.iteration if state.best is None else state.best_iteration,
        history=history,
        uncertainty=uncertainty,
        run=run,
    )


@jax.jit
def _outcome(run: Run) -> tuple[jax.Array, jax.Array | None]:
    return run.image, run.method.uncertainty(run.problem, run.state.method)


def _restored(
    run: Run, limit: Any, past: dict[str, np.ndarray], callback: Callback | None
) -> Restoration:
    if all(is_known(leaf) for leaf in jax.tree.leaves(run)):
        run, history = _drive(run, int(limit), past, callback)
        return result_of(run, history)
    if callback is not None:
        raise InputError(
            "a callback cannot be called under jax.jit or jax.vmap; accepted: no callback there"
        )
    run, history = loop.advance(run, room=int(limit) if is_known(limit) else _TRACED_ROOM)
    return result_of(run, history)


@functools.partial(jax.jit, donate_argnums=0)
def _advance_in_place(
    state: LoopState, problem: Problem, method: Method, until: int
) -> tuple[LoopState, History]:
    run, history = loop.advance(Run(problem, method, state), until)
    return run.state, history


def program_bytes(problem: Problem, *, method: Method, key: jax.Array) -> int:
    """Bytes that the programs of a run take at most, by their own analysis; 0 if they cannot say.

    They are compiled for that, and not again when they run.
    """
    loop.check(problem, method)
    run = jax.eval_shape(loop.begun, problem, method, key)
    return max(
        loop.bytes_of(loop.begun.lower(problem, method, key)),
        loop.bytes_of(_advance_in_place.lower(run.state, problem, method, 1)),
    )


def _drive(
    run: Run, limit: int, past: dict[str, np.ndarray], callback: Callback | None
) -> tuple[Run, History]:
    """Runs chunk after chunk, each about as long as a person waits for news."""
    pieces: dict[str, list[np.ndarray]] = {name: [values] for name, values in past.items()}
    pace = ROOM if callback is None else 1
    while int(run.state.status) == Status.RUNNING:
        before, start = int(run.state.iteration), time.perf_counter()
        state, history = _advance_in_place(run.state, run.problem, run.method, before + pace)
        run = dataclasses.replace(run, state=state)
        done, elapsed = int(state.iteration), time.perf_counter() - start
        for name, values in history.items():
            pieces.setdefault(name, []).append(np.asarray(values)[: done - before])
        if callback is None:
            continue
        if before:  # the first chunk's time is compilation
            pace = min(max(1, round(pace * _SECONDS_PER_REPORT / elapsed)), ROOM)
        if done == before:
            break
        latest = {name: float(values[-1][-1]) for name, values in pieces.items()}
        if callback(_progress(run, latest)) and int(state.status) == Status.RUNNING:
            run = loop.interrupted(run)
    return run, curves({name: np.concatenate(values) for name, values in pieces.items()}, limit)


def curves(values: dict[str, np.ndarray], limit: int) -> History:
    """A history `[limit]` from what was measured at the iterations done."""
    blank = np.full(limit, np.nan, np.float32)
    return {
        name: jax.device_put(np.concatenate([known, blank[known.size :]]))
        for name, known in values.items()
    }


def _progress(run: Run, measures: dict[str, float]) -> Progress:
    problem = run.problem
    return Progress(
        iteration=int(run.state.iteration),
        iterations=int(run.method.loop.iterations),
        step=run.step_name,
        measures=measures,
        metric=None if problem.reference is None else problem.metric_name,
        image=_image(run),
        run=run,
    )


_image = jax.jit(lambda run: run.image)
