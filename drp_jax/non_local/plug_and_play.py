"""Plug-and-play: a denoiser takes turns with what the observation says."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.errors import (
    plugged_in,
    require,
    require_form,
    require_kind,
    require_number,
    require_whole,
    shown,
)
from drp_jax.method import Loop, Method, Stage
from drp_jax.noise import NoiseFree
from drp_jax.non_local.collaborative import (
    LEAST_RADIUS,
    MOST_RADIUS,
    Filtered,
    hard_threshold_step,
    ridge_step,
)
from drp_jax.non_local.noise_estimate import local_variance
from drp_jax.operators import (
    Identity,
    Mask,
    Operator,
    back_projection,
    filled_back_projection,
    is_seen,
)
from drp_jax.problem import Problem
from drp_jax.pytrees import as_pytree, fixed, record
from drp_jax.units import Units

Denoiser = Callable[[jax.Array, jax.Array], jax.Array | Filtered]
"""From an image `[H, W, C]` about in [0, 1] and the deviation of its noise to a clean image."""

_TEXTURE_WINDOW = 7
_SMOOTH_DEVIATION = 0.02  # of what an image without visible texture has in 7 x 7 pixels


@record
class CollaborativeDenoiser:
    """A hard threshold on groups of patches, then ridge regression if it is to be refined.

    Attributes:
      patch: side of a patch in pixels, from 4 to 32: the larger, the fewer known pixels are enough.
      refined: whether a ridge step follows.
      radius: how far similar patches are looked for, in pixels along each axis, from 4 to 64.

    Raises:
      InputError: if a value is out of its range.
    """

    patch: int = fixed(default=8)
    refined: bool = fixed(default=False)
    radius: int = fixed(default=12)

    def __post_init__(self) -> None:
        require_whole(self.patch, "patch", 4, 32)
        require_whole(self.radius, "radius", LEAST_RADIUS, MOST_RADIUS)
        require_kind(self.refined, bool, "refined", "True or False")

    def __call__(self, image: jax.Array, sigma: jax.Array) -> Filtered:
        pilot = hard_threshold_step(image, sigma, patch=self.patch, radius=self.radius)
        return ridge_step(image, pilot, sigma, radius=self.radius) if self.refined else pilot


@record
class PlugAndPlayState:
    """The image between two steps; images are brought to [0, 1].

    Attributes:
      step: number of steps done.
      image: the image `[H, W, C]`.
      change: what the last step added to it.
      start: the smooth image that it started from.
      spread: mean of the denoisers' spreads, `[H, W]`.
      level: noise level of the last step.
      units: the units of the problem.
    """

    step: jax.Array
    image: jax.Array
    change: jax.Array
    start: jax.Array
    spread: jax.Array
    level: jax.Array
    units: Units


@record
class PlugAndPlay(Method):
    """Denoises, and adds what the observation has more, at noise levels that fall geometrically.

    For observations without noise that depend linearly on the image: gaps and enlargement. From
    Tirer and Giryes, Image restoration by iterative denoising and backward projections (TIP 2019),
    with falling levels, momentum, and `operators.back_projection` in place of the pseudoinverse,
    which for masks it is. Where nothing was observed and the image is smooth, it is averaged with
    the smooth image that it started from.

    Attributes:
      denoiser: any function of an image about in [0, 1] and the deviation of its noise, that gives
        an image or a `Filtered`; or several, each for an equal stretch of the steps.
      steps: number of steps, from 1 up.
      first: noise level of the first step (intensity), above 0, if the observation depends on all
        pixels; times the root of their share where it depends on fewer, since what was filled in
        between few is smooth already.
      last: noise level of the last step (intensity), above 0.
      momentum: how much of the last change is made again before the image is denoised, in [0, 1).

    Raises:
      InputError: if a value is out of its range.
    """

    denoiser: Any = CollaborativeDenoiser()
    steps: int | jax.Array = 20
    first: float | jax.Array = 0.3
    last: float | jax.Array = 0.01
    momentum: float | jax.Array = 0.5
    name: str = fixed(default="non-local")

    measures: ClassVar[tuple[str, ...]] = ("change", "residual", "noise_level")
    is_finite_process: ClassVar[bool] = True
    advice: ClassVar[str] = "The denoiser may give values that are not finite."

    def __post_init__(self) -> None:
        given = self.denoiser if type(self.denoiser) in (tuple, list) else (self.denoiser,)
        require(len(given) > 0, f"denoiser is {shown(given)}; accepted: one function or more")
        denoisers = tuple(as_pytree(one, "denoiser") for one in given)
        object.__setattr__(self, "denoiser", denoisers)
        require_kind(self.name, str, "name", "a string")
        require_whole(self.steps, "steps", 1, 1_000_000)
        for name in ("first", "last"):
            level = getattr(self, name)
            require_number(level, f"{name} noise level", 0, least_allowed=False, accepted="above 0")
        require_number(self.momentum, "momentum", 0, 1, most_allowed=False, accepted="in [0, 1)")

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(self.steps)

    def check(self, problem: Problem) -> None:
        require(
            not isinstance(problem.operator, Identity),
            "the operator is Identity, of which an observation without noise is the image; "
            "accepted: an operator, like Mask or Downsample, or a method that denoises",
        )
        require(
            problem.noise is None or isinstance(problem.noise, NoiseFree),
            f"noise is {type(problem.noise).__name__}, and plug-and-play keeps what was observed; "
            "accepted: NoiseFree(), or another method, like drp-dip for task reconstruct",
        )
        require(
            not problem.complex_image,
            "plug-and-play takes real images; accepted: drp-dip for task reconstruct",
        )

    def init(self, problem: Problem, key: jax.Array) -> PlugAndPlayState:
        units = Units.of(problem)
        image = filled_back_projection(problem.operator, problem.observation, problem.image)
        start = units.unit(image)
        for denoiser in self.denoiser:  # which fails here, if so, before anything is compiled
            jax.eval_shape(functools.partial(_filtered, denoiser), start, jnp.float32(0))
        return PlugAndPlayState(
            step=jnp.int32(0),
            image=start,
            change=jnp.zeros_like(start),
            start=start,
            spread=jnp.zeros(start.shape[:2]),
            level=jnp.float32(0),
            units=units,
        )

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        count, stages = len(self.denoiser), []
        for _, stretch in itertools.groupby(enumerate(self.denoiser, start=1), key=_program):
            *_, (last, denoiser) = stretch
            step = functools.partial(self._stepped, denoiser)
            stages.append(Stage("", step, -(-last * self.steps // count)))
        return tuple(stages)

    def image(self, problem: Problem, state: PlugAndPlayState) -> jax.Array:
        seen = is_seen(problem.operator, problem.image)
        smooth = jnp.where(seen, state.image, _smoothed(state.image, state.start))
        return state.units.image(smooth)

    def measured(self, problem: Problem, state: PlugAndPlayState) -> dict[str, jax.Array]:
        """Root mean squares in units of the image and the observation, and the step's level.

        The change that the step made, and how far the image is from the observation.
        """
        left = jax.tree.leaves(_missing(problem, self.image(problem, state)))
        power = sum(jnp.sum(jnp.square(jnp.abs(leaf))) for leaf in left)
        residual = jnp.sqrt(power / sum(leaf.size for leaf in left))
        change = state.units.span * jnp.sqrt(jnp.mean(jnp.square(state.change)))
        return {"change": change, "residual": residual, "noise_level": state.level}

    def uncertainty(self, problem: Problem, state: PlugAndPlayState) -> jax.Array:
        return state.units.span * state.spread

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        return {"iterations": lambda steps: dataclasses.replace(self, steps=steps)}

    def _stepped(
        self, denoiser: Denoiser, problem: Problem, state: PlugAndPlayState
    ) -> PlugAndPlayState:
        operator, units = problem.operator, state.units
        seen = is_seen(operator, problem.image)
        start = self.first * jnp.sqrt(jnp.mean(seen))
        share = state.step / jnp.maximum(self.steps - 1, 1)
        level = start * (self.last / start) ** share
        filtered = _filtered(denoiser, state.image + self.momentum * state.change, level)
        missing = _missing(problem, units.image(filtered.image))
        added = back_projection(operator, missing, problem.image) / units.span
        image = units.unit(problem.in_range(units.image(filtered.image + added)))
        spread = filtered.spread * _unpinned(operator)
        return PlugAndPlayState(
            step=state.step + 1,
            image=image,
            change=image - state.image,
            start=state.start,
            spread=(state.step * state.spread + spread) / (state.step + 1),
            level=level,
            units=units,
        )


def _program(numbered: tuple[int, Denoiser]) -> Any:
    """The same for denoisers that are one program, so that it is compiled once."""
    leaves, structure = jax.tree.flatten(numbered[1])
    return structure if not leaves else object()


def _filtered(denoiser: Denoiser, image: jax.Array, level: jax.Array) -> Filtered:
    """What a denoiser gives, with a spread of zero if it gives none."""
    given = f"an image {image.shape} and a noise level"
    with plugged_in("denoiser", given):
        result = denoiser(image, level)
    if not isinstance(result, Filtered):
        result = Filtered(result, jnp.zeros(image.shape[:2]))
    require_form(result.image, image, "denoiser", given)
    return result


def _missing(problem: Problem, image: jax.Array) -> Any:
    """What the observation has more than the image gives."""
    predicted = problem.operator(image)
    return jax.tree.map(jnp.subtract, problem.observation, predicted)


def _smoothed(image: jax.Array, start: jax.Array) -> jax.Array:
    """The image where it has texture, and `start` where it is smooth."""
    variance = local_variance(image, _TEXTURE_WINDOW)
    share = variance / (variance + _SMOOTH_DEVIATION**2)
    return share * image + (1 - share) * start


def _unpinned(operator: Operator) -> jax.Array:
    """How much of each pixel the observation leaves open: `[H, W]` for a mask, or one number."""
    if isinstance(operator, Mask):
        return 1 - jnp.mean(jnp.asarray(operator.mask, jnp.float32), axis=-1)
    return jnp.ones(())
