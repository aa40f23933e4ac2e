"""The settings of the published methods: Deep Random Projector, Deep Image Prior and others.

Sources: the programs of Deep Random Projector (Li et al., CVPR 2023), Deep Image Prior
(Ulyanov et al., CVPR 2018) and Deep Decoder (Heckel and Hand, ICLR 2019); for measurements also
Baguer et al. (2020), Liang et al. (2025) and Alkhouri et al. (NeurIPS 2024). Where there is no
original, the constant says what was chosen. `drp_jax.presets` has them by name.
"""

import dataclasses

from drp_jax.method import Loop
from drp_jax.untrained.autoencoding import AutoencodingSequential, SelfGuided
from drp_jax.untrained.fit import Untrained
from drp_jax.untrained.generators import DeepDecoderConfig, HourglassConfig, Upsampling
from drp_jax.untrained.jitter import Jitter
from drp_jax.untrained.objectives import Objective, anisotropic_tv, mse, rmse
from drp_jax.untrained.partition import NormAffine, Seed, Weight
from drp_jax.untrained.seeds import MeshGridSeed, NormalSeed, UniformSeed

DRP_DIP = Untrained(
    name="drp-dip",
    generator=HourglassConfig(widths_down=(64,), widths_up=(64,), widths_skip=(4,)),
    seed=NormalSeed(channels=3, std=0.1),
    trainable=(Seed, NormAffine),
    normalize_seed=True,
)
"""Deep Random Projector on a one-scale hourglass, as its denoising program."""

DRP_DD = Untrained(
    name="drp-dd",
    generator=DeepDecoderConfig(width=64, upsamplings=2),
    seed=NormalSeed(channels=32, std=0.1),
    trainable=(Seed, NormAffine),
    normalize_seed=True,
)
"""Deep Random Projector on a shallow decoder. The paper has it, but no program was published.

Of one, two and three upsamplings (width 64), two gave the best image when denoising a crop of
Peppers (29.19 dB; 28.46 falling to 25.22, and 28.77) and when doubling baby twice (33.06 dB; 32.82
and 32.71), and came close to the best when inpainting barbara (25.92 dB; 26.11 and 23.95):
docs/fidelity.md.
"""

DIP = Untrained(
    name="dip",
    generator=HourglassConfig(widths_down=(128,) * 5, widths_up=(128,) * 5, widths_skip=(4,) * 5),
    seed=UniformSeed(channels=32, high=0.1),
    trainable=(Weight, NormAffine),
    jitters=(Jitter(Seed, 1 / 30),),
)
"""Deep Image Prior, as its denoising program."""

DD = Untrained(
    name="dd",
    generator=DeepDecoderConfig(width=128, upsamplings=5),
    seed=UniformSeed(channels=128, high=0.1),
    trainable=(Weight, NormAffine),
)
"""Deep Decoder, as its denoising program."""


def drp(method: Untrained, learning_rate: float, weight: float) -> Untrained:
    """Deep Random Projector's loss and limit."""
    return dataclasses.replace(
        method,
        loop=Loop(5000),
        learning_rate=learning_rate,
        objective=Objective(rmse, anisotropic_tv, weight),
    )


def dip(method: Untrained, iterations: int, learning_rate: float = 0.01) -> Untrained:
    """Deep Image Prior's loss."""
    return dataclasses.replace(
        method,
        loop=Loop(iterations),
        learning_rate=learning_rate,
        objective=Objective(mse, None, 0.0),
    )


def averaged(method: Untrained) -> Untrained:
    """With the average of the images that Deep Image Prior returns when it denoises."""
    return dataclasses.replace(method, loop=dataclasses.replace(method.loop, ema_decay=0.99))


def jittered(std: float, generator: HourglassConfig | None = None) -> Untrained:
    """Deep Image Prior with another jitter of its seed, and perhaps another generator."""
    method = dataclasses.replace(DIP, jitters=(Jitter(Seed, std),))
    return method if generator is None else dataclasses.replace(method, generator=generator)


DRP_DIP_SR = dataclasses.replace(
    DRP_DIP,
    generator=HourglassConfig(widths_down=(128,), widths_up=(128,), widths_skip=(4,)),
    seed=NormalSeed(channels=1, std=0.1),
)
DRP_DIP_INPAINT = dataclasses.replace(
    DRP_DIP,
    generator=HourglassConfig(widths_down=(128,), widths_up=(128,), widths_skip=(128,)),
    seed=MeshGridSeed(),
    jitters=(Jitter(Weight, 1e-3),),
)
DIP_JPEG = jittered(
    1 / 30,
    HourglassConfig(
        widths_down=(8, 16, 32, 64, 128),
        widths_up=(8, 16, 32, 64, 128),
        widths_skip=(0, 0, 0, 4, 4),
    ),
)
DIP_TEXT = dataclasses.replace(
    DIP,
    generator=HourglassConfig(
        widths_down=(128,) * 5,
        widths_up=(128,) * 5,
        widths_skip=(128,) * 5,
        upsampling=Upsampling.NEAREST,
    ),
    jitters=(),
)
DIP_HOLE = dataclasses.replace(
    DIP,
    generator=HourglassConfig(
        widths_down=(16, 32, 64, 128, 128, 128),
        widths_up=(16, 32, 64, 128, 128, 128),
        widths_skip=(0,) * 6,
        filter_size_down=5,
        upsampling=Upsampling.NEAREST,
        pointwise_up=False,
    ),
    seed=UniformSeed(channels=1, high=0.1),
    jitters=(),
)
DD_WIDE = dataclasses.replace(
    DD,
    generator=DeepDecoderConfig(width=256, upsamplings=5),
    seed=UniformSeed(channels=256, high=0.1),
    jitters=(Jitter(Seed, 0.005),),
)

DRP_DIP_PAPER = drp(DRP_DIP, 0.1, 0.45)
DRP_DIP_SR_PAPER = drp(DRP_DIP_SR, 0.5, 0.75)
DRP_DIP_INPAINT_PAPER = drp(DRP_DIP_INPAINT, 0.05, 0.01)
DIP_PAPER = averaged(dip(DIP, 3000))
DIP_SR_PAPER = dip(jittered(0.03), 2000)
DIP_INPAINT_PAPER = dip(jittered(0.03), 11000, learning_rate=0.001)
DD_PAPER = dip(DD, 1900)
DD_INPAINT_PAPER = dip(DD_WIDE, 40000, learning_rate=0.0025)
DIP_RECONSTRUCT = averaged(dip(jittered(1 / 30), 3000))
DD_RECONSTRUCT = dip(DD, 3000)
DIP_TV = dataclasses.replace(
    averaged(dip(jittered(1 / 30), 3000)),
    name="dip-tv",
    objective=Objective(mse, anisotropic_tv, 0.001),
)
SELF_GUIDED = SelfGuided(
    generator=DIP.generator,
    objective=Objective(rmse, None, 0.0),
    learning_rate=0.01,
    loop=Loop(3000, ema_decay=0.99),
    autoencoding_weight=2.0,
)
ASEQDIP = AutoencodingSequential(
    generator=DIP.generator,
    objective=Objective(rmse, None, 0.0),
    learning_rate=0.01,
    loop=Loop(4000),
)
