"""Non-local steps: updates of the image itself by a denoiser instead of a gradient.

They stand where an optimiser stands in the solver's configuration, for the generator whose image
is its seed (`PixelsConfig`). Every step reads the operator and the observation of the problem; the
first output is what the seed started from.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import lax

from drp_jax.clipping import unclip
from drp_jax.collaborative import Filtered, hard_threshold_step, ridge_step, wiener_step
from drp_jax.errors import require, require_whole
from drp_jax.impulses import without_impulses
from drp_jax.noise import local_variance, noise_level, noise_map
from drp_jax.operators import Identity, Mask, Operator, estimate, filled_estimate, is_seen

MOST_RADIUS = 64

_TEXTURE_WINDOW = 7
_SMOOTH_DEVIATION = 0.02


class Observed(Protocol):
    """What a step reads of the problem."""

    @property
    def operator(self) -> Operator: ...

    @property
    def observation(self) -> jax.Array: ...


@struct.dataclass
class NonLocalState:
    """The state between steps.

    Attributes:
      step: number of steps done.
      spread: how far the estimates of a pixel are apart, `[H, W]`; see `Filtered`.
    """

    step: jax.Array
    spread: jax.Array


@dataclasses.dataclass(frozen=True)
class NonLocalSteps:
    """Base of the two kinds of steps."""

    def transformation(self, iterations: int) -> optax.GradientTransformationExtraArgs:
        """The steps of a run of so many iterations, as an optax transformation of one image."""

        def init(parameters: Any) -> NonLocalState:
            (image,) = jax.tree.leaves(parameters)
            return NonLocalState(jnp.int32(0), jnp.zeros(image.shape[:2], image.dtype))

        def update(
            gradient: Any,
            state: NonLocalState,
            parameters: Any,
            *,
            problem: Observed,
            **_: Any,
        ) -> tuple[Any, NonLocalState]:
            (image,), structure = jax.tree.flatten(parameters)
            filtered = self.stepped(problem, image, state, iterations - 1)
            change = jax.tree.unflatten(structure, [filtered.image - image])
            return change, NonLocalState(state.step + 1, filtered.spread)

        return optax.GradientTransformationExtraArgs(init, update)

    def stepped(
        self, problem: Observed, image: jax.Array, state: NonLocalState, steps: int
    ) -> Filtered:
        """The image after one of `steps` steps, and the new spread."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class DenoisingSteps(NonLocalSteps):
    """Collaborative filtering of the observation: a hard threshold, Wiener, then ridge steps.

    How much noise there is, at which brightness, whether it was clipped at black and white, and
    whether some of it is impulses, is told from the observation. Runs of fewer iterations leave
    steps out, of more do nothing after the last.

    Attributes:
      refinements: number of patches per group of every ridge step, each from 1 up.
      radius: how far like patches are looked for, in pixels along each axis, from 4 to 64.

    Raises:
      InputError: if a value is out of its range; in a run, if the operator is not the identity.
    """

    refinements: tuple[int, ...] = (64,)
    radius: int = 12

    def __post_init__(self) -> None:
        require_whole(self.radius, "radius", 4, MOST_RADIUS)
        most = (2 * self.radius + 1) ** 2
        for count in self.refinements:
            require_whole(count, "patches per group", 1, most)

    def stepped(
        self, problem: Observed, image: jax.Array, state: NonLocalState, steps: int
    ) -> Filtered:
        require(
            isinstance(problem.operator, Identity),
            f"these settings denoise, and the operator is {type(problem.operator).__name__}; "
            "accepted: Identity, or settings for another task",
        )
        noisy = without_impulses(problem.observation, noise_level(problem.observation))
        noise = noise_map(noisy)

        def threshold(_: jax.Array) -> Filtered:
            return hard_threshold_step(noisy, noise, radius=self.radius)

        def refine(count: int, pilot: jax.Array) -> Filtered:
            refined = ridge_step(noisy, pilot, noise, count=count, radius=self.radius)
            # A ridge makes the estimates of a group alike, so that their spread tells less.
            return Filtered(refined.image, state.spread)

        def finish(step: Callable[[jax.Array], Filtered], pilot: jax.Array) -> Filtered:
            filtered = step(pilot)
            image = unclip(filtered.image, noisy, noise_level(noisy))
            return Filtered(image, filtered.spread)

        def scale(pilot: jax.Array) -> Filtered:
            return wiener_step(noisy, pilot, noise, radius=self.radius)

        refinements = [functools.partial(refine, count) for count in self.refinements]
        filters: list[Callable[[jax.Array], Filtered]] = [threshold, scale, *refinements]
        others, last = filters[:-1], filters[-1]
        return lax.switch(
            jnp.minimum(state.step, 1 + len(others)),
            [
                *others,
                functools.partial(finish, last),
                lambda done: Filtered(done, state.spread),
            ],
            image,
        )


