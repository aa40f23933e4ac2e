"""Plug-and-play: a denoiser takes turns with what the observation says."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from drp_jax.errors import require, require_kind, require_number, require_whole
from drp_jax.method import Loop, Method, Stage
from drp_jax.noise import Gaussian, NoiseFree
from drp_jax.non_local.denoisers import (
    CollaborativeDenoiser,
    Denoiser,
    as_denoisers,
    check_denoisers,
    filtered_by,
    stretches,
)
from drp_jax.non_local.noise_estimate import known_noise_level, local_variance, noise_level
from drp_jax.operators import (
    Downsample,
    Identity,
    Mask,
    Operator,
    back_projected_change,
    filled_back_projection,
    is_seen,
)
from drp_jax.problem import SMALLEST_SIDE, Problem
from drp_jax.pytrees import fixed, record
from drp_jax.units import Units

_TEXTURE_WINDOW = 7
_CAUTION = 0.1  # how much the variance of the noise counts against the observation
_SMOOTH_DEVIATION = 0.02  # of what an image without visible texture has in 7 x 7 pixels


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
      noise: deviation of the noise that the observation is taken to have, 0 for none.
      units: the units of the problem.
    """

    step: jax.Array
    image: jax.Array
    change: jax.Array
    start: jax.Array
    spread: jax.Array
    level: jax.Array
    noise: jax.Array
    units: Units


@record
class PlugAndPlay(Method):
    """Denoises, and adds what the observation has more, at noise levels that fall geometrically.

    For observations that depend linearly on the image: gaps and enlargement. From
    Tirer and Giryes, Image restoration by iterative denoising and backward projections (TIP 2019),
    with falling levels, momentum, and `operators.back_projection` in place of the pseudoinverse,
    which for masks it is. Where nothing was observed and the image is smooth, it is averaged with
    the smooth image that it started from.

    Noise of a stated level, `Gaussian(level)`, or that is told from the picture itself, a masked or
    a small one, enters the steps: what the observation has more is added as far as it is no noise,
    by `level^2 / (level^2 + 0.1 noise^2)`, the levels fall to that of the noise, times the same
    root, and the last step ends with the denoised image. Without noise what was observed stays.

    Attributes:
      denoiser: any function of an image about in [0, 1] and the deviation of its noise, that gives
        an image or a `Filtered`; or several, each for an equal stretch of the steps.
      steps: number of steps, from 1 up.
      first: noise level of the first step (intensity), above 0, if the observation depends on all
        pixels; times the root of their share where it depends on fewer, since what was filled in
        between few is smooth already.
      last: noise level of the last step (intensity), above 0.
      momentum: how much of the last change is made again before the image is denoised, in [0, 1).
      known: deviation of the noise where a problem states none, for an image in [0, 1]; told from
        the observation if None.

    Raises:
      InputError: if a value is out of its range.
    """

    denoiser: Any = CollaborativeDenoiser()
    steps: int | jax.Array = 20
    first: float | jax.Array = 0.3
    last: float | jax.Array = 0.01
    momentum: float | jax.Array = 0.5
    known: float | jax.Array | None = None
    name: str = fixed(default="non-local")

    measures: ClassVar[tuple[str, ...]] = ("change", "residual", "noise_level")
    is_finite_process: ClassVar[bool] = True
    is_local: ClassVar[bool] = True
    advice: ClassVar[str] = "The denoiser may give values that are not finite."

    def __post_init__(self) -> None:
        object.__setattr__(self, "denoiser", as_denoisers(self.denoiser))
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
        noise = problem.noise
        is_told = isinstance(problem.operator, (Mask, Downsample))
        is_level = isinstance(noise, Gaussian) and (noise.level is not None or is_told)
        require(
            noise is None or isinstance(noise, NoiseFree) or is_level,
            f"noise is {type(noise).__name__}, of which plug-and-play knows no level here; "
            "accepted: NoiseFree(), Gaussian(level), or another method, like drp-dip for task "
            "reconstruct",
        )
        require(
            not problem.complex_image,
            "plug-and-play takes real images; accepted: drp-dip for task reconstruct",
        )

    def init(self, problem: Problem, key: jax.Array) -> PlugAndPlayState:
        units = Units.of(problem)
        image = filled_back_projection(problem.operator, problem.observation, problem.image)
        start = units.unit(image)
        check_denoisers(self.denoiser, start)
        return PlugAndPlayState(
            step=jnp.int32(0),
            image=start,
            change=jnp.zeros_like(start),
            start=start,
            spread=jnp.zeros(start.shape[:2]),
            level=jnp.float32(0),
            noise=self._noise(problem, units),
            units=units,
        )

    def informed(self, sample: Problem) -> "PlugAndPlay":
        """The same, told the noise of a sample unless that is stated."""
        if sample.noise is not None:
            return self
        return dataclasses.replace(self, known=observed_noise(sample))

    def _noise(self, problem: Problem, units: Units) -> jax.Array:
        if problem.noise is None and self.known is not None:
            return jnp.asarray(self.known, jnp.float32)
        return observed_noise(problem, units)

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        return stretches(self.denoiser, self.steps, self._stepped)

    def image(self, problem: Problem, state: PlugAndPlayState) -> jax.Array:
        seen = is_seen(problem.operator, problem.image)
        stays = seen | (state.noise > 0)  # a start with noise is not smooth
        smooth = jnp.where(stays, state.image, _smoothed(state.image, state.start))
        return state.units.image(smooth)

    def measured(self, problem: Problem, state: PlugAndPlayState) -> dict[str, jax.Array]:
        return measured_step(problem, state, self.image(problem, state))

    def uncertainty(self, problem: Problem, state: PlugAndPlayState) -> jax.Array:
        return state.units.span * state.spread

    def remark(self, state: PlugAndPlayState) -> str:
        """How strong the noise was taken to be, if there is some."""
        level = 255 * float(state.noise)
        return f"noise: {level:.1f} of 255" if level > 0 else ""

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        return {"iterations": lambda steps: dataclasses.replace(self, steps=steps)}

    def _stepped(
        self, denoiser: Denoiser, problem: Problem, state: PlugAndPlayState
    ) -> PlugAndPlayState:
        operator, units = problem.operator, state.units
        seen = is_seen(operator, problem.image)
        noise = state.noise
        share = jnp.sqrt(jnp.mean(seen))
        last = jnp.maximum(self.last, share * noise)
        start = jnp.maximum(share * self.first, last)
        done = state.step / jnp.maximum(self.steps - 1, 1)
        level = start * (last / start) ** done
        filtered = filtered_by(denoiser, state.image + self.momentum * state.change, level)
        missing = _missing(problem, units.image(filtered.image))
        added = back_projected_change(operator, missing, problem.image) / units.span
        is_end = (noise > 0) & (state.step + 1 >= self.steps)
        power = jnp.square(level)
        kept = jnp.where(is_end, 0.0, power / (power + _CAUTION * jnp.square(noise)))
        image = units.unit(problem.in_range(units.image(filtered.image + kept * added)))
        spread = filtered.spread * jnp.where(noise > 0, 1.0, _unpinned(operator))
        return PlugAndPlayState(
            step=state.step + 1,
            image=image,
            change=image - state.image,
            start=state.start,
            spread=(state.step * state.spread + spread) / (state.step + 1),
            level=level,
            noise=noise,
            units=units,
        )


