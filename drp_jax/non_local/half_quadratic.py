"""Half-quadratic splitting: a denoiser takes turns with a least-squares fit to noisy measurements.

    min over x, v   |A x - y|^2 / (2 sigma^2) + weight |x - v|^2 / (2 tau^2) + phi(v)

In turn over x, which is linear algebra, and over v, which is denoising for noise of deviation tau,
while tau falls. From Geman and Yang, Nonlinear image recovery with half-quadratic regularization
(TIP 1995), and Zhang et al., Plug-and-play image restoration with deep denoiser prior (DPIR, TPAMI
2021), whose order and weight these are. That solves in closed form, for blur and enlargement; here
it is conjugate gradients, for any linear operator.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg

from drp_jax.errors import require_kind, require_number, require_whole
from drp_jax.method import Loop, Method, Stage
from drp_jax.noise import Gaussian, Poisson
from drp_jax.non_local.collaborative import Filtered
from drp_jax.non_local.denoisers import (
    CollaborativeDenoiser,
    Denoiser,
    as_denoisers,
    check_denoisers,
    filtered_by,
    stretches,
)
from drp_jax.non_local.plug_and_play import measured_step
from drp_jax.operators import adjoint, filled_back_projection
from drp_jax.operators.base import Observation, require_linear
from drp_jax.problem import Problem
from drp_jax.pytrees import fixed, record
from drp_jax.units import Units

_MOST_STEPS = 1_000_000
_LEAST_LEVEL = 1e-5  # of the denoiser and the noise: below it float32 cannot tell what is fitted


@record
class HalfQuadraticState:
    """The image between two steps; images are brought to [0, 1].

    Attributes:
      step: number of steps done.
      image: the denoised image `[H, W, C]`, real or complex.
      change: what the last step added to it.
      spread: mean of the denoisers' spreads, `[H, W]`.
      level: noise level of the last step.
      units: the units of the problem.
    """

    step: jax.Array
    image: jax.Array
    change: jax.Array
    spread: jax.Array
    level: jax.Array
    units: Units


@record
class HalfQuadratic(Method):
    """Fits the measurements near the last image and denoises, at levels that fall geometrically.

    For any linear operator and any noise. The level of the noise is what the problem states:
    `Gaussian(level)`, or `Poisson`, whose deviation follows the counts. Where it states none, or
    says that there is none, it is `noise_level`. A real and an imaginary part are denoised apart.

    Attributes:
      denoiser: any function of an image about in [0, 1] and the deviation of its noise, that gives
        an image or a `Filtered`; or several, each for an equal stretch of the steps.
      steps: number of steps, from 1 up.
      first: noise level of the first step, tau, for an image in [0, 1]: from 1e-5 up.
      last: that of the last step.
      weight: of staying near the last image, above 0; DPIR's lambda, 0.23 there.
      noise_level: deviation of the noise on the observation where the problem states none, in
        units of what a change of 1 in an image in [0, 1] does to it (see `Units`): from 1e-5 up.
      solver_steps: limit on the steps of conjugate gradients within a step, from 1 up.
      solver_tolerance: share of the residual at which these end, in (0, 1); the next step goes on
        from there.
      name: what it is called.

    Raises:
      InputError: if a value is out of its range.
    """

    denoiser: Any = CollaborativeDenoiser()
    steps: int | jax.Array = 20
    first: float | jax.Array = 0.3
    last: float | jax.Array = 0.01
    weight: float | jax.Array = 0.23
    noise_level: float | jax.Array = 0.01
    solver_steps: int | jax.Array = 30
    solver_tolerance: float | jax.Array = 0.01
    name: str = fixed(default="plug-and-play")

    measures: ClassVar[tuple[str, ...]] = ("change", "residual", "noise_level")
    is_finite_process: ClassVar[bool] = True
    advice: ClassVar[str] = "The denoiser may give values that are not finite."

    def __post_init__(self) -> None:
        object.__setattr__(self, "denoiser", as_denoisers(self.denoiser))
        require_kind(self.name, str, "name", "a string")
        for name in ("steps", "solver_steps"):
            require_whole(getattr(self, name), name, 1, _MOST_STEPS)
        accepted = f"from {_LEAST_LEVEL:g} up"
        for name, level in (
            ("first noise level", self.first),
            ("last noise level", self.last),
            ("noise_level", self.noise_level),
        ):
            require_number(level, name, _LEAST_LEVEL, accepted=accepted)
        require_number(self.weight, "weight", 0, least_allowed=False, accepted="above 0")
        require_number(
            self.solver_tolerance,
            "solver_tolerance",
            0,
            1,
            least_allowed=False,
            most_allowed=False,
            accepted="between 0 and 1",
        )

    @property
    def loop(self) -> Loop:  # type: ignore[override]
        return Loop(self.steps)

    def check(self, problem: Problem) -> None:
        require_linear(problem.operator, problem.observation, problem.image)

    def init(self, problem: Problem, key: jax.Array) -> HalfQuadraticState:
        units = Units.of(problem)
        image = filled_back_projection(problem.operator, problem.observation, problem.image)
        # In the range: of an operator that mixes all pixels a back-projection may be far from it.
        start = units.unit(problem.in_range(image))
        check_denoisers(self.denoiser, start.real)
        return HalfQuadraticState(
            step=jnp.int32(0),
            image=start,
            change=jnp.zeros_like(start),
            spread=jnp.zeros(start.shape[:2]),
            level=jnp.float32(0),
            units=units,
        )

    def started_at(
        self, problem: Problem, state: HalfQuadraticState, image: jax.Array
    ) -> HalfQuadraticState:
        return dataclasses.replace(state, image=state.units.unit(image))

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        return stretches(self.denoiser, self.steps, self._stepped)

    def image(self, problem: Problem, state: HalfQuadraticState) -> jax.Array:
        return state.units.image(state.image)

    def measured(self, problem: Problem, state: HalfQuadraticState) -> dict[str, jax.Array]:
        return measured_step(problem, state, self.image(problem, state))

    def uncertainty(self, problem: Problem, state: HalfQuadraticState) -> jax.Array:
        return state.units.span * state.spread

    def adjustments(self) -> Mapping[str, Callable[[Any], "HalfQuadratic"]]:
        def with_field(name: str, value: Any) -> "HalfQuadratic":
            return dataclasses.replace(self, **{name: value})

        fields = {"iterations": "steps", "noise_level": "noise_level"}
        return {name: functools.partial(with_field, field) for name, field in fields.items()}

    def _stepped(
        self, denoiser: Denoiser, problem: Problem, state: HalfQuadraticState
    ) -> HalfQuadraticState:
        share = state.step / jnp.maximum(self.steps - 1, 1)
        level = jnp.asarray(self.first * (self.last / self.first) ** share)
        fitted = self._fitted(problem, state, level)
        filtered = _denoised(denoiser, fitted, level)
        return HalfQuadraticState(
            step=state.step + 1,
            image=filtered.image,
            change=filtered.image - state.image,
            spread=(state.step * state.spread + filtered.spread) / (state.step + 1),
            level=level,
            units=state.units,
        )

    def _fitted(self, problem: Problem, state: HalfQuadraticState, level: jax.Array) -> jax.Array:
        """What minimises the squared residual over the noise, and the squared distance to v.

        Solves `(I + r A^T W A) d = r A^T W (y - A v)` for `d = x - v` with `r = level^2 / weight`
        and W one over the variance of the noise, in units in which the image is in [0, 1].
        """
        units, precision = state.units, self._precision(problem, state.units)
        ratio = jnp.square(level) / self.weight
        constant = problem.operator(jnp.zeros_like(state.image))

        def back(measured: Observation) -> jax.Array:
            """`r A^T W`."""
            weighted = jax.tree.map(jnp.multiply, precision, units.measured(measured))
            return ratio / units.gain * adjoint(problem.operator, weighted, problem.image)

        def normal(change: jax.Array) -> jax.Array:
            measured = problem.operator(units.span * change)
            return change + back(jax.tree.map(jnp.subtract, measured, constant))

        predicted = problem.operator(units.image(state.image))
        missing = jax.tree.map(jnp.subtract, problem.observation, predicted)
        change, _ = cg(normal, back(missing), tol=self.solver_tolerance, maxiter=self.solver_steps)
        return state.image + change

    def _precision(self, problem: Problem, units: Units) -> Observation:
        """One over the variance of every measurement, in units of a change of 1 in the image."""
        noise, scale = problem.noise, units.gain * units.span

        def of_one(measured: jax.Array) -> jax.Array:
            if isinstance(noise, Poisson):
                # At least that of one photon, for where none was counted.
                level = noise.deviation(jnp.maximum(jnp.abs(measured), 1 / noise.scale)) / scale
            elif isinstance(noise, Gaussian) and noise.level is not None:
                level = jnp.asarray(noise.level) / scale
                level = level.reshape(level.shape + (1,) * (measured.ndim - level.ndim))
            else:
                level = jnp.asarray(self.noise_level).reshape((1,) * measured.ndim)
            precision = 1 / jnp.square(jnp.maximum(level, _LEAST_LEVEL))
            return jnp.broadcast_to(precision, measured.shape)

        return jax.tree.map(of_one, problem.observation)


def _denoised(denoiser: Denoiser, image: jax.Array, level: jax.Array) -> Filtered:
    """What a denoiser makes of an image; of a complex one, of its two parts."""
    if not jnp.iscomplexobj(image):
        return filtered_by(denoiser, image, level)
    parts = jnp.stack([image.real, image.imag])
    filtered = jax.vmap(lambda part: filtered_by(denoiser, part, level))(parts)
    whole = jax.lax.complex(filtered.image[0], filtered.image[1])
    return Filtered(whole, jnp.hypot(filtered.spread[0], filtered.spread[1]))
