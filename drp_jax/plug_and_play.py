"""Gaps and enlargement: a denoiser alternates with what the observation has more."""

import dataclasses
import enum

import jax
import jax.numpy as jnp
from jax import lax

from drp_jax.collaborative import Filtered, hard_threshold_step, ridge_step
from drp_jax.errors import require, require_choice
from drp_jax.noise import local_variance
from drp_jax.non_local import NonLocalState, NonLocalSteps, Observed
from drp_jax.operators import Mask, Operator, estimate, filled_estimate, is_seen

_TEXTURE_WINDOW = 7
_SMOOTH_DEVIATION = 0.02


class Filter(enum.StrEnum):
    """How a step denoises: the larger the patches, the fewer known pixels are enough."""

    COARSE = "threshold of 16 x 16 patches"
    FINE = "threshold of 8 x 8 patches"
    REFINED = "threshold of 8 x 8 patches, then ridge"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlugAndPlaySteps(NonLocalSteps):
    """Denoises, and adds what the observation has more, at noise levels that fall geometrically.

    For observations without noise. From Tirer and Giryes, Image restoration by iterative denoising
    and backward projections (TIP 2019), with falling levels, momentum, the steps of collaborative
    filtering as the denoiser, and `operators.estimate` in place of the pseudoinverse, which for
    masks it is. At last, where nothing was observed and the image is smooth, it is averaged with
    the smooth image that the seed started from.

    Attributes:
      filters: how to denoise, each for an equal stretch of the steps.
      first: noise level of the first step (intensity), above 0, if the observation depends on all
        pixels; times the root of their share where it depends on fewer, since what was filled in
        between few is smooth already.
      last: noise level of the last step (intensity), above 0.
      momentum: how much of the last change is made again before the image is denoised, in [0, 1).

    Raises:
      InputError: if a value is out of its range.
    """

    filters: tuple[Filter, ...] = (Filter.FINE,)
    first: float = 0.3
    last: float = 0.01
    momentum: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(len(self.filters) > 0, "filters is empty; accepted: one or more")
        for kind in self.filters:
            require_choice(kind, Filter, "filter")
        for name in ("first", "last"):
            level = getattr(self, name)
            require(level > 0, f"{name} noise level is {level}; accepted: above 0")
        require(0 <= self.momentum < 1, f"momentum is {self.momentum}; accepted: in [0, 1)")

    def prepared(self, problem: Observed) -> jax.Array:
        """The smooth image `[H, W, C]`."""
        return filled_estimate(problem.operator, problem.observation)

    def stepped(
        self, problem: Observed, state: NonLocalState, image: jax.Array, steps: int
    ) -> Filtered:
        operator, observation = problem.operator, problem.observation
        seen = is_seen(operator, observation)
        levels = jnp.geomspace(self.first * jnp.sqrt(jnp.mean(seen)), self.last, steps)
        ahead = image + self.momentum * state.change
        filtered = self._filtered(ahead, levels[state.step], state.step, steps)
        missing = estimate(operator, observation - operator(filtered.image))
        projected = jnp.clip(filtered.image + missing, 0, 1)
        smooth = jnp.where(seen, projected, _smoothed(projected, state.prepared))
        spread = filtered.spread * _unpinned(operator)
        return Filtered(
            jnp.where(state.step == steps - 1, smooth, projected),
            (state.step * state.spread + spread) / (state.step + 1),
        )

    def _filtered(
        self, image: jax.Array, level: jax.Array, step: jax.Array, steps: int
    ) -> Filtered:
        kinds = list(dict.fromkeys(self.filters))  # each is compiled once
        order = jnp.array([kinds.index(kind) for kind in self.filters])
        branches = [lambda image, kind=kind: self._denoised(kind, image, level) for kind in kinds]
        return lax.switch(order[step * len(self.filters) // steps], branches, image)

    def _denoised(self, kind: Filter, image: jax.Array, level: jax.Array) -> Filtered:
        patch = 16 if kind is Filter.COARSE else 8
        pilot = hard_threshold_step(image, level, patch=patch, radius=self.radius)
        if kind is not Filter.REFINED:
            return pilot
        return ridge_step(image, pilot, level, radius=self.radius)


def _smoothed(image: jax.Array, start: jax.Array) -> jax.Array:
    """The image where it has texture, and `start` where it is smooth."""
    variance = local_variance(image, _TEXTURE_WINDOW)
    share = variance / (variance + _SMOOTH_DEVIATION**2)
    return share * image + (1 - share) * start


def _unpinned(operator: Operator) -> jax.Array:
    """How much of each pixel the observation leaves open: `[H, W]` for a mask, or one number."""
    if isinstance(operator, Mask):
        return 1 - jnp.mean(operator.mask, axis=-1)
    return jnp.ones(())
