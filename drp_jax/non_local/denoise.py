"""Denoising by collaborative filtering: `denoise`, and the same step by step as a method."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.batching import if_true
from drp_jax.errors import is_known, require, require_kind, require_picture, require_whole
from drp_jax.method import MOST_ITERATIONS, Loop, Method, Stage
from drp_jax.noise import Gaussian, NoiseFree, Poisson
from drp_jax.non_local.clipping import unclip
from drp_jax.non_local.collaborative import (
    Filtered,
    check_search,
    hard_threshold_step,
    ridge_step,
    wiener_step,
)
from drp_jax.non_local.noise_estimate import local_mean
from drp_jax.non_local.noise_model import NoiseModel, noise_model
from drp_jax.non_local.noise_spectrum import SIZE, NoiseSpectrum, passed_by_means
from drp_jax.non_local.noisy_image import NoisyImage, check_strength, noisy_image
from drp_jax.non_local.scales import doubled
from drp_jax.operators import Identity
from drp_jax.problem import SMALLEST_SIDE, UNIT, Problem, check_values
from drp_jax.pytrees import fixed, record

# What is left of the noise where it is averaged best: over 64 patches that are alike.
_LEAST_LEFT = 1 / 8
# Far below the steps of 8 bits: a picture with less noise is left as it is.
_LEAST_LEVEL = 1e-4
_PHOTON_WINDOW = 7
_VISIBLY_SMOOTH = 1.25
# What is left in the larger picture, by frequency, of noise that was removed from the smaller one:
# what a mean of 2 x 2 pixels does not let through, and what the filter left.
_PASSED = passed_by_means(np.arange(SIZE)) ** 2
_LEFT_OF_COARSE = np.sqrt(1 - 0.45 * np.outer(_PASSED, _PASSED))[..., None].astype(np.float32)


def denoise(
    image: jax.Array,
    sigma: jax.typing.ArrayLike | NoiseSpectrum | None = None,
    *,
    strength: jax.typing.ArrayLike = 1.0,
    refinements: tuple[int, ...] = (64,),
    radius: int = 12,
) -> Filtered:
    """Removes noise from a picture: a hard threshold, Wiener, then ridge steps.

    If the noise is not white, this is done first at half the size, and what that took away is taken
    from the picture. What clipping at black and white did to the noise is undone. A picture whose
    noise is below 1e-4 comes back as it is.

    Args:
      image: `[H, W, C]`, values in [0, 1], both sides from 8 up.
      sigma: standard deviation of the noise (intensity), one number or `[H, W]`, or its spectrum.
        By default it is estimated: how much there is, at which scale and brightness, and whether
        some of it is impulses, which are then filled in first.
      strength: what the deviation is multiplied by, above 0: less than 1 keeps more of the grain,
        more smooths more.
      refinements: number of patches per group of every ridge step, each from 1 up.
      radius: how far similar patches are looked for, in pixels along each axis, from 4 to 64.

    Returns:
      The picture, values in [0, 1], and its uncertainty as `spread`: how far the estimates of a
      pixel are apart, and beside it what any average leaves of the noise.
    """
    require_picture(image, "image", SMALLEST_SIDE)
    check_values(image, "image", UNIT)
    check_filters(refinements, radius)
    noisy = without_coarse_noise(noisy_image(image, sigma, strength), refinements, radius)
    return finished(noisy, _all_steps(noisy, refinements, radius))


def without_coarse_noise(
    noisy: NoisyImage, refinements: tuple[int, ...], radius: int
) -> NoisyImage:
    """A picture without the noise that it has at half the size too; white noise stays."""
    coarse, spectrum = noisy.coarse, noisy.spectrum
    if coarse is None or spectrum is None:
        return noisy

    def filtered(_: jax.Array) -> jax.Array:
        return _all_steps(coarse, refinements, radius).image

    has_noise = coarse.level > _LEAST_LEVEL
    clean = if_true(has_noise, filtered, coarse.image)
    image = noisy.image + doubled(clean - coarse.image, *noisy.image.shape[:2])
    left = jnp.where(has_noise, _LEFT_OF_COARSE, 1.0)
    return dataclasses.replace(noisy, image=image, spectrum=left * spectrum, coarse=None)


def _all_steps(noisy: NoisyImage, refinements: tuple[int, ...], radius: int) -> Filtered:
    filtered = Filtered(noisy.image, jnp.zeros(noisy.image.shape[:2]))
    for _, apply in filter_steps(refinements, radius):
        filtered = apply(noisy, filtered)
    return filtered


def finished(noisy: NoisyImage, filtered: Filtered) -> Filtered:
    """A filtered picture without the bias of clipping, or the picture itself if it has no noise."""
    denoised = unclip(filtered.image, noisy.image, noisy.level)
    is_noisy = noisy.level > _LEAST_LEVEL
    image = jnp.where(is_noisy, denoised, jnp.clip(noisy.image, 0, 1))
    return Filtered(image, jnp.hypot(filtered.spread, _LEAST_LEFT * noisy.deviation))


def check_filters(refinements: tuple[int, ...], radius: int) -> None:
    """Raises InputError if a value is out of its range."""
    require_kind(refinements, tuple, "refinements", "a tuple of whole numbers")
    for count in (1, *refinements):
        check_search(count, radius)


FilterStep = Callable[[NoisyImage, Filtered], Filtered]
"""From the noisy picture and the picture after the step before."""


def filter_steps(refinements: tuple[int, ...], radius: int) -> list[tuple[str, FilterStep]]:
    """The steps of `denoise` with their names."""

    def threshold(noisy: NoisyImage, _: Filtered) -> Filtered:
        return hard_threshold_step(
            noisy.image, noisy.deviation, spectrum=noisy.spectrum, radius=radius
        )

    def refined(step: Callable[..., Filtered], **options: int) -> FilterStep:
        def apply(noisy: NoisyImage, pilot: Filtered) -> Filtered:
            noise = noisy.deviation
            return step(
                noisy.image, pilot, noise, spectrum=noisy.spectrum, radius=radius, **options
            )

        return apply

    ridges = [("ridge", refined(ridge_step, count=count)) for count in refinements]
    return [("hard threshold", threshold), ("Wiener", refined(wiener_step)), *ridges]


def _filtered(apply: FilterStep, problem: Problem, state: "DenoiseState") -> "DenoiseState":
    return dataclasses.replace(state, filtered=apply(state.noisy, state.filtered))


@record
class DenoiseState:
    """The picture between two steps of `Denoise`.

    Attributes:
      noisy: the picture, its values brought to [0, 1], and its noise.
      filtered: it after the last step.
      low: what 0 stands for in the observation.
      span: what 1 stands for above that.
    """

    noisy: NoisyImage
    filtered: Filtered
    low: jax.Array
    span: jax.Array


@record
class Denoise(Method):
    """`denoise`, one step an iteration.

    The image of every step is finished, so that a run may end after any. Noise that the problem
    states is taken as stated, and is estimated otherwise.

    Attributes:
      refinements: as in `denoise`.
      radius: as in `denoise`.
      strength: as in `denoise`.
      iterations: limit on the number of steps, from 1 up; all are taken if None.
      known: the noise where a problem does not state it; told from the observation if None.

    Raises:
      InputError: if a value is out of its range.
    """

    refinements: tuple[int, ...] = fixed(default=(64,))
    radius: int = fixed(default=12)
    strength: float | jax.Array = 1.0
    iterations: int | jax.Array | None = None
    known: NoiseModel | None = None
    name: str = fixed(default="non-local")

    measures: ClassVar[tuple[str, ...]] = ("residual",)
    is_finite_process: ClassVar[bool] = True
    is_local: ClassVar[bool] = True
    advice: ClassVar[str] = "The observation may hold values that are too large."

    def __post_init__(self) -> None:
        require_kind(self.name, str, "name", "a string")
        check_filters(self.refinements, self.radius)
        check_strength(self.strength)
        kinds = (NoiseModel, type(None))
        require_kind(self.known, kinds, "known", "None, or what noise_model gives")
        if self.iterations is not None:
            require_whole(self.iterations, "iterations", 1, MOST_ITERATIONS)

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        steps = 2 + len(self.refinements)
        if self.iterations is None:
            return Loop(steps)
        least = min if is_known(self.iterations) else jnp.minimum
        return Loop(least(steps, self.iterations))

    def check(self, problem: Problem) -> None:
        kind = type(problem.operator).__name__
        require(
            isinstance(problem.operator, Identity),
            f"method {self.name} here denoises, and the operator is {kind}; accepted: Identity, or "
            "a method for another task",
        )
        require(
            not problem.complex_image,
            f"method {self.name} denoises real pictures, and the image is complex; accepted: "
            "drp-dip for task reconstruct",
        )
        require(
            not isinstance(problem.noise, NoiseFree),
            "noise is NoiseFree() and the operator Identity: there is nothing to restore; "
            "accepted: Gaussian(...) or Poisson(...)",
        )

    def init(self, problem: Problem, key: jax.Array) -> DenoiseState:
        low, span = _ends(problem)
        image, sigma = (problem.observation - low) / span, _sigma(problem, span)
        if sigma is None and self.known is not None:
            noisy = self.known.of(image, jnp.asarray(self.strength, image.dtype))
        else:
            noisy = noisy_image(image, sigma, self.strength)
        noisy = without_coarse_noise(noisy, self.refinements, self.radius)
        blank = Filtered(noisy.image, jnp.zeros(noisy.image.shape[:2]))
        return DenoiseState(noisy, blank, low, span)

    def informed(self, sample: Problem) -> "Denoise":
        """The same, told the noise of a sample unless that is stated."""
        low, span = _ends(sample)
        if _sigma(sample, span) is not None:
            return self
        return dataclasses.replace(self, known=noise_model((sample.observation - low) / span))

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        steps = filter_steps(self.refinements, self.radius)
        return tuple(
            Stage(name, functools.partial(_filtered, apply), end)
            for end, (name, apply) in enumerate(steps, start=1)
        )

    def image(self, problem: Problem, state: DenoiseState) -> jax.Array:
        return state.low + state.span * finished(state.noisy, state.filtered).image

    def measured(self, problem: Problem, state: DenoiseState) -> dict[str, jax.Array]:
        """The root mean square of what was taken away."""
        removed = problem.observation - self.image(problem, state)
        return {"residual": jnp.sqrt(jnp.mean(jnp.square(removed)))}

    def uncertainty(self, problem: Problem, state: DenoiseState) -> jax.Array:
        return state.span * finished(state.noisy, state.filtered).spread

    def remark(self, state: DenoiseState) -> str:
        """How strong the noise was taken to be, and over how many pixels it was smooth."""
        level = 255 * float(state.noisy.level) / float(self.strength)
        parts = [f"noise: {level:.1f} of 255"]
        if float(state.noisy.width) >= _VISIBLY_SMOOTH:
            width = round(float(state.noisy.width))
            parts.append(f"smooth over about {max(width, 2)} pixels")
        if state.noisy.jpeg_quality is not None and int(state.noisy.jpeg_quality):
            parts.append(f"JPEG of quality {int(state.noisy.jpeg_quality)}")
        return ", ".join(parts)

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        return {
            "iterations": lambda iterations: dataclasses.replace(self, iterations=iterations),
            "radius": lambda radius: dataclasses.replace(self, radius=radius),
            "strength": lambda strength: dataclasses.replace(self, strength=strength),
        }


def _ends(problem: Problem) -> tuple[jax.Array, jax.Array]:
    """What 0 stands for in an observation, and what 1 stands for above that."""
    observation = problem.observation
    bounds = problem.value_range or (jnp.min(observation), jnp.max(observation))
    low, high = (jnp.asarray(bound, jnp.float32) for bound in bounds)
    return low, jnp.where(high > low, high - low, 1.0)


def _sigma(problem: Problem, span: jax.Array) -> jax.Array | None:
    """The stated noise as a deviation for an image in [0, 1], None if it is to be estimated."""
    noise, observation = problem.noise, problem.observation
    if isinstance(noise, Poisson):
        mean = jnp.mean(local_mean(observation, _PHOTON_WINDOW), axis=-1)
        return noise.deviation(mean) / span
    if isinstance(noise, Gaussian) and noise.level is not None:
        level = jnp.asarray(noise.level, jnp.float32)
        if level.ndim == 3:  # one per channel: their root mean square
            level = jnp.sqrt(jnp.mean(jnp.square(level), axis=-1))
        if level.ndim > 0:
            level = jnp.broadcast_to(level, observation.shape[:2])
        return level / span
    return None
