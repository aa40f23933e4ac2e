"""`Untrained`: an untrained network is fitted to the one observation.

    min over the trained variables of   l(y, f(G_theta(z))) + lambda R(G_theta(z))

Deep Random Projector (Li et al., CVPR 2023), Deep Image Prior (Ulyanov et al., CVPR 2018) and Deep
Decoder (Heckel and Hand, ICLR 2019) are settings of it: what generates, and what trains.
"""

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from drp_jax.errors import InputError, require, require_kind, require_whole, shown
from drp_jax.method import Loop, Method
from drp_jax.problem import Problem
from drp_jax.pytrees import as_pytree, fixed, record
from drp_jax.units import Units
from drp_jax.untrained.compute import Compute, Precision
from drp_jax.untrained.generators import MOST_WIDTH, Generator, build, seed_size
from drp_jax.untrained.jitter import Jitter, perturb
from drp_jax.untrained.objectives import Objective, Terms, anisotropic_tv
from drp_jax.untrained.optimizers import (
    CosineDecay,
    LearningRate,
    Optimizer,
    as_learning_rate,
    as_optimizer,
    transformation,
)
from drp_jax.untrained.partition import Trainable, Trees, check_trainable, split
from drp_jax.untrained.seeds import FixedSeed, SeedConfig
from drp_jax.untrained.smoothing import CoarseToFine


@record
class FitState:
    """The state of a fit.

    Attributes:
      structure: static structure of the generator, from `partition.split`.
      trained: the trained variables.
      frozen: the frozen ones.
      optimizer: the optimiser's state.
      units: the units of the problem.
      key: the key of everything drawn during the run.
      iteration: number of iterations done.
      image: the image `[H, W, C]` of the last one, made before its step.
      terms: the objective at that image.
      gradient_norm: norm of its gradient.
    """

    structure: nnx.GraphDef = fixed()
    trained: nnx.State
    frozen: nnx.State
    optimizer: optax.OptState
    units: Units
    key: jax.Array
    iteration: jax.Array
    image: jax.Array
    terms: Terms
    gradient_norm: jax.Array


