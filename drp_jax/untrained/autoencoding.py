"""Networks whose input is an image too, and which are to leave a good image as it is.

    min   l(y, f(x)) + lambda R(x) + alpha l(x, z)       with x = G_theta(z), from z = f^T y

The input z of Deep Image Prior is noise that stays. Here it is the unknown image: it starts at the
back-projected observation and follows the result, and the autoencoding term, the fidelity between
output and input, keeps the network from fitting the noise.

- `SelfGuided`: Liang, Bell, Qu, Wang and Ravishankar, Analysis of Deep Image Prior and Exploiting
  Self-Guidance for Image Reconstruction (TCI 2025, arXiv 2402.04097). z is trained too.
- `AutoencodingSequential`: Alkhouri, Liang, Bell, Qu, Wang and Ravishankar, Image Reconstruction
  Via Autoencoding Sequential Deep Image Prior (NeurIPS 2024), aSeqDIP. The output becomes z.

The papers have squared norms of both terms, their programs the norms themselves: fidelity `mse`
and `rmse` here. In the units of a fit both terms are means, and residuals are divided by the gain,
so that alpha means what it does there for an operator whose greatest singular value is 1. Their
networks end in the image; ours end in a sigmoid where the image has a range.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from drp_jax.errors import InputError, require, require_number, require_whole
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record
from drp_jax.untrained.fit import FitState, Untrained, as_complex
from drp_jax.untrained.objectives import MOST_WEIGHT, Terms
from drp_jax.untrained.optimizers import LearningRate, as_learning_rate, transformation
from drp_jax.untrained.partition import (
    NormAffine,
    Seed,
    Trainable,
    Weight,
    seed_of,
    with_seed,
)
from drp_jax.untrained.seeds import BackProjectionSeed, SeedConfig

MOST_DRAWS = 1000


@record
class AutoencodingTerms(Terms):
    """The parts of an objective, and the fidelity between output and input of the network."""

    autoencoding: jax.Array


@record
class Autoencoding(Untrained):
    """Base of the networks whose input is an image, and is compared with their output.

    Attributes:
      seed: how the input starts; it has the size and the channels of the image, twice those of a
        complex one: real parts, then imaginary ones.
      autoencoding_weight: alpha, from 0 up; an array leaf.

    The others are those of `Untrained`.

    Raises:
      InputError: if a value is not what it should be.
    """

    seed: SeedConfig = BackProjectionSeed(0.0)
    trainable: Trainable = fixed(default=(Weight, NormAffine))
    autoencoding_weight: float | jax.Array = 1.0

    measures: ClassVar[tuple[str, ...]] = (*Untrained.measures, "autoencoding")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(
            self.autoencoding_weight,
            "autoencoding weight",
            0,
            MOST_WEIGHT,
            accepted=f"from 0 to {MOST_WEIGHT:g}",
        )

    def init(self, problem: Problem, key: jax.Array) -> FitState:
        state = super().init(problem, key)
        self.objective.check(problem.image, problem.image)
        height, width, channels = problem.image.shape
        accepted = (height, width, 2 * channels if problem.complex_image else channels)
        shape = self._input(state, state.trained).shape
        require(shape == accepted, f"seed has shape {shape}; accepted: {accepted}, the image's")
        zero = jnp.zeros(())
        return dataclasses.replace(state, terms=AutoencodingTerms(zero, zero, zero, zero, zero))

    def measured(self, problem: Problem, state: FitState) -> dict[str, jax.Array]:
        """Those of `Untrained`, and the fidelity between output and input, without its weight."""
        assert isinstance(state.terms, AutoencodingTerms)
        return super().measured(problem, state) | {"autoencoding": state.terms.autoencoding}

    def adjustments(self) -> Mapping[str, Callable[[Any], "Untrained"]]:
        def weighted(weight: float | jax.Array) -> "Untrained":
            return dataclasses.replace(self, autoencoding_weight=weight)

        return {**super().adjustments(), "autoencoding_weight": weighted}

    def _input(self, state: FitState, trained: nnx.State) -> jax.Array:
        """The network's input, which trains or does not."""
        seed = seed_of(trained)
        seed = seed_of(state.frozen) if seed is None else seed
        assert seed is not None
        return seed

    def _evaluated(
        self, problem: Problem, state: FitState, trained: nnx.State
    ) -> tuple[jax.Array, AutoencodingTerms]:
        image, terms = super()._evaluated(problem, state, trained)
        seed = self._input(state, trained)
        seed = as_complex(seed) if problem.complex_image else seed
        distance = self.objective.fidelity(state.units.unit(image), seed)
        return image, AutoencodingTerms(
            fidelity=terms.fidelity,
            regularizer=terms.regularizer,
            loss=terms.loss + self.autoencoding_weight * distance,
            residual=terms.residual,
            autoencoding=distance,
        )


