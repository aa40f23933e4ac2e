"""`SelfTuned`: an untrained network that finds the weight of its regularizer by itself.

How much regularizer an image wants depends on the image, the operator and the noise, and the loss
does not tell. Measurements that were kept out of the fit do: the best weight predicts them best.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax import averaging
from drp_jax.batching import each, if_true
from drp_jax.errors import (
    is_known,
    require,
    require_kind,
    require_number,
    require_whole,
    shown,
)
from drp_jax.held_out import check_share, drawn, part, without
from drp_jax.method import Loop, Method, Stage, adjustments_of
from drp_jax.operators.base import Observation
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record
from drp_jax.untrained.fit import FitState, Untrained
from drp_jax.untrained.objectives import MOST_WEIGHT
from drp_jax.untrained.partition import Trees

MOST_PROJECTORS = 256
_SEARCH_EMA_DECAY = 0.9
_ON_ACCELERATORS = 4


@record
class SelfTunedState:
    """The state of a run.

    Attributes:
      iteration: number of iterations done.
      searches: the fits to a part of the measurements, one per weight along the first axis.
      averages: weighted sums of their images `[weights, H, W, C]`, not yet bias-corrected.
      average: that of the images of the fit to all measurements.
      errors: `[weights]`, how well each weight predicts what was held out; infinite before.
      held_out: which measurements these are, 0 and 1, a pytree like the observation.
      fits: the fits to all measurements, one per projector along the first axis.
    """

    iteration: jax.Array
    searches: FitState
    averages: jax.Array
    average: jax.Array
    errors: jax.Array
    held_out: Observation
    fits: FitState


@record
class SelfTuned(Method):
    """Fits an untrained network with the weight that predicts held-out measurements best.

    Two stages. In the search the network is fitted to all but a few measurements, for a while and
    from the same start with every weight: in turn on a CPU, as one batch elsewhere. Then it is
    fitted to all measurements with the weight whose image had the least error (in the objective's
    fidelity) on those that were kept out. With one weight there is no search. Several `projectors`
    are fitted side by side, from keys of their own; their mean is the image and their spread the
    uncertainty.

    Hold-out validation for untrained networks is from Yaman et al., Zero-shot self-supervised
    learning for MRI (ICLR 2022), where it ends the run; here it chooses the weight.

    Attributes:
      method: the network, its objective and its run; the objective's own weight is not used.
      weights: those to choose from, from 0 up, in any order: `[weights]`.
      search_iterations: iterations of the search, in each of which every weight takes a step: from
        1 up.
      held_out: share of the measurements that is kept out of the search, in (0, 1).
      projectors: how many fits the image is the mean of. None is 1 on a CPU, which has to fit them
        one by one, and 4 elsewhere.

    Raises:
      InputError: if a value is not what it should be.
    """

    method: Untrained
    weights: tuple[float | jax.Array, ...] = (0.8, 0.4, 0.2, 0.1, 0.05)
    search_iterations: int | jax.Array = 100
    held_out: float | jax.Array = 0.06
    projectors: int | None = fixed(default=None)

    measures: ClassVar[tuple[str, ...]] = (*Untrained.measures, "weight")
    advice: ClassVar[str] = Untrained.advice

    def __post_init__(self) -> None:
        require_kind(self.method, Untrained, "method", "an Untrained")
        is_tuple = isinstance(self.weights, tuple) and len(self.weights) > 0
        accepted = "a tuple of numbers from 0 up"
        require(is_tuple, f"weights is {shown(self.weights)}; accepted: {accepted}")
        accepted = f"from 0 to {MOST_WEIGHT:g}"
        for weight in self.weights:
            require_number(weight, "regularizer weight", 0, MOST_WEIGHT, accepted=accepted)
        if all(is_known(weight) and np.ndim(weight) == 0 for weight in self.weights):
            object.__setattr__(self, "weights", tuple(sorted(self.weights, reverse=True)))
        require_whole(self.search_iterations, "search_iterations", 1, 1_000_000)
        check_share(self.held_out, "held_out")
        if self.projectors is not None:
            require_whole(self.projectors, "projectors", 1, MOST_PROJECTORS)
        require(
            self.method.objective.regularizer is not None,
            "the objective has no regularizer, whose weight is to be found; accepted: one, like "
            "anisotropic_tv, or the method alone",
        )
        require(
            self.method.loop.stopping is None,
            "a stopping rule would watch the search; accepted: none, or the method alone",
        )

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.method.name

    @property
    def search_length(self) -> int | jax.Array:
        """Number of iterations of the search."""
        return self.search_iterations if len(self.weights) > 1 else 0

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        """The loop of both stages, each of which averages its own images."""
        return Loop(self.search_length + self.method.loop.iterations)

    def with_loop(self, loop: Loop) -> Self:
        iterations, search = loop.iterations, self.search_length
        if is_known(iterations) and is_known(search):
            require(
                bool(iterations > search),
                f"iterations is {iterations}, and the search takes {search}; accepted: from "
                f"{search + 1} up",
            )
        own = dataclasses.replace(self.method.loop, iterations=iterations - search)
        return dataclasses.replace(self, method=self.method.with_loop(own))

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        fit = Stage("fit", self.step, self.loop.iterations)
        if len(self.weights) == 1:
            return (fit,)
        return Stage("search", self._search, self.search_length), fit

    def check(self, problem: Problem) -> None:
        self.method.check(problem)

    def init(self, problem: Problem, key: jax.Array) -> SelfTunedState:
        count = self.projectors
        if count is None:
            count = 1 if jax.default_backend() == "cpu" else _ON_ACCELERATORS
        # The first projector of several is the one that there would be alone.
        keys = jnp.stack([key, *(jax.random.fold_in(key, number) for number in range(1, count))])
        fits = jax.vmap(lambda key: self.method.init(problem, key))(keys)
        blank = jnp.zeros(problem.image.shape, problem.image.dtype)
        weights = len(self.weights)
        return SelfTunedState(
            iteration=jnp.int32(0),
            searches=jax.tree.map(lambda leaf: jnp.stack([leaf[0]] * weights), fits),
            averages=jnp.stack([blank] * weights),
            average=blank,
            errors=jnp.full(weights, jnp.inf),
            held_out=drawn(problem, self.held_out, jax.random.fold_in(key, 0)),
            fits=fits,
        )

    def _search(self, problem: Problem, state: SelfTunedState) -> SelfTunedState:
        """One iteration with every weight; after the last the errors of what was held out."""
        fewer = without(problem, state.held_out)
        count = state.iteration + 1

        def searched(weight: jax.Array, before: FitState, past: jax.Array) -> Any:
            method = self._with_weight(weight).adjusted(iterations=self.search_iterations)
            search = method.step(fewer, before)
            return search, averaging.added(past, search.image, _SEARCH_EMA_DECAY)

        searches, averages = each(searched)(self._weights, state.searches, state.averages)

        def error(search: FitState, average: jax.Array) -> jax.Array:
            image = averaging.mean(average, count, _SEARCH_EMA_DECAY)
            predicted, observed = (
                search.units.measured(part(state.held_out, values))
                for values in (problem.operator(problem.in_range(image)), problem.observation)
            )
            found = self.method.objective(image, predicted, observed).fidelity
            return jnp.where(jnp.isnan(found), jnp.inf, found)

        return dataclasses.replace(
            state,
            iteration=count,
            searches=searches,
            averages=averages,
            errors=if_true(
                count == self.search_iterations,
                lambda _: each(error)(searches, averages),
                state.errors,
            ),
        )

    def step(self, problem: Problem, state: SelfTunedState) -> SelfTunedState:
        """One iteration of every projector, with the weight that was found."""
        method = self._with_weight(self.weight(state))
        fits = each(functools.partial(method.step, problem))(state.fits)
        image = jnp.mean(fits.image, axis=0)
        average = averaging.added(state.average, image, self._ema_decay)
        return dataclasses.replace(state, iteration=state.iteration + 1, fits=fits, average=average)

    def weight(self, state: SelfTunedState) -> jax.Array:
        """The weight with the least error so far; the greatest before there is any."""
        return self._weights[jnp.argmin(state.errors)]

    def image(self, problem: Problem, state: SelfTunedState) -> jax.Array:
        """The average of the images of the fit; in the search that of its middle weight."""
        done, search = state.iteration, self.search_length
        middle = state.averages[self._middle]
        in_search = averaging.mean(middle, jnp.maximum(done, 1), _SEARCH_EMA_DECAY)
        in_fit = averaging.mean(state.average, jnp.maximum(done - search, 1), self._ema_decay)
        return jnp.where(done <= search, in_search, in_fit)

    def measured(self, problem: Problem, state: SelfTunedState) -> dict[str, jax.Array]:
        """What `Untrained` measures, the mean over the projectors, and the weight that was found.

        In the search what is measured of its middle weight, and that.
        """
        is_search = state.iteration <= self.search_length
        middle = jax.tree.map(lambda leaf: leaf[self._middle], state.searches)
        search = self.method.measured(problem, middle)
        fits = jax.vmap(lambda fit: self.method.measured(problem, fit))(state.fits)
        values = {name: jnp.where(is_search, search[name], jnp.mean(fits[name])) for name in search}
        searched = self._weights[self._middle]
        return values | {"weight": jnp.where(is_search, searched, self.weight(state))}

    def uncertainty(self, problem: Problem, state: SelfTunedState) -> jax.Array | None:
        """The standard deviation over the projectors, None if there is one."""
        images = state.fits.image
        if images.shape[0] == 1:
            return None
        variance = jnp.mean(jnp.square(jnp.abs(images - jnp.mean(images, 0, keepdims=True))), -1)
        return jnp.sqrt(jnp.sum(variance, axis=0) / (images.shape[0] - 1))

    def trees(self, state: SelfTunedState) -> Trees:
        """Those of the projector; of several, stacked along the first axis of every leaf."""
        fits = state.fits
        if fits.iteration.shape[0] == 1:
            fits = jax.tree.map(lambda leaf: leaf[0], fits)
        return self.method.trees(fits)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        passed = adjustments_of(self, "method")
        del passed["stopping"]
        return passed | {
            "iterations": self._with_iterations,
            "regularizer_weight": lambda weight: dataclasses.replace(self, weights=(weight,)),
            "projectors": lambda count: dataclasses.replace(self, projectors=count),
        }

    def _with_iterations(self, iterations: int) -> Self:
        """Another limit for the fit; the search keeps its share."""
        method = self.method.adjusted(iterations=iterations)
        if len(self.weights) == 1:
            return dataclasses.replace(self, method=method)
        share = self.search_iterations / self.method.loop.iterations
        search = max(1, round(float(share) * iterations))
        return dataclasses.replace(self, method=method, search_iterations=search)

    @property
    def _ema_decay(self) -> float | jax.Array:
        return 0.0 if self.method.loop.ema_decay is None else self.method.loop.ema_decay

    @property
    def _middle(self) -> int:
        """The number of the weight whose fit is shown in the search."""
        return len(self.weights) // 2

    @property
    def _weights(self) -> jax.Array:
        return jnp.stack([jnp.asarray(weight, jnp.float32) for weight in self.weights])

    def _with_weight(self, weight: jax.Array) -> Untrained:
        return self.method.adjusted(regularizer_weight=weight)
