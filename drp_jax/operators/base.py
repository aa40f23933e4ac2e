"""What an operator is, and what can be done with any: transpose, back-projection, gain.

An operator `f` maps an image `[H, W, C]`, real or complex, to a prediction of the observation: an
array of any shape, real or complex, or a pytree of arrays. Any function will do. A class of its own
is needed only where the operator holds numbers that vary (make it a `flax.struct.dataclass`) or
knows the shape of the image.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Var

from drp_jax.errors import InputError, in_a_line, require, shown
from drp_jax.filling import fill
from drp_jax.pytrees import as_pytree, record

Shape = tuple[int, ...]
Observation = Any
"""An array, or a pytree of arrays."""

_POWER_ITERATIONS = 12
_LEAST_SEEN = 1e-3  # share of the greatest weight below which a pixel counts as not observed


class Operator:
    """Base of the operators that come with the library; pytrees with a `__call__`."""

    @property
    def maps_pictures(self) -> bool:
        """Whether it maps pictures to pictures in the same range of values."""
        return False

    def __call__(self, image: jax.Array) -> Observation:
        """The observation that `image` would give, without noise."""
        raise NotImplementedError

    def image_shape(self, observation: Observation) -> Shape | None:
        """The shape `(H, W, C)` of an image that gives such an observation, None if not known.

        Raises:
          InputError: if no image gives one.
        """
        return None

    def known(self, observation: Observation) -> Observation:
        """The observation with zeros where the operator says that nothing was observed."""
        return observation

    def grouped(self, observation: Observation) -> Observation:
        """Means over measurements that tell of each other, such as those of several coils.

        Their axes have length 1 in the result. To see how an image predicts what it was not fitted
        to, all of a group have to be kept out of the fit.
        """
        return observation

    def adjoint(self, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
        """What `operators.adjoint` gives; to be replaced where there is a faster way."""
        return _transposed(self, observation, image)


class PixelOperator(Operator):
    """Base of the operators that map pictures to pictures, in the same range of values.

    Their gain is 1: a constant image gives a constant observation of the same value.
    """

    @property
    def maps_pictures(self) -> bool:
        return True


@record
class Function(Operator):
    """Any function of an image.

    Attributes:
      function: maps an image to a prediction of the observation; a pytree.
    """

    function: Callable[[jax.Array], Observation]

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", as_pytree(self.function, "operator"))

    def __call__(self, image: jax.Array) -> Observation:
        return self.function(image)

    def image_shape(self, observation: Observation) -> Shape | None:
        """What the function says by an attribute `image_shape`, or the shape of one image."""
        declared = getattr(self.function, "image_shape", None)
        if isinstance(declared, tuple):
            return declared
        shape = getattr(observation, "shape", ())
        return shape if len(shape) == 3 else None


def as_operator(operator: Any) -> Operator:
    """An operator as it is, any other function as a `Function`, None as the `Identity`.

    Raises:
      InputError: if it cannot be called.
    """
    from drp_jax.operators.pixels import Identity  # which is made of what stands here

    if operator is None:
        return Identity()
    if isinstance(operator, Operator):
        return operator
    return Function(operator)


def adjoint(operator: Callable, observation: Observation, image: jax.ShapeDtypeStruct) -> jax.Array:
    """The adjoint of a linear operator applied to an observation: an image `[H, W, C]`.

    By `jax.linear_transpose`, or what the operator has in its place, so it is exact for whatever
    the operator computes. For a real image and a complex observation it is the real part. The
    adjoint of an affine function is that of its linear part.

    Args:
      operator: a linear function of an image, or a constant more than one.
      observation: what it is applied to.
      image: shape and type of the operator's image.

    Raises:
      InputError: if the operator is not linear.
    """
    return as_operator(operator).adjoint(observation, image)


def back_projection(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """A rough image from an observation: `A^T y / A^T A 1`, 0 where nothing was observed.

    Of an affine operator `A x + b` it is that of `y - b`. The weights `A^T A 1` undo what the
    adjoint does to intensities, so that a constant image is recovered from its observation wherever
    the operator saw it.

    Raises:
      InputError: if the operator is not linear.
    """
    operator = as_operator(operator)
    change = _beyond_black(operator, operator.known(observation), image)
    return back_projected_change(operator, change, image)


def back_projected_change(
    operator: Operator, change: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The same of a change of the observation, which what an affine operator adds is no part of."""
    weight = _sight(operator, image)
    seen = _is_seen(weight)
    projected = adjoint(operator, operator.known(change), image)
    return jnp.where(seen, projected / jnp.where(seen, weight, 1.0), 0.0)


