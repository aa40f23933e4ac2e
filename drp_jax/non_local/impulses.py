"""Impulse noise: single values that became black or white."""

import jax
import jax.numpy as jnp

from drp_jax.errors import require_picture
from drp_jax.filling import fill
from drp_jax.non_local.noise_estimate import check_noise

_DEVIATIONS = 4.0
_LEAST_DIFFERENCE = 0.1
_LEAST_SHARE = 0.01
_MOST_CORRELATED = 0.1
_MARGIN = 2


def without_impulses(
    image: jax.Array, noise: jax.Array, is_noise: bool | jax.Array | None = None
) -> jax.Array:
    """An image with its impulses filled in smoothly from around.

    An impulse is a value at 0 or 1 that lies further from the median of its 5 x 5 surroundings than
    noise takes it. The image is left as it is where these are less than one in a hundred, which may
    be stars, and where they lie beside each other, which impulses do by chance alone: they are then
    the corners of a drawing.

    Args:
      image: `[H, W, C]`, values in [0, 1].
      noise: standard deviation of the other noise.
      is_noise: whether there are impulses, if that is known from more than this image.
    """
    require_picture(image, "image")
    check_noise(noise, "noise")
    height, width = image.shape[:2]
    padded = jnp.pad(image, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="symmetric")
    size = 2 * _MARGIN + 1
    around = [
        padded[row : row + height, column : column + width]
        for row in range(size)
        for column in range(size)
    ]
    median = _median(around)
    limit = jnp.maximum(_DEVIATIONS * noise, _LEAST_DIFFERENCE)
    is_far = jnp.abs(image - median) > limit
    is_impulse = ((image <= 0) | (image >= 1)) & is_far
    if is_noise is None:
        is_noise = (jnp.mean(is_impulse) > _LEAST_SHARE) & ~_is_drawn(image, is_impulse)
    # Where nothing is unknown this ends at once; a condition would run for all of a batch.
    filled = fill(image, ~(is_impulse & is_noise))
    return jnp.where(is_noise, filled, image)


def _is_drawn(image: jax.Array, is_impulse: jax.Array) -> jax.Array:
    """Whether impulses of one colour lie beside each other more often than chance would have it."""
    correlations = []
    for impulses in (is_impulse & (image <= 0), is_impulse & (image >= 1)):
        share = jnp.mean(impulses)
        beside = [impulses[1:] & impulses[:-1], impulses[:, 1:] & impulses[:, :-1]]
        beside += [impulses[1:, 1:] & impulses[:-1, :-1], impulses[1:, :-1] & impulses[:-1, 1:]]
        most = jnp.max(jnp.stack([jnp.mean(pair) for pair in beside]))
        correlations.append((most - share**2) / jnp.maximum(share - share**2, 1e-6))
    return jnp.max(jnp.stack(correlations)) > _MOST_CORRELATED


def _median(values: list[jax.Array]) -> jax.Array:
    """The median of an odd number of arrays, value by value.

    The least and the greatest of a little more than half of them cannot be it: they are dropped,
    one of the rest comes in, and so on. A sort takes XLA twenty times longer on a CPU.
    """
    enough = len(values) // 2 + 2
    held, rest = values[:enough], values[enough:]
    while len(held) > 1:
        for index in range(1, len(held)):
            held[0], held[index] = _ordered(held[0], held[index])
        for index in range(1, len(held) - 1):
            held[index], held[-1] = _ordered(held[index], held[-1])
        held, rest = [*held[1:-1], *rest[:1]], rest[1:]
    return held[0]


def _ordered(first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.minimum(first, second), jnp.maximum(first, second)
