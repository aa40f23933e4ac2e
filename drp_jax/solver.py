"""The solver: an optax loop over the trained variables of one problem.

`init` and `step` are pure and public, so that a caller can drive, log and stop a run;
`run` is the compiled loop over `step`. Config, state and result are three types.
"""

import dataclasses
import enum
import functools
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from flax import nnx, struct

from drp_jax.compute import Compute
from drp_jax.errors import require, require_whole
from drp_jax.jitter import Jitters, perturb
from drp_jax.metrics import Metric, psnr
from drp_jax.non_local import NonLocalSteps, Observed
from drp_jax.objectives import Objective, Terms
from drp_jax.operators import Operator
from drp_jax.stopping import StoppingRule

Tree = TypeVar("Tree")

MOST_ITERATIONS = 10_000_000
MOST_LEARNING_RATE = 1e6


class Status(enum.IntEnum):
    """Why a run ended. `message` says it in a sentence."""

    RUNNING = 0
    ITERATION_LIMIT = 1
    STOPPED_BY_RULE = 2
    NON_FINITE = 3
    INTERRUPTED = 4

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES = {
    Status.RUNNING: "The run has not ended yet.",
    Status.ITERATION_LIMIT: "The run reached its iteration limit.",
    Status.STOPPED_BY_RULE: "The stopping rule ended the run.",
    Status.NON_FINITE: "The loss or its gradient became non-finite; "
    "the image is the last finite one. A smaller learning rate or regularizer weight may help.",
    Status.INTERRUPTED: "The caller ended the run.",
}


class Iterate(enum.StrEnum):
    """Which image of a run is returned."""

    LAST = "last"
    AVERAGED = "averaged"
    BEST = "best by the stopping rule"


@dataclasses.dataclass(frozen=True)
class SolverConfig:
    """How to minimise.

    Attributes:
      iterations: limit on the number of steps, from 1 to ten million.
      learning_rate: Adam's, above 0, or an optax schedule of it.
      optimizer: any optax transformation instead of Adam, `optax.lbfgs()` included, or
        non-local steps.
      averaging: weight of the past in an exponential average of the outputs, in [0, 1);
        0 takes the outputs as they are. The average is bias-corrected: it starts at the
        first output.
      stopping: a rule that ends the run early, or None. It watches the outputs; the image
        kept at its best iteration is the average if outputs are averaged.

    Raises:
      InputError: if a value is out of its range.
    """

    iterations: int = 5000
    learning_rate: float | optax.Schedule = 0.1
    averaging: float = 0.0
    stopping: StoppingRule | None = None
    optimizer: optax.GradientTransformation | NonLocalSteps | None = None

    def __post_init__(self) -> None:
        require_whole(self.iterations, "iterations", 1, MOST_ITERATIONS)
        require(
            callable(self.learning_rate) or 0 < self.learning_rate <= MOST_LEARNING_RATE,
            f"learning rate is {self.learning_rate}; accepted: above 0, up to "
            f"{MOST_LEARNING_RATE:g}",
        )
        require(0 <= self.averaging < 1, f"averaging is {self.averaging}; accepted: in [0, 1)")

    @property
    def iterate(self) -> Iterate:
        """Which image a run with this configuration returns."""
        if self.stopping is not None:
            return Iterate.BEST
        return Iterate.AVERAGED if self.averaging else Iterate.LAST

    @property
    def takes_gradients(self) -> bool:
        """Whether it follows the objective's gradient, and does not take non-local steps."""
        return not isinstance(self.optimizer, NonLocalSteps)

    def transformation(self, problem: Observed) -> optax.GradientTransformationExtraArgs:
        """The optimiser: the one given, or Adam with the learning rate."""
        if isinstance(self.optimizer, NonLocalSteps):
            return self.optimizer.transformation(problem, self.iterations)
        chosen = optax.adam(self.learning_rate) if self.optimizer is None else self.optimizer
        return optax.with_extra_args_support(chosen)