def observed_noise(problem: Problem, units: Units | None = None) -> jax.Array:
    """Standard deviation of the noise of an observation, for an image in [0, 1]; 0 for none.

    As stated, or told from the known pixels of a masked picture or from a small one, where nothing
    is stated.
    """
    units = Units.of(problem) if units is None else units
    noise, operator = problem.noise, problem.operator
    if isinstance(noise, Gaussian) and noise.level is not None:
        stated = jnp.sqrt(jnp.mean(jnp.square(jnp.asarray(noise.level, jnp.float32))))
        return stated / (units.gain * units.span)
    if isinstance(noise, NoiseFree) or not isinstance(operator, (Mask, Downsample)):
        return jnp.float32(0)
    picture = units.unit(problem.observation)
    if min(picture.shape[:2]) < SMALLEST_SIDE:
        return jnp.float32(0)
    if isinstance(operator, Mask):
        return known_noise_level(picture, jnp.broadcast_to(operator.mask, picture.shape))
    return jnp.minimum(known_noise_level(picture, jnp.ones_like(picture)), noise_level(picture))


def measured_step(problem: Problem, state: Any, image: jax.Array) -> dict[str, jax.Array]:
    """Root mean squares in units of the image and the observation, and the step's level.

    The change that the step made, and what the observation has more than the image gives.

    Args:
      problem: the problem.
      state: with the `units` of the problem, the `change` of the step and its noise `level`.
      image: the image after the step.
    """
    change = state.units.span * jnp.sqrt(jnp.mean(jnp.square(jnp.abs(state.change))))
    left = jax.tree.leaves(_missing(problem, image))
    power = sum(jnp.sum(jnp.square(jnp.abs(leaf))) for leaf in left)
    residual = jnp.sqrt(power / sum(leaf.size for leaf in left))
    return {"change": change, "residual": residual, "noise_level": state.level}


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
