"""`restore`: from an observation to a restored image in one call."""

import dataclasses
import functools
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from drp_jax import solver
from drp_jax.errors import require
from drp_jax.inputs import Inputs, checked_inputs
from drp_jax.methods import Settings
from drp_jax.metrics import Metric, psnr
from drp_jax.non_local import NonLocalState
from drp_jax.operators import Identity, Mask, Operator, filled_estimate
from drp_jax.partition import split
from drp_jax.presets import preset
from drp_jax.solver import History, Iterate, Problem, SolverConfig, SolverState, Status

_SECONDS_PER_REPORT = 0.5


@struct.dataclass
class Restoration:
    """The result of a run.

    Attributes:
      image: the restored image `[H, W, C]`, values in [0, 1].
      iterate: which image of the run it is.
      image_iteration: the number of the iteration that gave it, counted from 1; 0 if no
        iteration gave a finite image, which is then all zeros.
      status: a `Status` as an integer array.
      iterations: number of iterations run.
      history: objective and PSNR at every iteration.
      uncertainty: how uncertain each pixel is, `[H, W]` from 0 up (intensity): how far apart the
        estimates are whose average it is. None unless the settings take non-local steps.
    """

    image: jax.Array
    iterate: Iterate = struct.field(pytree_node=False)
    image_iteration: jax.Array
    status: jax.Array
    iterations: jax.Array
    history: History
    uncertainty: jax.Array | None = None

    @property
    def message(self) -> str:
        """Why the run ended, in a sentence; outside transformations and for one image only."""
        return Status(int(self.status)).message


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a callback is told.

    Attributes:
      iteration: number of iterations done.
      iterations: their limit.
      loss: the objective at the last one.
      psnr: the history's PSNR in dB at the last one, or None without a reference.
      image: the image that would be returned if the run ended now, `[H, W, C]`.
    """

    iteration: int
    iterations: int
    loss: float
    psnr: float | None
    image: jax.Array


Callback = Callable[[Progress], bool | None]


def restore(
    observation: jax.Array,
    *,
    key: jax.Array,
    settings: Settings | None = None,
    operator: Operator | Callable[[jax.Array], jax.Array] | None = None,
    seed: jax.Array | None = None,
    reference: jax.Array | None = None,
    metric: Metric = psnr,
    callback: Callback | None = None,
) -> Restoration:
    """Restores one image by fitting an untrained generator to it.

    Minimises `l(y, f(G_theta(z))) + lambda R(G_theta(z))` over the variables that the
    method trains. Pure: the result depends on the arguments alone, and without a callback
    it works under `jax.jit` and `jax.vmap`. A second call with the same shapes and static
    settings does not compile again.

    Args:
      observation: the degraded image `[H, W, C]`, float, values in [0, 1].
      key: the key that draws weights and seed.
      settings: method, objective and solver. By default `preset()` for the task that the
        operator stands for: denoising for the identity, inpainting for `Mask`, and for all others
        super-resolution, which takes the observation to be without noise.
      operator: the forward operator, or any function of an image that keeps its shape; the
        identity by default.
      seed: the generator's input `[h, w, c]`, instead of the one that the method draws; its
        size must be the one that the generator asks for.
      reference: the true image, if known, for the PSNR in the history. The run does not
        depend on it.
      metric: what the history holds as PSNR, a function of image and reference.
      callback: called with a `Progress` between compiled chunks, at least about twice a
        second unless an iteration takes longer; a true return value ends a run that has not
        ended with status INTERRUPTED. The result does not depend on when it is called.

    Raises:
      InputError: if a shape or type does not fit, an image is smaller than 8 x 8, a value is
        not finite or far outside [0, 1], or a callback is given under a transformation.
        Values are checked only outside transformations; inside them a non-finite value shows
        as the status.
    """
    settings = preset(task=_task(operator)) if settings is None else settings
    inputs = checked_inputs(
        settings, observation, operator=operator, seed=seed, reference=reference
    )
    problem, state = begin(settings, metric, inputs, key)
    if callback is None:
        state = _advance(settings.solver, problem, state, until=settings.solver.iterations)
    else:
        require(
            not isinstance(state.iteration, jax.core.Tracer),
            "a callback cannot be called under jax.jit or jax.vmap; leave it out there",
        )
        state = _drive(settings.solver, problem, state, callback)
    return result(settings.solver, state)


def _task(operator: Operator | Callable[[jax.Array], jax.Array] | None) -> str:
    if operator is None or isinstance(operator, Identity):
        return "denoise"
    return "inpaint" if isinstance(operator, Mask) else "super-resolve"


@functools.partial(jax.jit, static_argnames="metric")
def begin(
    settings: Settings, metric: Metric, inputs: Inputs, key: jax.Array
) -> tuple[Problem, SolverState]:
    """The problem of one image and the state before its first iteration, all drawn from `key`."""
    observation, operator = inputs.observation, inputs.operator
    model_key, run_key = jax.random.split(key)
    method = settings.method
    model = method.build(
        model_key,
        operator.image_shape(observation.shape),
        estimate=functools.partial(filled_estimate, operator, observation),
        seed=inputs.seed,
    )
    structure, trained, frozen = split(model, method.trains)
    problem = Problem(
        structure=structure,
        frozen=frozen,
        observation=observation,
        operator=operator,
        objective=settings.objective,
        key=run_key,
        jitters=method.jitters,
        metric=metric,
        compute=settings.compute,
        reference=inputs.reference,
    )
    return problem, solver.init(settings.solver, problem, trained)


_advance = jax.jit(solver.run, static_argnums=0)
_advance_in_place = jax.jit(solver.run, static_argnums=0, donate_argnums=2)


def _drive(
    config: SolverConfig, problem: Problem, state: SolverState, callback: Callback
) -> SolverState:
    """Runs chunk after chunk, each about as long as a person waits for news."""
    pace = 1
    while int(state.status) == Status.RUNNING:
        before = int(state.iteration)
        start = time.perf_counter()
        until = before + pace
        state = _advance_in_place(config, problem, state, until=until)
        done = int(state.iteration)
        elapsed = time.perf_counter() - start
        if before:  # the first chunk's time is compilation
            pace = max(1, round(pace * _SECONDS_PER_REPORT / elapsed))
        if done == before:
            break
        wants_end = callback(_progress(config, state, done))
        if wants_end and int(state.status) == Status.RUNNING:
            state = dataclasses.replace(state, status=jnp.int32(Status.INTERRUPTED))
    return state


def _progress(config: SolverConfig, state: SolverState, done: int) -> Progress:
    history = state.history
    return Progress(
        iteration=done,
        iterations=config.iterations,
        loss=float(history.loss[done - 1]),
        psnr=None if history.psnr is None else float(history.psnr[done - 1]),
        image=solver.current_image(config, state),
    )


def result(config: SolverConfig, state: SolverState) -> Restoration:
    """What a run that ended in this state returns."""
    is_best, optimizer = config.iterate is Iterate.BEST, state.optimizer
    return Restoration(
        image=solver.current_image(config, state),
        iterate=config.iterate,
        image_iteration=state.best_iteration if is_best else state.iteration,
        status=state.status,
        iterations=state.iteration,
        history=state.history,
        uncertainty=optimizer.spread if isinstance(optimizer, NonLocalState) else None,
    )
