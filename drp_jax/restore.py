"""`restore`: from an observation to a restored image in one call."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from drp_jax import solver
from drp_jax.errors import require
from drp_jax.methods import Settings
from drp_jax.metrics import Metric, psnr
from drp_jax.operators import Operator, as_operator, estimate
from drp_jax.partition import split
from drp_jax.presets import preset
from drp_jax.solver import History, Iterate, Problem, SolverConfig, SolverState, Status

SMALLEST_SIDE = 8

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
    """

    image: jax.Array
    iterate: Iterate = struct.field(pytree_node=False)
    image_iteration: jax.Array
    status: jax.Array
    iterations: jax.Array
    history: History

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
      settings: method, objective and solver; `preset()` by default.
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
    settings = preset() if settings is None else settings
    operator = as_operator(operator)
    observation = _as_float(observation, "observation")
    image_shape = operator.image_shape(observation.shape)
    observation = _checked(operator.known(observation), "observation", in_range=True)
    _check_size(image_shape, "image")
    predicted = jax.eval_shape(operator, jax.ShapeDtypeStruct(image_shape, observation.dtype))
    require(
        predicted.shape == observation.shape,
        f"operator gives shape {predicted.shape} for an image {image_shape}; accepted: "
        f"{observation.shape}, the observation's",
    )
    if reference is not None:
        reference = _checked(_as_float(reference, "reference"), "reference", in_range=True)
        require(
            reference.shape == image_shape,
            f"reference has shape {reference.shape}; accepted: {image_shape}, the image's",
        )
    if seed is not None:
        seed = _checked(_as_float(seed, "seed"), "seed")
        size = settings.method.generator.seed_size(*image_shape[:2])
        require(
            seed.shape[:2] == size,
            f"seed has shape {seed.shape}; accepted: (h, w) = {size} with any channels",
        )
    problem, state = _start(settings, operator, metric, observation, seed, reference, key)
    if callback is None:
        state = _advance(settings.solver, problem, state, until=settings.solver.iterations)
    else:
        require(
            not isinstance(state.iteration, jax.core.Tracer),
            "a callback cannot be called under jax.jit or jax.vmap; leave it out there",
        )
        state = _drive(settings.solver, problem, state, callback)
    return _result(settings.solver, state)


@functools.partial(jax.jit, static_argnames="metric")
def _start(
    settings: Settings,
    operator: Operator,
    metric: Metric,
    observation: jax.Array,
    seed: jax.Array | None,
    reference: jax.Array | None,
    key: jax.Array,
) -> tuple[Problem, SolverState]:
    model_key, run_key = jax.random.split(key)
    method = settings.method
    model = method.build(
        model_key,
        operator.image_shape(observation.shape),
        estimate=functools.partial(estimate, operator, observation),
        seed=seed,
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
        reference=reference,
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


def _result(config: SolverConfig, state: SolverState) -> Restoration:
    is_best = config.iterate is Iterate.BEST
    return Restoration(
        image=solver.current_image(config, state),
        iterate=config.iterate,
        image_iteration=state.best_iteration if is_best else state.iteration,
        status=state.status,
        iterations=state.iteration,
        history=state.history,
    )


def _as_float(image: jax.Array, name: str) -> jax.Array:
    """The image as float32 `[H, W, C]`."""
    image = jnp.asarray(image)
    require(
        jnp.issubdtype(image.dtype, jnp.floating),
        f"{name} has type {image.dtype}; accepted: float, values in [0, 1]",
    )
    require(
        image.ndim == 3 and min(image.shape) >= 1,
        f"{name} has shape {image.shape}; accepted: (H, W, C)",
    )
    return image.astype(jnp.float32)


def _checked(image: jax.Array, name: str, *, in_range: bool = False) -> jax.Array:
    """The image, if its values are finite and in range as far as can be known now.

    Noise may take values out of [0, 1]; twice that range tells it from another scale.
    """
    if not isinstance(image, jax.core.Tracer):
        low, high = float(jnp.min(image)), float(jnp.max(image))
        is_finite = math.isfinite(low) and math.isfinite(high)
        require(is_finite, f"{name} has values that are not finite")
        require(
            not in_range or (low >= -1 and high <= 2),
            f"{name} has values from {low:g} to {high:g}; accepted: [0, 1], or a little more",
        )
    return image


def _check_size(shape: tuple[int, ...], name: str) -> None:
    require(
        min(shape[:2]) >= SMALLEST_SIDE,
        f"{name} has shape {shape}; accepted: (H, W, C) with H and W from {SMALLEST_SIDE} up",
    )
