"""Variants of the random projector, for the plan `benchmarks/plans/reconstruction-variants.yaml`.

Each function gives the projector of preset `drp-dip` with one thing changed, and the weight of the
regularizer left to the plan. What came of them is in `docs/research.md`.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from drp_jax import Loop
from drp_jax.non_local import CollaborativeDenoiser
from drp_jax.presets import PROJECTOR, weights_trained
from drp_jax.untrained import (
    BackProjectionSeed,
    CoarseToFine,
    HourglassConfig,
    NormAffine,
    Seed,
    Untrained,
    Weight,
    WeightedSum,
    anisotropic_tv,
    isotropic_tv,
)

ITERATIONS = PROJECTOR.method.loop.iterations
_FROZEN = 5 * ITERATIONS // 7  # iterations before the weights train too
_LATE_RATE = 0.002
_NOISE_LEFT = 0.03  # that the denoiser takes for noise
_DENOISER_SHARE = 1.0  # of its term, in those of total variation


def _changed(**changes: Any) -> Untrained:
    return dataclasses.replace(PROJECTOR.method, **changes)


def isotropic() -> Untrained:
    """Isotropic total variation."""
    objective = dataclasses.replace(PROJECTOR.method.objective, regularizer=isotropic_tv)
    return _changed(objective=objective)


def denoised() -> Untrained:
    """The distance to the image denoised by the non-local filter, beside total variation.

    Regularization by denoising: Romano, Elad and Milanfar (SIAM Journal on Imaging Sciences 2017),
    with the root of the mean square, as the fidelity has it.
    """
    both = WeightedSum(((1.0, anisotropic_tv), (_DENOISER_SHARE, _from_denoised)))
    objective = dataclasses.replace(PROJECTOR.method.objective, regularizer=both)
    return _changed(objective=objective)


def _from_denoised(image: jax.Array) -> jax.Array:
    denoised = CollaborativeDenoiser()(jax.lax.stop_gradient(image), jnp.float32(_NOISE_LEFT))
    distance = image - jax.lax.stop_gradient(denoised.image)
    return jnp.sqrt(jnp.mean(jnp.square(distance)) + 1e-12)


def back_projected() -> Untrained:
    """The seed from the back-projection."""
    return _changed(seed=BackProjectionSeed())


def all_trained() -> Untrained:
    """The weights trained too, from the beginning."""
    return dataclasses.replace(all_coarse_to_fine(), optimizer=PROJECTOR.method.optimizer)


def trained_at_last() -> Untrained:
    """The weights trained too, from what the projector has found."""
    return _changed(trainable=(Seed, NormAffine, Weight), optimizer=_late_for_weights)


def _late_for_weights(rate: Any) -> optax.GradientTransformation:
    """Adam, for filters with a small rate in the last iterations and none before."""

    def late(count: jax.Array) -> jax.Array:
        return jnp.where(count < _FROZEN, 0.0, _LATE_RATE)

    def kinds(variables: nnx.State) -> Any:
        return jax.tree.map(lambda leaf: "filter" if leaf.ndim == 4 else "other", variables)

    return optax.partition({"filter": optax.adam(late), "other": optax.adam(rate)}, kinds)


def muon() -> Untrained:
    """Muon for the seed, a matrix of pixels by channels, and Adam for the affine."""
    return _changed(optimizer=_muon)


def _muon(rate: Any) -> optax.GradientTransformation:
    pixels_by_channels = optax.contrib.MuonDimensionNumbers((0, 1), 2)

    def numbers(variables: nnx.State) -> Any:
        return jax.tree.map(lambda leaf: pixels_by_channels if leaf.ndim == 3 else None, variables)

    return optax.contrib.muon(
        rate,
        adam_learning_rate=rate,
        muon_weight_dimension_numbers=numbers,
        consistent_rms=1.0,  # steps as large as Adam's
    )


def quasi_newton() -> Untrained:
    """L-BFGS with its line search, for fewer iterations, each of which takes several gradients."""
    return _changed(optimizer=optax.lbfgs(), loop=Loop(ITERATIONS // 3, ema_decay=0.8))


def coarse_to_fine() -> Untrained:
    """The gradient of the seed smoothed, less and less."""
    return _changed(optimizer=CoarseToFine(iterations=ITERATIONS / 2))


def all_coarse_to_fine() -> Untrained:
    """The same with the weights trained too, as preset `best` has it."""
    return weights_trained(PROJECTOR).method


def small_seed() -> Untrained:
    """A seed of half the height and width, enlarged before the network."""
    generator = PROJECTOR.method.generator
    assert isinstance(generator, HourglassConfig)
    return _changed(generator=EnlargedSeed(generator))


@dataclasses.dataclass(frozen=True)
class EnlargedSeed:
    """A network whose seed is smaller than the image.

    Attributes:
      network: the network, for a seed as large as the image.
      seed_reduction: how many times smaller.
    """

    network: HourglassConfig
    seed_reduction: int = 2

    def __call__(
        self, seed_shape: tuple[int, ...], image_shape: tuple[int, ...], *, rngs: nnx.Rngs
    ) -> nnx.Module:
        return _Enlarged(self.network(seed_shape, image_shape, rngs=rngs), image_shape[:2])


class _Enlarged(nnx.Module):
    def __init__(self, network: nnx.Module, size: tuple[int, ...]):
        self.network = network
        self.size = size

    def __call__(self, seed: jax.Array) -> jax.Array:
        shape = (*self.size, seed.shape[-1])
        return self.network(jax.image.resize(seed, shape, "linear"))
