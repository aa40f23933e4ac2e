"""A generator together with its seed: the unknown image as a function of all variables.

A generator is anything that is called as `generator(seed_shape, image_shape, rngs=rngs)` and gives
a Flax module that maps the seed `[h, w, c]` to an image `[H, W, C]`: a class of the user's own, a
function, or one of the configurations here. If its seed is to be smaller than the image, it says so
by an attribute `seed_reduction`. Seed and image have no batch axis; most normalisations of Flax
want one, `norm(image[None])[0]`, and would take the rows for it.
"""

from collections.abc import Callable

import jax
from flax import nnx

from drp_jax.errors import InputError, in_a_line, plugged_in, require, require_whole
from drp_jax.untrained.generators.draws import drawn_together
from drp_jax.untrained.generators.layers import MOST_REDUCTION, ImageNorm
from drp_jax.untrained.partition import Seed, name_norm_affines

Generator = Callable[..., nnx.Module]
Shape = tuple[int, ...]


class SeededGenerator(nnx.Module):
    """`G_theta(z)`: called without arguments, it gives the image `[H, W, C]`, not yet in a range.

    Args:
      seed: `[h, w, c]`, the generator's input.
      generator: a module that maps the seed to an image.
      normalize_seed: whether an `ImageNorm` with its own affine is put on the seed, as
        Deep Random Projector does.
    """

    def __init__(self, seed: jax.Array, generator: nnx.Module, *, normalize_seed: bool):
        self.seed = Seed(seed)
        self.seed_norm = ImageNorm(seed.shape[-1]) if normalize_seed else None
        self.generator = generator

    def __call__(self) -> jax.Array:
        seed = self.seed[...]
        return self.generator(seed if self.seed_norm is None else self.seed_norm(seed))


def seed_size(generator: Generator, image_shape: Shape) -> tuple[int, int]:
    """Height and width of the seed of an image: those of the image over `seed_reduction`."""
    reduction = getattr(generator, "seed_reduction", 1)
    require_whole(reduction, "seed_reduction", 1, MOST_REDUCTION)
    height, width = (-(-side // reduction) for side in image_shape[:2])
    return height, width


def build(
    generator: Generator,
    seed: jax.Array,
    image_shape: Shape,
    *,
    normalize_seed: bool,
    rngs: nnx.Rngs,
) -> SeededGenerator:
    """A freshly drawn generator with its seed.

    Raises:
      InputError: if the module does not map the seed to an image of that shape.
    """
    try:
        with drawn_together():
            module = generator(seed.shape, image_shape, rngs=rngs)
    except InputError:
        raise
    except Exception as error:  # whatever a user's class raises
        raise InputError(
            f"the generator cannot be made: {in_a_line(error)}; accepted: called as "
            "generator(seed_shape, image_shape, rngs=rngs)"
        ) from error
    require(
        isinstance(module, nnx.Module),
        f"the generator gives a {type(module).__name__}; accepted: an nnx.Module, or Linen(...) "
        "around a Linen module",
    )
    name_norm_affines(module)
    model = SeededGenerator(seed, module, normalize_seed=normalize_seed)
    with plugged_in("the generator", f"a seed {seed.shape}"):
        given = nnx.eval_shape(lambda model: model(), model)
    require(
        getattr(given, "shape", None) == tuple(image_shape),
        f"the generator gives shape {getattr(given, 'shape', None)} for a seed {seed.shape}; "
        f"accepted: {tuple(image_shape)}, the shape of the image",
    )
    return model
