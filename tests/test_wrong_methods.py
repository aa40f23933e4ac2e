"""Wrong arguments to methods and what they are made of; see `test_wrong_arguments`."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
from flax import linen, nnx
from wrong_arguments import (
    BATCH,
    BOX,
    GRAY,
    NAN,
    NOT_A_NUMBER,
    PICTURE,
    SMALL,
    check_refused,
    fails,
    restored,
    table,
)

from drp_jax import Loop, NoiseFree, Poisson, non_local, preset, presets, stopping, untrained
from drp_jax.non_local import CollaborativeDenoiser, Denoise, HalfQuadratic, PlugAndPlay, denoise
from drp_jax.operators import Blur
from drp_jax.untrained import HourglassConfig, Jitter, Objective, Seed, WeightedSum, anisotropic_tv

LAYER = nnx.Linear(3, 3, rngs=nnx.Rngs(0))
BLUR, FAST = Blur(BOX), CollaborativeDenoiser()
NETWORK = preset("paper").adjusted(width=4, iterations=2)

network = functools.partial(dataclasses.replace, NETWORK)


def fitted(**options):
    return restored(method=network(**options))


def sharpened(denoiser=FAST, operator=BLUR, **options):
    return restored(operator=operator, method=PlugAndPlay(denoiser), **options)


class Wide(nnx.Module):
    """Gives an image with a channel too many."""

    def __init__(self, seed_shape, image_shape, *, rngs):
        self.layer = nnx.Linear(seed_shape[-1], image_shape[-1] + 1, rngs=rngs)

    def __call__(self, seed):
        return self.layer(seed)


class Failing(Wide):
    def __call__(self, seed):
        return fails(seed)


METHODS = [
    ("nothing trains: trainable is ();", lambda: network(trainable=())),
    ("nothing trains: trainable is None;", lambda: network(trainable=None)),
    ("trainable is 3;", lambda: network(trainable=3)),
    ("generator is 'hourglass';", lambda: network(generator="hourglass")),
    ("generator is None;", lambda: network(generator=None)),
    ("generator is a Linear;", lambda: network(generator=LAYER)),
    ("the generator gives a NoneType", lambda: fitted(generator=lambda *a, rngs: None)),
    ("the generator cannot be made: RuntimeError: of the user;", lambda: fitted(generator=fails)),
    ("the generator cannot be made: TypeError", lambda: fitted(generator=lambda: None)),
    ("the generator gives shape (12, 15, 4)", lambda: fitted(generator=Wide)),
    ("the generator fails for a seed (12, 15, 3)", lambda: fitted(generator=Failing)),
    ("nothing trains: no variable", lambda: fitted(trainable=nnx.BatchStat)),
    ("seed is 3;", lambda: network(seed=3)),
    ("seed is an array", lambda: network(seed=PICTURE)),
    ("seed is NormalSeed;", lambda: network(seed=untrained.NormalSeed)),
    ("objective is rmse;", lambda: network(objective=untrained.rmse)),
    ("loop is 5;", lambda: network(loop=5)),
    ("compute is 'float32';", lambda: network(compute="float32")),
    ("jitters is 3;", lambda: network(jitters=3)),
    ("jitters is Jitter(", lambda: network(jitters=Jitter(Seed, 0.1))),
    ("jitter is 'x';", lambda: network(jitters=("x",))),
    ("normalize_seed is 1;", lambda: network(normalize_seed=1)),
    ("sigmoid is 'no';", lambda: network(sigmoid="no")),
    ("name is 3;", lambda: network(name=3)),
    ("learning rate is 0;", lambda: network(learning_rate=0)),
    ("learning rate is nan;", lambda: network(learning_rate=NOT_A_NUMBER)),
    ("learning rate is 'x';", lambda: network(learning_rate="x")),
    ("learning rate is None;", lambda: network(learning_rate=None)),
    ("learning rate is True;", lambda: network(learning_rate=True)),
    ("optimizer is 'adam';", lambda: network(optimizer="adam")),
    ("optimizer is None;", lambda: network(optimizer=None)),
    ("optimizer gives 0.1 for a learning rate;", lambda: fitted(optimizer=lambda rate: 0.1)),
    ("optimizer fails", lambda: fitted(optimizer=fails)),
    ("learning rate has shape (3,)", lambda: fitted(learning_rate=np.ones(3))),
    ("learning rate gives shape", lambda: fitted(learning_rate=lambda count: jnp.ones(3))),
    ("learning rate fails", lambda: fitted(learning_rate=fails)),
    ("learning rate is CosineDecay, a c", lambda: network(learning_rate=untrained.CosineDecay)),
    ("initial learning rate is 0;", lambda: untrained.CosineDecay(0)),
    ("iterations of the decay is 0;", lambda: untrained.CosineDecay(iterations=0)),
    ("regularizer weight is nan;", lambda: Objective(weight=NOT_A_NUMBER)),
    ("regularizer weight is -1;", lambda: Objective(weight=-1)),
    ("regularizer weight is '1';", lambda: Objective(weight="1")),
    ("regularizer weight is None;", lambda: Objective(weight=None)),
    ("regularizer weight has shape (3,)", lambda: fitted(objective=Objective(weight=np.ones(3)))),
    ("prediction has shape (7, 7, 3)", lambda: Objective()(PICTURE, SMALL, PICTURE)),
    ("fidelity is 'mse';", lambda: Objective(fidelity="mse")),
    ("fidelity is None;", lambda: Objective(fidelity=None)),
    ("fidelity is Huber, a class;", lambda: Objective(fidelity=untrained.Huber)),
    ("regularizer is 'tv';", lambda: Objective(regularizer="tv")),
    ("fidelity fails", lambda: fitted(objective=Objective(fidelity=fails))),
    ("fidelity gives shape real (12", lambda: fitted(objective=Objective(jnp.subtract))),
    ("regularizer fails", lambda: fitted(objective=Objective(regularizer=fails))),
    ("regularizer gives shape real (12", lambda: fitted(objective=Objective(regularizer=jnp.abs))),
    ("Huber delta is 0;", lambda: untrained.Huber(0)),
    ("Huber delta is 'x';", lambda: untrained.Huber("x")),
    ("parts is ();", lambda: WeightedSum(())),
    ("parts is 3;", lambda: WeightedSum(3)),
    ("parts is (<function anisotropic_tv", lambda: WeightedSum((anisotropic_tv,))),
    ("regularizer weight is nan;", lambda: WeightedSum(((NOT_A_NUMBER, anisotropic_tv),))),
    ("regularizer is 'tv';", lambda: WeightedSum(((1.0, "tv"),))),
    ("jitter kind is 'Seed';", lambda: Jitter("Seed", 0.1)),
    ("jitter std is 0;", lambda: Jitter(Seed, 0)),
    ("jitter std is 'x';", lambda: Jitter(Seed, "x")),
    ("jitter half_life is 0;", lambda: Jitter(Seed, 0.1, 0)),
    ("precision is 'half';", lambda: untrained.Compute("half")),
    ("rematerialise is 1;", lambda: untrained.Compute(rematerialise=1)),
    ("widths_down is ();", lambda: HourglassConfig((), (), ())),
    ("widths_down is 8;", lambda: HourglassConfig(8, 8, 8)),
    ("widths_down is ('8',);", lambda: HourglassConfig(("8",), (8,), (4,))),
    ("widths_up is (8, 8);", lambda: HourglassConfig((8,), (8, 8), (4,))),
    ("widths_up is (2.5,);", lambda: HourglassConfig((8,), (2.5,), (4,))),
    ("filter_size_down is 2;", lambda: HourglassConfig(filter_size_down=2)),
    ("filter_size_up is '3';", lambda: HourglassConfig(filter_size_up="3")),
    ("upsampling is 'cubic';", lambda: HourglassConfig(upsampling="cubic")),
    ("pointwise_up is 1;", lambda: HourglassConfig(pointwise_up=1)),
    ("width is 0;", lambda: untrained.DeepDecoderConfig(width=0)),
    ("width is '8';", lambda: untrained.DeepDecoderConfig(width="8")),
    ("upsamplings is -1;", lambda: untrained.DeepDecoderConfig(upsamplings=-1)),
    ("norm_first is 1;", lambda: untrained.DeepDecoderConfig(norm_first=1)),
    ("module is 3;", lambda: untrained.Linen(3)),
    ("seed_reduction is 0;", lambda: untrained.Linen(linen.Dense(3), seed_reduction=0)),
    ("seed channels is 0;", lambda: untrained.NormalSeed(0)),
    ("seed channels is 'x';", lambda: untrained.NormalSeed("x")),
    ("seed std is 0;", lambda: untrained.NormalSeed(std=0)),
    ("seed high is nan;", lambda: untrained.UniformSeed(high=NOT_A_NUMBER)),
    ("seed noise is -1;", lambda: untrained.BackProjectionSeed(noise=-1)),
    ("seed is 3;", lambda: untrained.FixedSeed(3)),
    ("seed is an array of type float32 and shape (12, 15)", lambda: untrained.FixedSeed(GRAY)),
    ("seed has NaN or infinity in", lambda: untrained.FixedSeed(NAN)),
    ("seed has shape (7, 7, 3)", lambda: fitted(seed=untrained.FixedSeed(SMALL))),
    ("iterations is 0;", lambda: Loop(iterations=0)),
    ("iterations is 5.0;", lambda: Loop(iterations=5.0)),
    ("iterations is '9';", lambda: Loop(iterations="9")),
    ("iterations is True;", lambda: Loop(iterations=True)),
    ("iterations is None;", lambda: Loop(iterations=None)),
    ("iterations is 100000000;", lambda: Loop(iterations=100_000_000)),
    ("ema_decay is 1;", lambda: Loop(ema_decay=1)),
    ("ema_decay is 'x';", lambda: Loop(ema_decay="x")),
    ("stopping is 'x';", lambda: Loop(stopping="x")),
    ("stopping is Plateau;", lambda: Loop(stopping=stopping.Plateau)),
    ("window is 1;", lambda: stopping.WindowedVariance(window=1)),
    ("window is 2.5;", lambda: stopping.WindowedVariance(window=2.5)),
    ("patience is 0;", lambda: stopping.WindowedVariance(patience=0)),
    ("decay is 0;", lambda: stopping.ExponentialVariance(decay=0)),
    ("decay is 'x';", lambda: stopping.ExponentialVariance(decay="x")),
    ("tolerance is 1;", lambda: stopping.Plateau(tolerance=1)),
    ("noise_level is 0;", lambda: stopping.Discrepancy(0)),
    ("noise_level is None;", lambda: stopping.Discrepancy(None)),
]
PRESETS = [
    ("unknown preset of non-local denoise: 3", lambda: preset(3)),
    ("unknown preset of non-local denoise: 'x'", lambda: preset("x")),
    ("unknown preset of dip denoise: 'best'", lambda: preset("best", method="dip")),
    ("unknown method: 3", lambda: preset(method=3)),
    ("unknown method: 'x'", lambda: preset(method="x")),
    ("unknown task of non-local: None", lambda: preset(task=None)),
    ("unknown task of non-local: 'x'", lambda: preset(task="x")),
    ("unknown task of tv: 'denoise'", lambda: preset(method="tv")),
    ("problem is 3;", lambda: presets.method_for(3)),
    ("foo is 1,", lambda: NETWORK.adjusted(foo=1)),
    ("width is '8';", lambda: NETWORK.adjusted(width="8")),
    ("width is 0;", lambda: NETWORK.adjusted(width=0)),
    ("width is 8, and the generator Wide", lambda: network(generator=Wide).adjusted(width=8)),
    ("iterations is 0;", lambda: NETWORK.adjusted(iterations=0)),
    ("iterations is 0;", lambda: presets.RECONSTRUCT.adjusted(iterations=0)),
    ("learning rate is 'x';", lambda: NETWORK.adjusted(learning_rate="x")),
    ("regularizer weight is -1;", lambda: NETWORK.adjusted(regularizer_weight=-1)),
    ("ema_decay is 1;", lambda: NETWORK.adjusted(ema_decay=1)),
    ("stopping is 'x';", lambda: NETWORK.adjusted(stopping="x")),
    ("precision is 'half';", lambda: NETWORK.adjusted(precision="half")),
    ("rematerialise is 1;", lambda: NETWORK.adjusted(rematerialise=1)),
    ("seed is 'x';", lambda: NETWORK.adjusted(seed="x")),
    ("width is 8, and method non-local takes none", lambda: Denoise().adjusted(width=8)),
    ("radius is 3;", lambda: Denoise().adjusted(radius=3)),
    ("iterations is 'x';", lambda: Denoise().adjusted(iterations="x")),
    ("steps is 0;", lambda: PlugAndPlay().adjusted(iterations=0)),
    ("radius is 9, and method non-local takes none", lambda: PlugAndPlay().adjusted(radius=9)),
]
FILTERS = [
    ("image is None;", lambda: denoise(None)),
    ("image is 'x.png';", lambda: denoise("x.png")),
    ("image has type uint8", lambda: denoise(np.zeros((12, 15, 3), np.uint8))),
    ("image has shape (12, 15)", lambda: denoise(GRAY)),
    ("image has shape (2, 12, 15, 3)", lambda: denoise(BATCH)),
    ("image has shape (7, 7, 3)", lambda: denoise(SMALL)),
    ("image has NaN or infinity in", lambda: denoise(NAN)),
    ("image has values from", lambda: denoise(255 * PICTURE)),
    ("sigma is -1;", lambda: denoise(PICTURE, -1)),
    ("sigma is 'x';", lambda: denoise(PICTURE, "x")),
    ("sigma is nan;", lambda: denoise(PICTURE, NOT_A_NUMBER)),
    ("sigma has shape (5, 5)", lambda: denoise(PICTURE, np.ones((5, 5)))),
    ("refinements is 3;", lambda: denoise(PICTURE, refinements=3)),
    ("patches per group is 0;", lambda: denoise(PICTURE, refinements=(0,))),
    ("patches per group is 'x';", lambda: denoise(PICTURE, refinements=("x",))),
    ("radius is 'x';", lambda: denoise(PICTURE, radius="x")),
    ("radius is 65;", lambda: denoise(PICTURE, radius=65)),
    ("refinements is 3;", lambda: Denoise(refinements=3)),
    ("radius is 3;", lambda: Denoise(radius=3)),
    ("name is 3;", lambda: Denoise(name=3)),
    ("iterations is 0;", lambda: Denoise(iterations=0)),
    ("denoiser is 3;", lambda: PlugAndPlay(3)),
    ("denoiser is ();", lambda: PlugAndPlay(())),
    ("denoiser is CollaborativeDenoiser, a class;", lambda: PlugAndPlay(CollaborativeDenoiser)),
    ("denoiser fails", lambda: restored(operator=BLUR, method=HalfQuadratic(fails))),
    ("steps is 0;", lambda: PlugAndPlay(steps=0)),
    ("steps is 2.5;", lambda: PlugAndPlay(steps=2.5)),
    ("first noise level is 0;", lambda: PlugAndPlay(first=0)),
    ("last noise level is 'x';", lambda: PlugAndPlay(last="x")),
    ("momentum is 1;", lambda: PlugAndPlay(momentum=1)),
    ("name is 3;", lambda: PlugAndPlay(name=3)),
    ("patch is 3;", lambda: CollaborativeDenoiser(patch=3)),
    ("radius is 3;", lambda: CollaborativeDenoiser(radius=3)),
    ("refined is 1;", lambda: CollaborativeDenoiser(refined=1)),
    ("denoiser gives shape real (11", lambda: sharpened(lambda image, sigma: image[1:])),
    ("denoiser gives None", lambda: sharpened(lambda image, sigma: None)),
    ("denoiser fails", lambda: sharpened(fails)),
    ("method non-local here denoises,", lambda: restored(operator=BLUR, method=Denoise())),
    ("the operator is Identity,", lambda: restored(method=PlugAndPlay())),
    ("noise is Poisson,", lambda: sharpened(noise=Poisson(10.0))),
    ("noise is NoiseFree()", lambda: restored(noise=NoiseFree())),
    ("the operator cannot be transposed", lambda: sharpened(operator=jnp.square)),
    ("image has shape (12, 15)", lambda: non_local.noise_level(GRAY)),
    ("image is 'x.png';", lambda: non_local.noise_map("x.png")),
    ("image has shape (7, 7, 3)", lambda: non_local.noise_map(SMALL)),
    ("image is None;", lambda: non_local.without_impulses(None, 0.1)),
    ("noise is 'x';", lambda: non_local.without_impulses(PICTURE, "x")),
    ("observation has shape (7, 7, 3)", lambda: non_local.unclip(PICTURE, SMALL, 0.1)),
    ("noise is -1;", lambda: non_local.unclip(PICTURE, PICTURE, -1)),
    ("image has shape (12, 15)", lambda: non_local.hard_threshold_step(GRAY, 0.1)),
    ("noise is None;", lambda: non_local.hard_threshold_step(PICTURE, None)),
    ("noise has shape (5, 5)", lambda: non_local.hard_threshold_step(PICTURE, np.ones((5, 5)))),
    ("patch is 0;", lambda: non_local.hard_threshold_step(PICTURE, 0.1, patch=0)),
    ("patches per group is 0;", lambda: non_local.hard_threshold_step(PICTURE, 0.1, count=0)),
    ("radius is 3;", lambda: non_local.hard_threshold_step(PICTURE, 0.1, radius=3)),
    ("pilot is an array", lambda: non_local.wiener_step(PICTURE, PICTURE, 0.1)),
    ("pilot is None;", lambda: non_local.ridge_step(PICTURE, None, 0.1)),
]


@table(METHODS, PRESETS, FILTERS)
def test_is_refused(beginning, call):
    check_refused(beginning, call)
