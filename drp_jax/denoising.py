"""Denoising by collaborative filtering of the observation."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax

from drp_jax.clipping import unclip
from drp_jax.collaborative import Filtered, hard_threshold_step, ridge_step, wiener_step
from drp_jax.errors import require, require_whole
from drp_jax.impulses import without_impulses
from drp_jax.noise import noise_level, noise_map
from drp_jax.non_local import NonLocalState, NonLocalSteps, Observed
from drp_jax.operators import Identity

# What is left of the noise where it is averaged best: over 64 patches that are alike.
_LEAST_LEFT = 1 / 8
# Far below the steps of 8 bits: a picture with less noise is left as it is.
_LEAST_LEVEL = 1e-4


@struct.dataclass
class NoisyImage:
    """An observation and what was told of its noise.

    Attributes:
      image: the observation without its impulses, `[H, W, C]`.
      level: standard deviation of the noise where it was not clipped.
      deviation: its standard deviation around every pixel, `[H, W]`.
    """

    image: jax.Array
    level: jax.Array
    deviation: jax.Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenoisingSteps(NonLocalSteps):
    """Collaborative filtering of the observation: a hard threshold, Wiener, then ridge steps.

    How much noise there is, at which brightness, whether it was clipped at black and white, and
    whether some of it is impulses, is told from the observation. Runs of fewer iterations leave
    steps out, of more do nothing after the last. The uncertainty is the spread of the estimates
    and, beside it, what any average leaves of the noise.

    Attributes:
      refinements: number of patches per group of every ridge step, each from 1 up.

    Raises:
      InputError: if a value is out of its range; in a run, if the operator is not the identity.
    """

    refinements: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        super().__post_init__()
        most = (2 * self.radius + 1) ** 2
        for count in self.refinements:
            require_whole(count, "patches per group", 1, most)

    def prepared(self, problem: Observed) -> NoisyImage:
        require(
            isinstance(problem.operator, Identity),
            f"these settings denoise, and the operator is {type(problem.operator).__name__}; "
            "accepted: Identity, or settings for another task",
        )
        image = without_impulses(problem.observation, noise_level(problem.observation))
        return NoisyImage(image, noise_level(image), noise_map(image))

    def stepped(
        self, problem: Observed, state: NonLocalState, image: jax.Array, steps: int
    ) -> Filtered:
        noisy: NoisyImage = state.prepared

        def threshold(_: Filtered) -> Filtered:
            return hard_threshold_step(noisy.image, noisy.deviation, radius=self.radius)

        def scale(pilot: Filtered) -> Filtered:
            return wiener_step(noisy.image, pilot, noisy.deviation, radius=self.radius)

        def refine(count: int, pilot: Filtered) -> Filtered:
            return ridge_step(noisy.image, pilot, noisy.deviation, count=count, radius=self.radius)

        def finish(step: Callable[[Filtered], Filtered], pilot: Filtered) -> Filtered:
            filtered = step(pilot)
            spread = jnp.hypot(filtered.spread, _LEAST_LEFT * noisy.deviation)
            denoised = unclip(filtered.image, noisy.image, noisy.level)
            is_noisy = noisy.level > _LEAST_LEVEL
            return Filtered(jnp.where(is_noisy, denoised, jnp.clip(noisy.image, 0, 1)), spread)

        refinements = [functools.partial(refine, count) for count in self.refinements]
        filters: list[Callable[[Filtered], Filtered]] = [threshold, scale, *refinements]
        filters = [*filters[:-1], functools.partial(finish, filters[-1]), lambda done: done]
        index = jnp.minimum(state.step, len(filters) - 1)
        return lax.switch(index, filters, Filtered(image, state.spread))
