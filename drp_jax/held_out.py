"""Measurements that are kept out of a fit, so that it can be judged by how it predicts them.

held_out = drawn(problem, 0.06, key)
image = ...  # from `without(problem, held_out)`
errors = squared_errors(problem, held_out, image)
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from drp_jax.errors import require_number
from drp_jax.operators import Operator
from drp_jax.operators.base import Observation, Shape
from drp_jax.problem import Problem
from drp_jax.pytrees import record

_STRONG = 0.9  # quantile of the magnitudes above which measurements always stay


def drawn(problem: Problem, share: Any, key: jax.Array) -> Observation:
    """A share of what was measured of every array, at least one of each: 1 where it is drawn.

    Groups of measurements that tell of each other, as those of several coils, are drawn as a whole:
    see `Operator.grouped`.

    The strongest tenth is not drawn, as long as there are others. A few of them hold most of an
    image, like those at the centre of k-space: without one the image is another, and what was left
    out there would decide all comparisons. What is exactly zero was not measured.
    """
    sizes = jax.tree.map(jnp.abs, problem.observation)
    leaves, structure = jax.tree.flatten(sizes)
    groups = jax.tree.leaves(problem.operator.grouped(sizes))
    keys = jax.random.split(key, len(leaves))

    def of_one(leaf: jax.Array, group: jax.Array, key: jax.Array) -> jax.Array:
        size = group.ravel()
        is_measured = size > 0
        is_strong = size > jnp.nanquantile(jnp.where(is_measured, size, jnp.nan), _STRONG)
        order = jax.random.permutation(key, size.size)
        order += size.size * is_strong + 2 * size.size * ~is_measured
        rank = jnp.argsort(jnp.argsort(order)).reshape(group.shape)
        count = jnp.maximum(1, jnp.round(share * jnp.sum(is_measured)))
        return jnp.broadcast_to((rank < count).astype(jnp.float32), leaf.shape)

    return jax.tree.unflatten(structure, map(of_one, leaves, groups, keys))


def check_share(share: Any, name: str) -> None:
    """Raises InputError unless a share is between 0 and 1."""
    require_number(
        share, name, 0, 1, least_allowed=False, most_allowed=False, accepted="between 0 and 1"
    )


def without(problem: Problem, held_out: Observation) -> Problem:
    """The problem without some of its measurements, which are 0 there and are predicted as 0."""
    kept = jax.tree.map(lambda values: 1 - values, held_out)
    return dataclasses.replace(
        problem,
        operator=_Part(problem.operator, kept),
        observation=part(kept, problem.observation),
    )


def squared_errors(problem: Problem, held_out: Observation, image: jax.Array) -> jax.Array:
    """How far an image is from each measurement that was held out, squared `[N]`; 0 at others."""
    missed = jax.tree.map(jnp.subtract, problem.observation, problem.operator(image))
    squares = [jnp.square(jnp.abs(one)).ravel() for one in jax.tree.leaves(part(held_out, missed))]
    return jnp.concatenate(squares)


def root_mean_square_error(problem: Problem, held_out: Observation, image: jax.Array) -> jax.Array:
    """The root of the mean of the squared errors of the measurements that were held out."""
    errors = squared_errors(problem, held_out, image)
    return jnp.sqrt(jnp.sum(errors) / jnp.maximum(_count(held_out), 1))


def is_clearly_less(errors: jax.Array, others: jax.Array, held_out: Observation) -> jax.Array:
    """Whether the mean of squared errors is below that of others by more than its standard error.

    The standard error is that of the mean of the differences, of all that were held out. Of images
    that predict as well as the noise allows it is chance which has the least error, while they may
    be decibels apart where nothing was measured.
    """
    differences = others - errors
    lead = jnp.sum(differences)
    spread = jnp.sum(jnp.square(differences)) - jnp.square(lead) / _count(held_out)
    return lead > jnp.sqrt(jnp.maximum(spread, 0.0))


def _count(held_out: Observation) -> jax.Array:
    """How many measurements were held out."""
    return jnp.sum(jnp.stack([jnp.sum(mask) for mask in jax.tree.leaves(held_out)]))


def part(mask: Observation, observation: Observation) -> Observation:
    """The measurements where a mask is 1, and zeros where it is 0."""
    return jax.tree.map(lambda kept, values: kept * values, mask, observation)


@record
class _Part(Operator):
    """What an operator predicts, with zeros where a mask is 0."""

    operator: Operator
    mask: Observation

    def __call__(self, image: jax.Array) -> Observation:
        return part(self.mask, self.operator(image))

    def image_shape(self, observation: Observation) -> Shape | None:
        return self.operator.image_shape(observation)

    def known(self, observation: Observation) -> Observation:
        return self.operator.known(observation)

    def grouped(self, observation: Observation) -> Observation:
        return self.operator.grouped(observation)

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        return self.operator.adjoint(part(self.mask, observation), image)
