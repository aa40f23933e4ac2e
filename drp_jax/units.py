"""Units: how images and observations of any size of values become comparable.

Networks and their presets are made for pictures in [0, 1]. The unknown image is therefore
represented by an image of that range, and residuals are divided by what a change of 1 in it does to
the observation. A weight then means the same in k-space, in counts and in pictures; for pictures
nothing changes.
"""

import jax
import jax.numpy as jnp

from drp_jax.operators import gain
from drp_jax.operators.base import Observation
from drp_jax.problem import Problem
from drp_jax.pytrees import record


@record
class Units:
    """The units of a problem; made by `Units.of`.

    Attributes:
      low: what 0 stands for in the image: the least value of its range, or 0 without a range.
      span: what 1 stands for above that: the width of the range. Without a range the root mean
        square of the observation over the operator's gain.
      gain: how much the operator amplifies, see `operators.gain`.
    """

    low: jax.Array
    span: jax.Array
    gain: jax.Array

    @classmethod
    def of(cls, problem: Problem) -> "Units":
        """The units of a problem."""
        amplification = gain(problem.operator, problem.image)
        if problem.value_range is not None:
            low, high = (jnp.asarray(bound, jnp.float32) for bound in problem.value_range)
            return cls(low, high - low, amplification)
        leaves = jax.tree.leaves(problem.observation)
        power = sum(jnp.sum(jnp.square(jnp.abs(leaf))) for leaf in leaves)
        size = sum(leaf.size for leaf in leaves)
        span = jnp.sqrt(power / size) / amplification
        return cls(jnp.zeros(()), jnp.where(span > 0, span, 1.0), amplification)

    def image(self, unit: jax.Array) -> jax.Array:
        """The image that an image in [0, 1] stands for."""
        low = self.low * (1 + 1j) if jnp.iscomplexobj(unit) else self.low
        return low + self.span * unit

    def unit(self, image: jax.Array) -> jax.Array:
        """The inverse of `image`."""
        low = self.low * (1 + 1j) if jnp.iscomplexobj(image) else self.low
        return (image - low) / self.span

    def measured(self, observation: Observation) -> Observation:
        """An observation, or its prediction, in units of a change of 1 in the image."""
        scale = self.gain * self.span
        return jax.tree.map(lambda leaf: leaf / scale, observation)