@struct.dataclass
class Problem:
    """Everything of a run that does not change: the observation and the frozen half.

    Attributes:
      structure: static structure of the generator, from `partition.split`.
      frozen: its frozen variables.
      observation: the degraded image.
      operator: the forward operator.
      objective: fidelity and regularizer.
      key: the key of everything drawn during the run.
      jitters: static pairs of variable type and the jitter put on it.
      metric: a static function of image and reference, for the history only.
      compute: static; how the generator is evaluated.
      reference: the true image `[H, W, C]` if known, for the history only.
    """

    structure: nnx.GraphDef = struct.field(pytree_node=False)
    frozen: nnx.State
    observation: jax.Array
    operator: Operator
    objective: Objective
    key: jax.Array
    jitters: Jitters = struct.field(pytree_node=False, default=())
    metric: Metric = struct.field(pytree_node=False, default=psnr)
    compute: Compute = struct.field(pytree_node=False, default=Compute())
    reference: jax.Array | None = None

    def image(self, trained: nnx.State) -> jax.Array:
        """The image `[H, W, C]` that the generator gives for these trained variables."""
        return self.compute.image(self.structure, trained, self.frozen)

    def jittered_image(self, trained: nnx.State, iteration: jax.Array) -> jax.Array:
        """The same with the jitter of an iteration, counted from 0, on all variables."""
        if not self.jitters:
            return self.image(trained)
        keys = jax.random.split(jax.random.fold_in(self.key, iteration))
        trained, frozen = (
            perturb(state, self.jitters, iteration, key)
            for state, key in zip((trained, self.frozen), keys, strict=True)
        )
        return self.compute.image(self.structure, trained, frozen)

    def terms(self, image: jax.Array) -> Terms:
        """The objective's terms at an image."""
        return self.objective(image, self.operator(image), self.observation)


@struct.dataclass
class History:
    """One value per iteration, as arrays `[iteration limit]`; NaN where no iteration ran.

    Attributes:
      fidelity, regularizer, loss: terms of the objective at the iteration's output.
      psnr: PSNR in dB (or another metric, if one was given) against the reference of the
        iteration's output, or of the average so far if outputs are averaged; None without a
        reference. With a stopping rule the image returned is that of `image_iteration`.
    """

    fidelity: jax.Array
    regularizer: jax.Array
    loss: jax.Array
    psnr: jax.Array | None


@struct.dataclass
class SolverState:
    """Everything of a run that changes.

    Attributes:
      iteration: number of iterations done.
      status: a `Status` as an integer array.
      trained: the trained variables.
      optimizer: the optimiser's state.
      output: the last finite output `[H, W, C]`; zeros before the first.
      average: weighted sum of the outputs, not yet bias-corrected, or None.
      stopping: the stopping rule's state, or None.
      best: the best image by the stopping rule, or None.
      best_iteration: the number of the iteration that gave it.
      history: terms and PSNR of all iterations so far.
    """

    iteration: jax.Array
    status: jax.Array
    trained: nnx.State
    optimizer: optax.OptState
    output: jax.Array
    average: jax.Array | None
    stopping: Any
    best: jax.Array | None
    best_iteration: jax.Array
    history: History


def init(config: SolverConfig, problem: Problem, trained: nnx.State) -> SolverState:
    """The state before the first iteration."""
    shape = jax.eval_shape(problem.image, trained)
    blank = jnp.zeros(shape.shape, shape.dtype)
    unknown = jnp.full(config.iterations, jnp.nan, jnp.float32)
    return SolverState(
        iteration=jnp.int32(0),
        status=jnp.int32(Status.RUNNING),
        trained=trained,
        optimizer=config.transformation(problem).init(trained),
        output=blank,
        average=blank if config.averaging else None,
        stopping=None if config.stopping is None else config.stopping.init(blank),
        best=None if config.stopping is None else blank,
        best_iteration=jnp.int32(0),
        history=History(unknown, unknown, unknown, None if problem.reference is None else unknown),
    )