@dataclasses.dataclass(frozen=True)
class PlugAndPlaySteps(NonLocalSteps):
    """Denoises, and adds what the observation has more, at noise levels that fall geometrically.

    For observations without noise. From Tirer and Giryes, Image restoration by iterative denoising
    and backward projections (TIP 2019), with falling levels, the first step of collaborative
    filtering as the denoiser, and `operators.estimate` in place of the pseudoinverse, which for
    masks it is. At last, where nothing was observed and the image is smooth, it is averaged with
    the smooth image that the seed started from.

    Attributes:
      first: noise level of the first step (intensity), above 0, if the observation depends on all
        pixels; times the root of their share where it depends on fewer, since what was filled in
        between few is smooth already.
      last: noise level of the last step (intensity), above 0.
      radius: as in `DenoisingSteps`.

    Raises:
      InputError: if a value is out of its range.
    """

    first: float = 0.3
    last: float = 0.01
    radius: int = 12

    def __post_init__(self) -> None:
        require_whole(self.radius, "radius", 4, MOST_RADIUS)
        for name in ("first", "last"):
            level = getattr(self, name)
            require(level > 0, f"{name} noise level is {level}; accepted: above 0")

    def stepped(
        self, problem: Observed, image: jax.Array, state: NonLocalState, steps: int
    ) -> Filtered:
        share = jnp.mean(is_seen(problem.operator, problem.observation))
        levels = jnp.geomspace(self.first * jnp.sqrt(share), self.last, max(steps, 1))

        def finish(image: jax.Array) -> jax.Array:
            """Where nothing is known and the image is smooth, what was filled in is better."""
            start = filled_estimate(problem.operator, problem.observation)
            variance = local_variance(image, _TEXTURE_WINDOW)
            share = variance / (variance + _SMOOTH_DEVIATION**2)
            seen = is_seen(problem.operator, problem.observation)
            return jnp.where(seen, image, share * image + (1 - share) * start)

        def project(image: jax.Array) -> Filtered:
            filtered = hard_threshold_step(image, levels[state.step], radius=self.radius)
            missing = estimate(
                problem.operator, problem.observation - problem.operator(filtered.image)
            )
            spread = filtered.spread * _unpinned(problem.operator)
            mean_spread = (state.step * state.spread + spread) / (state.step + 1)
            projected = jnp.clip(filtered.image + missing, 0, 1)
            is_last = state.step == steps - 1
            return Filtered(lax.cond(is_last, finish, lambda same: same, projected), mean_spread)

        return lax.cond(
            state.step < steps, project, lambda image: Filtered(image, state.spread), image
        )


def _unpinned(operator: Operator) -> jax.Array:
    """How much of each pixel the observation leaves open: `[H, W]` for a mask, or one number."""
    if isinstance(operator, Mask):
        return 1 - jnp.mean(operator.mask, axis=-1)
    return jnp.ones(())
