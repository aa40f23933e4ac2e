"""Non-local steps: updates of the image itself by a denoiser instead of a gradient.

They stand where an optimiser stands in the solver's configuration, for the generator whose image
is its seed (`PixelsConfig`). What they read of the problem, they read when the transformation is
made; the first output of a run is what the seed started from.
"""

import dataclasses
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import lax

from drp_jax.collaborative import Filtered
from drp_jax.errors import require_whole
from drp_jax.operators import Operator

MOST_RADIUS = 64


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
      spread: how far the estimates of a pixel are apart, `[H, W]`; see `Filtered`. After the last
        step the uncertainty of the image.
      change: what the step before added to the image, `[H, W, C]`.
      prepared: what `NonLocalSteps.prepared` made of the problem before the first step.
    """

    step: jax.Array
    spread: jax.Array
    change: jax.Array
    prepared: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class NonLocalSteps:
    """Base of the kinds of steps.

    Attributes:
      radius: how far like patches are looked for, in pixels along each axis, from 4 to 64.
    """

    radius: int = 12

    def __post_init__(self) -> None:
        require_whole(self.radius, "radius", 4, MOST_RADIUS)

    def transformation(
        self, problem: Observed, iterations: int
    ) -> optax.GradientTransformationExtraArgs:
        """The steps of a run of so many iterations, as an optax transformation of one image.

        The last iteration takes no step, because no output shows it.
        """
        steps = iterations - 1

        def init(parameters: Any) -> NonLocalState:
            (image,) = jax.tree.leaves(parameters)
            return NonLocalState(
                step=jnp.int32(0),
                spread=jnp.zeros(image.shape[:2], image.dtype),
                change=jnp.zeros_like(image),
                prepared=self.prepared(problem),
            )

        def update(
            gradient: Any, state: NonLocalState, parameters: Any, **_: Any
        ) -> tuple[Any, NonLocalState]:
            (image,), structure = jax.tree.flatten(parameters)
            filtered = lax.cond(
                state.step < steps,
                lambda image: self.stepped(problem, state, image, max(steps, 1)),
                lambda image: Filtered(image, state.spread),
                image,
            )
            change = filtered.image - image
            state = NonLocalState(state.step + 1, filtered.spread, change, state.prepared)
            return jax.tree.unflatten(structure, [change]), state

        return optax.GradientTransformationExtraArgs(init, update)

    def prepared(self, problem: Observed) -> Any:
        """What all steps need of the problem and would otherwise compute again."""
        raise NotImplementedError

    def stepped(
        self, problem: Observed, state: NonLocalState, image: jax.Array, steps: int
    ) -> Filtered:
        """The image after one of `steps` steps, one at least, and the new spread."""
        raise NotImplementedError