def step(config: SolverConfig, problem: Problem, state: SolverState) -> SolverState:
    """One iteration: evaluate the current output, record it, take one step of the optimiser.

    A non-finite loss leaves everything as it was and ends the run; a finite loss with a
    non-finite gradient keeps its output, and ends the run too.
    """

    def evaluate(trained: nnx.State) -> tuple[jax.Array, tuple[jax.Array, Terms]]:
        image = problem.jittered_image(trained, state.iteration)
        terms = problem.terms(image)
        return terms.loss, (image, terms)

    with problem.compute.products():
        (loss, (output, terms)), gradient = jax.value_and_grad(evaluate, has_aux=True)(
            state.trained
        )
        updates, optimizer = config.transformation(problem).update(
            gradient,
            state.optimizer,
            state.trained,
            value=loss,
            grad=gradient,
            value_fn=lambda trained: evaluate(trained)[0],
        )
    trained = optax.apply_updates(state.trained, updates)

    finite_step = jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradient))
    accepted = _accept(config, problem, state, output, terms)
    trained, optimizer = _where(finite_step, (trained, optimizer), (state.trained, state.optimizer))
    status = jnp.where(finite_step, accepted.status, Status.NON_FINITE.value)
    return dataclasses.replace(accepted, trained=trained, optimizer=optimizer, status=status)


def run(
    config: SolverConfig, problem: Problem, state: SolverState, *, until: jax.typing.ArrayLike
) -> SolverState:
    """Iterates while the status is RUNNING, as one compiled loop that tests it on the device.

    Args:
      config: the solver's configuration.
      problem: the problem.
      state: where to start.
      until: total number of iterations at which to pause. May change between calls without
        another compilation.

    Returns:
      The state after the run ended or paused. Under `jax.vmap` the loop goes on until the
      whole batch has ended; what it computes for those that ended before is dropped.
    """

    def is_active(state: SolverState) -> jax.Array:
        return (state.status == Status.RUNNING) & (state.iteration < until)

    return jax.lax.while_loop(is_active, functools.partial(step, config, problem), state)


def current_image(config: SolverConfig, state: SolverState) -> jax.Array:
    """The image `[H, W, C]` that a run ending now would return."""
    return _candidate(config, state) if state.best is None else state.best


def _accept(
    config: SolverConfig, problem: Problem, state: SolverState, output: jax.Array, terms: Terms
) -> SolverState:
    """The state with an output taken in, before the optimiser's step.

    Where the loss is not finite the images and the count stay as they were. The decision is
    taken value by value: a `lax.cond` would copy the stopping rule's window at every step.
    """
    finite = jnp.isfinite(terms.loss)
    index, iteration = state.iteration, state.iteration + finite
    limit = jnp.where(
        iteration >= config.iterations, Status.ITERATION_LIMIT.value, Status.RUNNING.value
    )
    output = jnp.where(finite, output, state.output)
    state = dataclasses.replace(state, iteration=iteration, output=output, status=limit)
    if state.average is not None:
        average = config.averaging * state.average + (1 - config.averaging) * output
        state = dataclasses.replace(state, average=jnp.where(finite, average, state.average))
    candidate = _candidate(config, state)
    if config.stopping is not None and state.best is not None:
        stopping, verdict = config.stopping.update(state.stopping, output, terms)
        state = dataclasses.replace(
            state,
            stopping=stopping,
            best=jnp.where(verdict.best & finite, candidate, state.best),
            best_iteration=jnp.where(verdict.best & finite, iteration, state.best_iteration),
            status=jnp.where(verdict.stop, Status.STOPPED_BY_RULE.value, state.status),
        )
    record = History(
        fidelity=terms.fidelity,
        regularizer=terms.regularizer,
        loss=terms.loss,
        psnr=None if problem.reference is None else problem.metric(candidate, problem.reference),
    )
    history = jax.tree.map(
        lambda past, value: past.at[index].set(jnp.where(finite, value, jnp.nan)),
        state.history,
        record,
    )
    return dataclasses.replace(state, history=history)


def _candidate(config: SolverConfig, state: SolverState) -> jax.Array:
    if state.average is None:
        return state.output
    return state.average / jnp.maximum(1 - config.averaging**state.iteration, 1e-12)


def _where(condition: jax.Array, chosen: Tree, other: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)