@record
class SelfGuided(Autoencoding):
    """Self-Guided DIP: the input is trained with the weights, and the image is a mean over noise.

        x = mean over eta of G_theta(z + eta),   eta uniform in [0, noise max |z|]

    As in the program of the authors eta is drawn afresh at every iteration and is not centred, and
    input and weights have an Adam each. There z starts at noise; here, as they also do, at the
    back-projection, and |z| stands for z, since parts of a complex image may be negative.

    Attributes:
      trainable: what trains; the seed is among it.
      seed_learning_rate: the learning rate of z, in units in which the image is in [0, 1]: above 0,
        or a schedule.
      draws: number of draws of eta an iteration, from 1 to 1000.
      noise: the greatest eta, as a share of the greatest magnitude of z, from 0 up.

    The others are those of `Autoencoding`.

    Raises:
      InputError: if a value is not what it should be.
    """

    trainable: Trainable = fixed(default=(Weight, NormAffine, Seed))
    name: str = fixed(default="self-guided-dip")
    seed_learning_rate: LearningRate = 0.01
    draws: int = fixed(default=3)
    noise: float | jax.Array = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "seed_learning_rate", as_learning_rate(self.seed_learning_rate))
        require_whole(self.draws, "draws", 1, MOST_DRAWS)
        require_number(self.noise, "noise", 0, accepted="from 0 up")

    def init(self, problem: Problem, key: jax.Array) -> FitState:
        state = super().init(problem, key)
        if seed_of(state.trained) is None:
            raise InputError(
                "the seed does not train, and it is what guides; accepted: trainable with Seed"
            )
        return state

    def adjustments(self) -> Mapping[str, Callable[[Any], "Untrained"]]:
        def with_rate(rate: Any) -> "Untrained":
            return dataclasses.replace(self, seed_learning_rate=rate)

        return {**super().adjustments(), "seed_learning_rate": with_rate}

    def _optimizer(self) -> optax.GradientTransformationExtraArgs:
        rates = {"weights": self.learning_rate, "seed": self.seed_learning_rate}
        parts = {name: transformation(self.optimizer, rate) for name, rate in rates.items()}
        return optax.partition(parts, _part_of_each)

    def _unit_image(self, problem: Problem, state: FitState, trained: nnx.State) -> jax.Array:
        seed = self._input(state, trained)
        reach = self.noise * jnp.max(jnp.abs(jax.lax.stop_gradient(seed)))
        generated = super()._unit_image

        def drawn(key: jax.Array) -> jax.Array:
            noise_key, jitter_key = jax.random.split(key)
            noisy = seed + reach * jax.random.uniform(noise_key, seed.shape)
            drawn_state = dataclasses.replace(state, key=jitter_key)
            return generated(problem, drawn_state, with_seed(trained, noisy))

        keys = jax.random.split(jax.random.fold_in(state.key, state.iteration), self.draws)
        return jnp.mean(jax.vmap(drawn)(keys), axis=0)


@record
class AutoencodingSequential(Autoencoding):
    """aSeqDIP: the weights are trained for some steps, then the output becomes the input.

    An iteration is one step of the optimiser, so the paper's K changes of the input with N steps
    each are K * N iterations. As in the program of the authors the new input is the output that the
    last of these steps was computed from, which saves an evaluation.

    Attributes:
      trainable: what trains; the seed is not among it.
      inner_steps: N, steps between two changes of the input, from 1 up.

    The others are those of `Autoencoding`.

    Raises:
      InputError: if a value is not what it should be.
    """

    name: str = fixed(default="aseqdip")
    inner_steps: int | jax.Array = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self.inner_steps, "inner_steps", 1, 1_000_000)

    def init(self, problem: Problem, key: jax.Array) -> FitState:
        state = super().init(problem, key)
        if seed_of(state.frozen) is None:
            raise InputError(
                "the seed trains, and the output is to take its place; accepted: trainable without "
                "Seed"
            )
        return state

    def step(self, problem: Problem, state: FitState) -> FitState:
        """One step of the optimiser; after every `inner_steps` of them the input is the output."""
        stepped = super().step(problem, state)
        output = stepped.units.unit(stepped.image)
        if problem.complex_image:
            output = jnp.concatenate([output.real, output.imag], axis=-1)
        changes = stepped.iteration % self.inner_steps == 0
        seed = jnp.where(changes, output, self._input(state, state.trained))
        return dataclasses.replace(stepped, frozen=with_seed(stepped.frozen, seed))


def _part_of_each(trained: nnx.State) -> Any:
    """For every array whether it is the seed or one of the weights."""

    def named(variable: nnx.Variable) -> Any:
        name = "seed" if type(variable) is Seed else "weights"
        return jax.tree.map(lambda _: name, variable)

    return jax.tree.map(named, trained, is_leaf=lambda node: isinstance(node, nnx.Variable))
