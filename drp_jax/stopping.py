"""Early stopping without ground truth.

The outputs of an untrained network first approach the clean image and later the noise.
In between they change least, so the variance of the recent outputs has a minimum near the
best one (Wang et al., Early Stopping for Deep Image Prior, TMLR 2023). A rule watches that
variance inside the compiled loop, stops `patience` iterations after its last minimum, and
the solver returns the iterate at the minimum. `Plateau` and `Discrepancy` are the classical
rules beside it: no more progress, and a residual as small as the noise.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.errors import require_number, require_whole
from drp_jax.pytrees import fixed, record

Measures = dict[str, jax.Array]

_CATCH_UP = 3


@record
class Verdict:
    """What a rule says of an iterate: two boolean scalars.

    Attributes:
      best: it is the best one so far.
      stop: the run should end with it.
    """

    best: jax.Array
    stop: jax.Array


class StoppingRule:
    """Base of the rules: a pair of pure functions over a pytree of the rule's own.

    Attributes:
      needs: names of the method's measures that the rule reads.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def init(self, image: jax.Array) -> Any:
        """The state before the first image; `image` gives shape and type only."""
        raise NotImplementedError

    def update(self, state: Any, image: jax.Array, measures: Measures) -> tuple[Any, Verdict]:
        """The state after an image with what was measured of it, and the verdict on it."""
        raise NotImplementedError


@record
class MinimumTracker:
    """The least value seen of a measure, and for how many iterations it has stood."""

    least: jax.Array
    age: jax.Array

    @classmethod
    def start(cls) -> "MinimumTracker":
        return cls(least=jnp.float32(jnp.inf), age=jnp.int32(0))

    def update(
        self, value: jax.Array, *, known: jax.Array, patience: int | jax.Array
    ) -> tuple["MinimumTracker", Verdict]:
        """Takes `value` in; while it is not yet `known`, every iterate counts as the best."""
        best = ~known | (value < self.least)
        tracker = MinimumTracker(
            least=jnp.where(known & best, value, self.least),
            age=jnp.where(best, 0, self.age + 1),
        )
        return tracker, Verdict(best=best, stop=tracker.age >= patience)


@record
class WindowedVariance(StoppingRule):
    """ES-WMV: the variance of the last `window` outputs.

    The variance is the mean squared distance of these outputs to their mean. It needs the
    outputs themselves: `window` images of memory.

    Attributes:
      window: number of outputs, from 2 up.
      patience: iterations without a new minimum after which to stop, from 1 up.
    """

    window: int = fixed(default=100)
    patience: int | jax.Array = 1000

    def __post_init__(self) -> None:
        require_whole(self.window, "window", 2, 100_000)
        _check_patience(self.patience)

    def init(self, image: jax.Array) -> Any:
        outputs = jnp.zeros((self.window, *image.shape), image.dtype)
        return outputs, jnp.int32(0), MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, measures: Measures) -> tuple[Any, Verdict]:
        outputs, count, tracker = state
        outputs = outputs.at[count % self.window].set(image)
        variance = _variance(outputs, around=image)
        known = count + 1 >= self.window
        tracker, verdict = tracker.update(variance, known=known, patience=self.patience)
        return (outputs, count + 1, tracker), verdict


@record
class ExponentialVariance(StoppingRule):
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

    decay: float | jax.Array = 0.1
    patience: int | jax.Array = 1000

    def __post_init__(self) -> None:
        require_number(
            self.decay,
            "decay",
            0,
            1,
            least_allowed=False,
            most_allowed=False,
            accepted="between 0 and 1",
        )
        _check_patience(self.patience)

    def init(self, image: jax.Array) -> Any:
        mean = jnp.zeros(image.shape, image.dtype)
        return mean, jnp.float32(0), jnp.int32(0), MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, measures: Measures) -> tuple[Any, Verdict]:
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


@record
class Plateau(StoppingRule):
    """Stops when the loss has not fallen noticeably for `patience` iterations.

    The best iterate is the last.

    Attributes:
      patience: from 1 up.
      tolerance: relative fall of the loss that counts, in [0, 1).
    """

    needs: ClassVar[tuple[str, ...]] = ("loss",)

    patience: int | jax.Array = 100
    tolerance: float | jax.Array = 1e-3

    def __post_init__(self) -> None:
        _check_patience(self.patience)
        require_number(self.tolerance, "tolerance", 0, 1, most_allowed=False, accepted="in [0, 1)")

    def init(self, image: jax.Array) -> Any:
        return MinimumTracker.start()

    def update(self, state: Any, image: jax.Array, measures: Measures) -> tuple[Any, Verdict]:
        fell = measures["loss"] < state.least * (1 - self.tolerance)
        value = jnp.where(fell, measures["loss"], jnp.inf)
        tracker, verdict = state.update(value, known=jnp.array(True), patience=self.patience)
        return tracker, Verdict(best=jnp.array(True), stop=verdict.stop)


@record
class Discrepancy(StoppingRule):
    """Stops when the residual has come down to the noise (Morozov's principle).

    The best iterate is the last.

    Attributes:
      noise_level: standard deviation of the noise on the observation, in its units, above 0. The
        residual is taken over all entries, those included that a mask makes zero.
    """

    needs: ClassVar[tuple[str, ...]] = ("residual",)

    noise_level: float | jax.Array

    def __post_init__(self) -> None:
        require_number(self.noise_level, "noise_level", 0, least_allowed=False, accepted="above 0")

    def init(self, image: jax.Array) -> Any:
        return ()

    def update(self, state: Any, image: jax.Array, measures: Measures) -> tuple[Any, Verdict]:
        return state, Verdict(best=jnp.array(True), stop=measures["residual"] <= self.noise_level)


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


def _check_patience(patience: int | jax.Array) -> None:
    require_whole(patience, "patience", 1, 10_000_000)