@record
class Untrained(Method):
    """Fits an untrained network by gradients.

    Attributes:
      generator: called as `generator(seed_shape, image_shape, rngs=rngs)`, gives a Flax module
        that maps the seed to an image: a class of yours, `Linen(module)`, `HourglassConfig` ...
      seed: how the generator's input is drawn.
      trainable: an nnx filter of the variables that train, like `(Seed, NormAffine)` or
        `nnx.Param`; all others stay as drawn.
      name: what it is called.
      objective: fidelity, regularizer and its weight.
      learning_rate: above 0, or a schedule of it, as `CosineDecay` or optax's.
      optimizer: an optax optimiser, `optax.adam`, given the learning rate; or a transformation
        with a rate of its own, as `optax.lbfgs()`. A `jax.tree_util.Partial` of it holds other
        numbers as leaves.
      loop: how long it runs, and which image is returned.
      normalize_seed: whether a norm with its own affine is put on the seed.
      sigmoid: whether the network's output goes through a sigmoid into the range of the image, if
        that has one. False for networks that end in the range [0, 1] themselves.
      jitters: noise on variables at every iteration.
      compute: how the generator is evaluated.

    Raises:
      InputError: if a value is not what it should be.
    """

    generator: Generator = fixed()
    seed: SeedConfig
    trainable: Trainable = fixed()
    name: str = fixed(default="untrained")
    objective: Objective = dataclasses.field(default_factory=Objective)
    learning_rate: LearningRate = 0.1
    optimizer: Optimizer = optax.adam
    loop: Loop = dataclasses.field(default_factory=Loop)
    normalize_seed: bool = fixed(default=False)
    sigmoid: bool = fixed(default=True)
    jitters: tuple[Jitter, ...] = ()
    compute: Compute = fixed(default=Compute())

    measures: ClassVar[tuple[str, ...]] = (
        "loss",
        "fidelity",
        "regularizer",
        "residual",
        "gradient_norm",
    )
    advice: ClassVar[str] = "A smaller learning rate or regularizer weight may help."

    def __post_init__(self) -> None:
        check_trainable(self.trainable)
        is_module = isinstance(self.generator, nnx.Module)
        given = f"a {type(self.generator).__name__}" if is_module else shown(self.generator)
        require(
            callable(self.generator) and not is_module,
            f"generator is {given}; accepted: a class or function called as "
            "generator(seed_shape, image_shape, rngs=rngs)",
        )
        require_kind(self.name, str, "name", "a string")
        require_kind(self.seed, SeedConfig, "seed", "NormalSeed(...), FixedSeed(array) or another")
        require_kind(self.objective, Objective, "objective", "Objective(...)")
        require_kind(self.loop, Loop, "loop", "Loop(...)")
        require_kind(self.compute, Compute, "compute", "Compute(...)")
        for name in ("normalize_seed", "sigmoid"):
            require_kind(getattr(self, name), bool, name, "True or False")
        require_kind(self.jitters, tuple, "jitters", "a tuple of Jitter(kind, std)")
        for jitter in self.jitters:
            require_kind(jitter, Jitter, "jitter", "Jitter(kind, std)")
        if isinstance(self.generator, (types.FunctionType, functools.partial)):
            object.__setattr__(self, "generator", as_pytree(self.generator, "generator"))
        object.__setattr__(self, "learning_rate", as_learning_rate(self.learning_rate))
        object.__setattr__(self, "optimizer", as_optimizer(self.optimizer))

    def check(self, problem: Problem) -> None:
        self.seed.check(problem)

    def init(self, problem: Problem, key: jax.Array) -> FitState:
        model_key, run_key = jax.random.split(key)
        seed_key, weights_key = jax.random.split(model_key)
        height, width, channels = problem.image.shape
        size = seed_size(self.generator, problem.image.shape)
        model = build(
            self.generator,
            self.seed.draw(seed_key, *size, problem),
            (height, width, 2 * channels if problem.complex_image else channels),
            normalize_seed=self.normalize_seed,
            rngs=nnx.Rngs(weights_key),
        )
        structure, trained, frozen = split(model, self.trainable)
        self.objective.check(problem.image, problem.observation)
        zero = jnp.zeros(())
        return FitState(
            structure=structure,
            trained=trained,
            frozen=frozen,
            optimizer=self._optimizer().init(trained),
            units=Units.of(problem),
            key=run_key,
            iteration=jnp.int32(0),
            image=jnp.zeros(problem.image.shape, problem.image.dtype),
            terms=Terms(zero, zero, zero, zero),
            gradient_norm=zero,
        )

    def step(self, problem: Problem, state: FitState) -> FitState:
        """Evaluates the image and takes one step of the optimiser."""

        def evaluate(trained: nnx.State) -> tuple[jax.Array, tuple[jax.Array, Terms]]:
            image, terms = self._evaluated(problem, state, trained)
            return terms.loss, (image, terms)

        with self.compute.products():
            (loss, (image, terms)), gradient = jax.value_and_grad(evaluate, has_aux=True)(
                state.trained
            )
            updates, optimizer = self._optimizer().update(
                gradient,
                state.optimizer,
                state.trained,
                value=loss,
                grad=gradient,
                value_fn=lambda trained: evaluate(trained)[0],
            )
        return dataclasses.replace(
            state,
            trained=optax.apply_updates(state.trained, updates),
            optimizer=optimizer,
            iteration=state.iteration + 1,
            image=image,
            terms=terms,
            gradient_norm=optax.tree.norm(gradient),
        )

    def image(self, problem: Problem, state: FitState) -> jax.Array:
        return state.image

    def measured(self, problem: Problem, state: FitState) -> dict[str, jax.Array]:
        """The terms of the objective; the residual in units of the observation."""
        terms, units = state.terms, state.units
        return {
            "loss": terms.loss,
            "fidelity": terms.fidelity,
            "regularizer": terms.regularizer,
            "residual": terms.residual * units.gain * units.span,
            "gradient_norm": state.gradient_norm,
        }

    def trees(self, state: FitState) -> Trees:
        return Trees(state.structure, state.trained, state.frozen, state.optimizer)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        def in_part(part: str, field: str, value: Any) -> "Untrained":
            changed = dataclasses.replace(getattr(self, part), **{field: value})
            return dataclasses.replace(self, **{part: changed})

        return {
            "iterations": self._with_iterations,
            "learning_rate": lambda rate: dataclasses.replace(self, learning_rate=rate),
            "regularizer_weight": self._with_regularizer_weight,
            "width": self._with_width,
            "upsamplings": functools.partial(self._with_generator, "upsamplings"),
            "ema_decay": lambda decay: in_part("loop", "ema_decay", decay),
            "stopping": lambda rule: in_part("loop", "stopping", rule),
            "precision": lambda precision: in_part("compute", "precision", _named(precision)),
            "rematerialise": lambda value: in_part("compute", "rematerialise", value),
            "seed": lambda seed: dataclasses.replace(
                self, seed=seed if isinstance(seed, SeedConfig) else FixedSeed(seed)
            ),
        }

    def _with_iterations(self, iterations: int) -> Self:
        """Another limit; a learning rate that decays until the limit does so still.

        What goes from coarse to fine does so in the same share of the iterations.
        """
        loop = dataclasses.replace(self.loop, iterations=iterations)
        rate, optimizer = self.learning_rate, self.optimizer
        if isinstance(rate, CosineDecay):
            rate = dataclasses.replace(rate, iterations=iterations)
        if isinstance(optimizer, CoarseToFine):
            share = optimizer.iterations / self.loop.iterations
            optimizer = dataclasses.replace(optimizer, iterations=share * iterations)
        return dataclasses.replace(self, loop=loop, learning_rate=rate, optimizer=optimizer)

    def _with_regularizer_weight(self, weight: float | jax.Array) -> Self:
        """Another weight; of anisotropic TV where there is no regularizer."""
        regularizer = self.objective.regularizer or anisotropic_tv
        objective = dataclasses.replace(self.objective, weight=weight, regularizer=regularizer)
        return dataclasses.replace(self, objective=objective)

    def _with_width(self, width: int) -> Self:
        require_whole(width, "width", 1, MOST_WIDTH)
        return self._with_generator("width", width)

    def _with_generator(self, name: str, value: int) -> Self:
        """What the generator's own `with_width` or `with_upsamplings` gives."""
        changed = getattr(self.generator, f"with_{name}", None)
        if changed is None:
            raise InputError(
                f"{name} is {shown(value)}, and the generator {shown(self.generator)} has no "
                f"with_{name}; accepted: no {name}"
            )
        return dataclasses.replace(self, generator=changed(value))

    def _optimizer(self) -> optax.GradientTransformationExtraArgs:
        return transformation(self.optimizer, self.learning_rate)

    def _evaluated(
        self, problem: Problem, state: FitState, trained: nnx.State
    ) -> tuple[jax.Array, Terms]:
        """The image of these trained variables, and the objective at it."""
        units = state.units
        unit = self._unit_image(problem, state, trained)
        image = units.image(unit)
        prediction = units.measured(problem.operator(image))
        return image, self.objective(unit, prediction, units.measured(problem.observation))

    def _unit_image(self, problem: Problem, state: FitState, trained: nnx.State) -> jax.Array:
        """The image of these trained variables and this iteration's jitter, in [0, 1]."""
        frozen = state.frozen
        if self.jitters:
            keys = jax.random.split(jax.random.fold_in(state.key, state.iteration))
            trained, frozen = (
                perturb(tree, self.jitters, state.iteration, key)
                for tree, key in zip((trained, frozen), keys, strict=True)
            )
        unit = self.compute.image(state.structure, trained, frozen)
        if self.sigmoid and problem.value_range is not None:
            unit = jax.nn.sigmoid(unit)
        if problem.complex_image:
            unit = as_complex(unit)
        return unit


def as_complex(channels: jax.Array) -> jax.Array:
    """The complex image of which a network gives the real parts, then the imaginary ones."""
    return jax.lax.complex(*jnp.split(channels, 2, axis=-1))


def _named(precision: Any) -> Any:
    """A precision by its name; what is none as it is."""
    return Precision(precision) if precision in list(Precision) else precision
