"""Measurements that are kept out of a fit, so that it can be judged by how it predicts them.

held_out = drawn(problem.observation, 0.06, key)
image = ...  # from `without(problem, held_out)`
how_bad = error(problem, held_out, image)
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


def drawn(observation: Observation, share: Any, key: jax.Array) -> Observation:
    """A share of the measurements of every array, at least one of each: 1 where it is drawn.

    The strongest tenth is not drawn, as long as there are others. A few of them hold most of an
    image, like those at the centre of k-space: without one the image is another, and what was left
    out there would decide all comparisons.
    """
    leaves, structure = jax.tree.flatten(observation)
    keys = jax.random.split(key, len(leaves))

    def of_one(leaf: jax.Array, key: jax.Array) -> jax.Array:
        size = jnp.abs(leaf).ravel()
        is_strong = size > jnp.nanquantile(jnp.where(size > 0, size, jnp.nan), _STRONG)
        order = jax.random.permutation(key, leaf.size) + leaf.size * is_strong
        rank = jnp.argsort(jnp.argsort(order)).reshape(leaf.shape)
        return (rank < jnp.maximum(1, jnp.round(share * leaf.size))).astype(jnp.float32)

    return jax.tree.unflatten(structure, map(of_one, leaves, keys))


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


def error(problem: Problem, held_out: Observation, image: jax.Array) -> jax.Array:
    """Root mean square of what an image does not predict of what was held out."""
    missed = jax.tree.map(jnp.subtract, problem.observation, problem.operator(image))
    squares = jax.tree.map(lambda values: jnp.square(jnp.abs(values)), part(held_out, missed))
    power = sum(jnp.sum(values) for values in jax.tree.leaves(squares))
    return jnp.sqrt(power / sum(jnp.sum(mask) for mask in jax.tree.leaves(held_out)))


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

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        return self.operator.adjoint(part(self.mask, observation), image)
