"""Early stopping without ground truth.

The outputs of an untrained network first approach the clean image and later the noise.
In between they change least, so the variance of the recent outputs has a minimum near the
best one (Wang et al., Early Stopping for Deep Image Prior, TMLR 2023). A rule watches that
variance inside the compiled loop, stops `patience` iterations after its last minimum, and
the solver returns the iterate at the minimum. `Plateau` and `Discrepancy` are the classical
rules beside it: no more progress, and a residual as small as the noise.
"""

import dataclasses
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from flax import struct

from drp_jax.errors import require
from drp_jax.objectives import Terms

_CATCH_UP = 3


@struct.dataclass
class Verdict:
    """What a rule says of an iterate: two boolean scalars.

    Attributes:
      best: it is the best one so far.
      stop: the run should end with it.
    """

    best: jax.Array
    stop: jax.Array


class StoppingRule(Protocol):
    """A hashable rule as a pair of pure functions over a pytree of its own."""

    def init(self, image: jax.Array) -> Any:
        """The state before the first output; `image` gives shape and type only."""

    def update(self, state: Any, image: jax.Array, terms: Terms) -> tuple[Any, Verdict]:
        """The state after the output `image` with its objective, and the verdict on it."""


@struct.dataclass
class MinimumTracker:
    """The least value seen of a measure, and for how many iterations it has stood."""

    least: jax.Array
    age: jax.Array

    @classmethod
    def start(cls) -> "MinimumTracker":
        return cls(least=jnp.float32(jnp.inf), age=jnp.int32(0))

    def update(
        self, value: jax.Array, *, known: jax.Array, patience: int
    ) -> tuple["MinimumTracker", Verdict]:
        """Takes `value` in; while it is not yet `known`, every iterate counts as the best."""
        best = ~known | (value < self.least)
        tracker = MinimumTracker(
            least=jnp.where(known & best, value, self.least),
            age=jnp.where(best, 0, self.age + 1),
        )
        return tracker, Verdict(best=best, stop=tracker.age >= patience)


@dataclasses.dataclass(frozen=True)
class WindowedVariance:
    """ES-WMV: the variance of the last `window` outputs.

    The variance is the mean squared distance of these outputs to their mean. It needs the
    outputs themselves: `window` images of memory.

    Attributes:
      window: number of outputs, from 2 up.
      patience: iterations without a new minimum after which to stop, from 1 up.
    """

    window: int = 100
    patience: int = 1000

    def __post_init__(self) -> None:
        require(self.window >= 2, f"window is {self.window}; accepted: from 2 up")
        _check_patience(self.patience)

    def init(self, image: jax.Array) -> Any:
        outputs = jnp.zeros((self.window, *image.shape), image.dtype)
        return outputs, jnp.int32(0), MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, terms: Terms) -> tuple[Any, Verdict]:
        outputs, count, tracker = state
        outputs = outputs.at[count % self.window].set(image)
        variance = _variance(outputs, around=image)
        known = count + 1 >= self.window
        tracker, verdict = tracker.update(variance, known=known, patience=self.patience)
        return (outputs, count + 1, tracker), verdict


@dataclasses.dataclass(frozen=True)
class ExponentialVariance:
    """ES-EMV: exponentially weighted mean and variance of the outputs.

    Two running values instead of a window:

        variance <- (1 - decay) * (variance + decay * |output - mean|^2)
        mean     <- (1 - decay) * mean + decay * output

    with the mean started at the first output and the variance at zero. A minimum counts only
    from iteration 3 / decay on, because the mean must first fall behind the outputs as far as
    it does later; the original counts from the start.

    Attributes:
      decay: weight of the newest output, in (0, 1).
      patience: iterations without a new minimum after which to stop, from 1 up.
    """

    decay: float = 0.1
    patience: int = 1000

    def __post_init__(self) -> None:
        require(0 < self.decay < 1, f"decay is {self.decay}; accepted: between 0 and 1")
        _check_patience(self.patience)

    def init(self, image: jax.Array) -> Any:
        mean = jnp.zeros(image.shape, image.dtype)
        return mean, jnp.float32(0), jnp.int32(0), MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, terms: Terms) -> tuple[Any, Verdict]:
        mean, variance, count, tracker = state
        mean = jnp.where(count == 0, image, mean)
        difference = image - mean
        squared = jnp.mean(jnp.square(difference))
        variance = (1 - self.decay) * (variance + self.decay * squared)
        mean = mean + self.decay * difference
        count = count + 1
        known = count >= _CATCH_UP / self.decay
        tracker, verdict = tracker.update(variance, known=known, patience=self.patience)
        return (mean, variance, count, tracker), verdict


@dataclasses.dataclass(frozen=True)
class Plateau:
    """Stops when the loss has not fallen noticeably for `patience` iterations.

    The best iterate is the last.

    Attributes:
      patience: from 1 up.
      tolerance: relative fall of the loss that counts, in [0, 1).
    """

    patience: int = 100
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        _check_patience(self.patience)
        require(0 <= self.tolerance < 1, f"tolerance is {self.tolerance}; accepted: in [0, 1)")

    def init(self, image: jax.Array) -> Any:
        return MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, terms: Terms) -> tuple[Any, Verdict]:
        fell = terms.loss < state.least * (1 - self.tolerance)
        value = jnp.where(fell, terms.loss, jnp.inf)
        tracker, verdict = state.update(value, known=jnp.array(True), patience=self.patience)
        return tracker, Verdict(best=jnp.array(True), stop=verdict.stop)


@dataclasses.dataclass(frozen=True)
class Discrepancy:
    """Stops when the residual has come down to the noise (Morozov's principle).

    The best iterate is the last.

    Attributes:
      noise_level: standard deviation of the noise on the observation (intensity), above 0.
        The residual is taken over all entries of the observation, those included that a
        mask makes zero.
    """

    noise_level: float

    def __post_init__(self) -> None:
        require(self.noise_level > 0, f"noise_level is {self.noise_level}; accepted: above 0")

    def init(self, image: jax.Array) -> Any:
        return ()

    def update(self, state: Any, image: jax.Array, terms: Terms) -> tuple[Any, Verdict]:
        return state, Verdict(best=jnp.array(True), stop=terms.residual <= self.noise_level)


def _variance(outputs: jax.Array, *, around: jax.Array) -> jax.Array:
    """Mean squared distance of outputs `[window, H, W, C]` to their mean.

    By the rule of shifted moments around an image near them, so that little cancels; the mean
    is a matrix product, because XLA on CPU reduces a leading axis many times slower.
    """
    window = outputs.shape[0]
    weights = jnp.full(window, 1 / window)
    flat = outputs.reshape(window, -1)
    mean = jnp.dot(weights, flat, precision=jax.lax.Precision.HIGHEST).reshape(around.shape)
    return jnp.mean(jnp.square(outputs - around[None])) - jnp.mean(jnp.square(mean - around))


def _check_patience(patience: int) -> None:
    require(patience >= 1, f"patience is {patience}; accepted: from 1 up")