def filled_back_projection(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The same with what was not observed filled in smoothly from around."""
    rough, seen = back_projection(operator, observation, image), is_seen(operator, image)
    if jnp.iscomplexobj(rough):
        return jax.lax.complex(fill(rough.real, seen), fill(rough.imag, seen))
    return fill(rough, seen)


def is_seen(operator: Operator, image: jax.ShapeDtypeStruct) -> jax.Array:
    """Which pixels of the image `[H, W, C]` the observation depends on, bool."""
    return _is_seen(_sight(operator, image))


def is_linear(operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct) -> bool:
    """Whether an operator is linear, or a constant more: whether it has an adjoint."""
    try:
        require_linear(operator, observation, image)
    except InputError:
        return False
    return True


def require_linear(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> None:
    """Raises `InputError` unless an operator has an adjoint; nothing is computed."""
    jax.eval_shape(lambda observation: adjoint(operator, observation, image), observation)


def gain(operator: Operator, image: jax.ShapeDtypeStruct) -> jax.Array:
    """How much an operator amplifies: the greatest ratio of root mean squares `f(x)` to `x`.

    It is 1 for operators that map pictures to pictures. For others it is the greatest singular
    value, by power iteration, times the root of the number of pixels over that of measurements;
    that of the derivative at a gray image if the operator is not linear. Dividing residuals by it
    makes them comparable with intensities, whatever unit the observation is in.
    """
    operator = as_operator(operator)
    if operator.maps_pictures:
        return jnp.ones(())
    # In reverse mode alone, as operators with derivatives of their own have no other: the
    # derivative is the transpose of its transpose.
    predicted, transposed = jax.vjp(operator, _constant(0.5, image))
    _, derivative = jax.vjp(transposed, jax.tree.map(jnp.zeros_like, predicted))

    def applied(image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The direction after `A^T A`, and the root mean square that `A` gave."""
        (measured,) = derivative((image,))
        size = sum(leaf.size for leaf in jax.tree.leaves(measured))
        power = sum(jnp.sum(jnp.square(jnp.abs(leaf))) for leaf in jax.tree.leaves(measured))
        back = jnp.conj(*transposed(jax.tree.map(jnp.conj, measured)))
        root = jnp.sqrt(jnp.mean(jnp.square(jnp.abs(back))))
        return back / jnp.where(root > 0, root, 1.0), jnp.sqrt(power / size)

    start = 1 + jax.random.normal(jax.random.key(0), image.shape).astype(image.dtype)
    start = start / jnp.sqrt(jnp.mean(jnp.square(jnp.abs(start))))
    (_, found) = jax.lax.fori_loop(
        0, _POWER_ITERATIONS, lambda _, carry: applied(carry[0]), (start, jnp.zeros(()))
    )
    return jnp.where(found > 0, found, 1.0)


def _is_seen(weight: jax.Array) -> jax.Array:
    strength = jnp.abs(weight)
    return strength > _LEAST_SEEN * jnp.max(strength)


def _sight(operator: Operator, image: jax.ShapeDtypeStruct) -> jax.Array:
    """How much of each pixel is observed: `A^T A 1`."""
    operator = as_operator(operator)
    return adjoint(operator, _beyond_black(operator, operator(_constant(1.0, image)), image), image)


def _beyond_black(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> Observation:
    """An observation without what the operator adds to all: `y - f(0)`."""
    if operator.maps_pictures:  # which adds nothing, by the promise that its gain is 1
        return observation
    return jax.tree.map(jnp.subtract, observation, operator(_constant(0.0, image)))


def _transposed(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> jax.Array:
    """The adjoint by transposing what the operator computes."""
    turned = jax.tree.map(jnp.conj, observation)
    try:
        try:
            (result,) = jax.linear_transpose(operator, image)(turned)
        except NotImplementedError:  # a function with derivatives of its own is in it
            (result,) = _pulled_back(operator, turned, image)
    except InputError:
        raise
    except Exception as error:  # JAX raises many kinds, and the operator may be a user's
        raise InputError(
            f"the operator cannot be transposed ({in_a_line(error)}); accepted: a linear function "
            "of such an image here"
        ) from error
    return jax.tree.map(jnp.conj, result)


def _pulled_back(
    operator: Operator, observation: Observation, image: jax.ShapeDtypeStruct
) -> tuple[jax.Array]:
    """The same in reverse mode, for a function whose derivative is the same everywhere."""

    def pulled(at: jax.Array, observation: Observation) -> tuple[jax.Array]:
        return jax.vjp(operator, at)[1](observation)

    somewhere = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), image)
    program = jax.make_jaxpr(pulled)(somewhere, observation).jaxpr
    moving = set(program.invars[: len(jax.tree.leaves(image))])
    for step in program.eqns:
        if moving.intersection(value for value in step.invars if isinstance(value, Var)):
            moving.update(step.outvars)
    if moving.intersection(value for value in program.outvars if isinstance(value, Var)):
        raise ValueError("its derivative is not the same everywhere")
    return pulled(somewhere, observation)


def _constant(value: float, image: jax.ShapeDtypeStruct) -> jax.Array:
    """A constant image."""
    require(
        hasattr(image, "shape") and hasattr(image, "dtype"),
        f"image is {shown(image)}; accepted: shape and type, as a jax.ShapeDtypeStruct",
    )
    return jnp.full(image.shape, value, image.dtype)
