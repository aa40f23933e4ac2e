"""Denoisers that are plugged in: ours, any function of an image and a noise level, or several."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from drp_jax.errors import plugged_in, require, require_form, require_kind, require_whole, shown
from drp_jax.method import Stage, State
from drp_jax.non_local.collaborative import (
    LEAST_RADIUS,
    MOST_RADIUS,
    Filtered,
    hard_threshold_step,
    ridge_step,
)
from drp_jax.problem import Problem
from drp_jax.pytrees import as_pytree, fixed, record

_COUNT = 48  # patches per group of a ridge step; with 64 it takes a third longer

Denoiser = Callable[[jax.Array, jax.Array], jax.Array | Filtered]
"""From an image `[H, W, C]` about in [0, 1] and the deviation of its noise to a clean image."""


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
        if not self.refined:
            return pilot
        return ridge_step(image, pilot, sigma, count=_COUNT, radius=self.radius)


def as_denoisers(given: Any) -> tuple[Denoiser, ...]:
    """One denoiser or several as a tuple of pytrees.

    Raises:
      InputError: if there is none, or one cannot be called.
    """
    several = given if type(given) in (tuple, list) else (given,)
    require(len(several) > 0, f"denoiser is {shown(several)}; accepted: one function or more")
    return tuple(as_pytree(one, "denoiser") for one in several)


def check_denoisers(denoisers: tuple[Denoiser, ...], image: jax.Array) -> None:
    """Raises `InputError` unless all give an image for such an image, before one is compiled."""
    for denoiser in denoisers:
        jax.eval_shape(functools.partial(filtered_by, denoiser), image, jnp.float32(0))


def stretches(
    denoisers: tuple[Denoiser, ...],
    steps: int | jax.Array,
    stepped: Callable[[Denoiser, Problem, State], State],
) -> tuple[Stage, ...]:
    """The stages of a run in which each denoiser has an equal stretch of the steps.

    Args:
      denoisers: in their order; neighbours that are one program share a stage.
      steps: number of all steps.
      stepped: the state after a step with a denoiser.
    """
    count, stages = len(denoisers), []
    for _, stretch in itertools.groupby(enumerate(denoisers, start=1), key=_program):
        *_, (last, denoiser) = stretch
        step = functools.partial(stepped, denoiser)
        stages.append(Stage("", step, -(-last * steps // count)))
    return tuple(stages)


def _program(numbered: tuple[int, Denoiser]) -> Any:
    """The same for denoisers that are one program, so that it is compiled once."""
    leaves, structure = jax.tree.flatten(numbered[1])
    return structure if not leaves else object()


def filtered_by(denoiser: Denoiser, image: jax.Array, level: jax.Array) -> Filtered:
    """What a denoiser gives, with a spread of zero if it gives none."""
    given = f"an image {image.shape} and a noise level"
    with plugged_in("denoiser", given):
        result = denoiser(image, level)
    if not isinstance(result, Filtered):
        result = Filtered(result, jnp.zeros(image.shape[:2]))
    require_form(result.image, image, "denoiser", given)
    return result
