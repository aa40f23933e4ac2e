"""The methods that come with the library, by name, task and preset; and which one when.

    default        what to try first
    best           the best image, for those who can wait
    fast           the shortest
    paper          the settings of the original program
    paper-NAME     the same for a variant that its authors give settings for

Method "non-local" has default, best and fast; the networks have paper and fast, which is narrower
and shorter than paper, for a CPU. For measurements, task "reconstruct", there is "drp-dip", and
what to compare it with: "dip", "dip-tv", "self-guided-dip", "aseqdip", "dd", "tv", "plug-and-play".

Sources: the programs of Deep Random Projector (Li et al., CVPR 2023), Deep Image Prior
(Ulyanov et al., CVPR 2018) and Deep Decoder (Heckel and Hand, ICLR 2019). Where there is no
original, the constant says what was chosen.
"""

import dataclasses
from typing import Any, TypeVar

from drp_jax.errors import require, require_kind, shown
from drp_jax.method import Loop, Method
from drp_jax.noise import NoiseFree, Poisson
from drp_jax.non_local import CollaborativeDenoiser, Denoise, HalfQuadratic, PlugAndPlay
from drp_jax.operators import Blur, Downsample, Identity, Mask
from drp_jax.problem import Problem
from drp_jax.untrained import (
    AutoencodingSequential,
    CosineDecay,
    DeepDecoderConfig,
    HourglassConfig,
    Jitter,
    MeshGridSeed,
    NormAffine,
    NormalSeed,
    Objective,
    Pixels,
    Seed,
    SelfGuided,
    SelfTuned,
    UniformSeed,
    Untrained,
    Upsampling,
    Weight,
    anisotropic_tv,
    mse,
    rmse,
    root_deviance,
)

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


def _reconstruct(width: int, iterations: int, *, search: int, projectors: int | None) -> SelfTuned:
    network = dataclasses.replace(
        DRP_DIP,
        objective=Objective(rmse, anisotropic_tv, 0.1),
        learning_rate=CosineDecay(0.1, 0.005, iterations),
        loop=Loop(iterations, ema_decay=0.95),
    )
    return SelfTuned(
        network.adjusted(width=width),
        weights=(0.8, 0.4, 0.2, 0.1, 0.05),
        search_iterations=search,
        projectors=projectors,
    )


RECONSTRUCT = _reconstruct(32, 350, search=90, projectors=None)
"""Deep Random Projector for measurements: narrower and shorter than on photographs, with a learning
rate that falls, averaged images, and a weight of total variation that it finds by itself.
docs/reconstruction.md has what it gives."""


TV = Untrained(
    name="tv",
    generator=Pixels,
    seed=NormalSeed(),
    trainable=Weight,
    objective=Objective(rmse, anisotropic_tv, 0.1),
    learning_rate=CosineDecay(0.05, 1e-4, 600),
    loop=Loop(600),
    sigmoid=False,
)
"""Total variation without a network: DRP's objective, minimised over the pixels."""


def _drp(method: Untrained, learning_rate: float, weight: float) -> Untrained:
    return dataclasses.replace(
        method,
        loop=Loop(5000),
        learning_rate=learning_rate,
        objective=Objective(rmse, anisotropic_tv, weight),
    )


def _dip(method: Untrained, iterations: int, learning_rate: float = 0.01) -> Untrained:
    return dataclasses.replace(
        method,
        loop=Loop(iterations),
        learning_rate=learning_rate,
        objective=Objective(mse, None, 0.0),
    )


def _averaged(method: Untrained) -> Untrained:
    return dataclasses.replace(method, loop=dataclasses.replace(method.loop, ema_decay=0.99))


def _jittered(std: float, generator: HourglassConfig | None = None) -> Untrained:
    method = dataclasses.replace(DIP, jitters=(Jitter(Seed, std),))
    return method if generator is None else dataclasses.replace(method, generator=generator)


_DRP_DIP_SR = dataclasses.replace(
    DRP_DIP,
    generator=HourglassConfig(widths_down=(128,), widths_up=(128,), widths_skip=(4,)),
    seed=NormalSeed(channels=1, std=0.1),
)
_DRP_DIP_INPAINT = dataclasses.replace(
    DRP_DIP,
    generator=HourglassConfig(widths_down=(128,), widths_up=(128,), widths_skip=(128,)),
    seed=MeshGridSeed(),
    jitters=(Jitter(Weight, 1e-3),),
)
_DIP_JPEG = _jittered(
    1 / 30,
    HourglassConfig(
        widths_down=(8, 16, 32, 64, 128),
        widths_up=(8, 16, 32, 64, 128),
        widths_skip=(0, 0, 0, 4, 4),
    ),
)
_DIP_TEXT = dataclasses.replace(
    DIP,
    generator=HourglassConfig(
        widths_down=(128,) * 5,
        widths_up=(128,) * 5,
        widths_skip=(128,) * 5,
        upsampling=Upsampling.NEAREST,
    ),
    jitters=(),
)
_DIP_HOLE = dataclasses.replace(
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
_DD_WIDE = dataclasses.replace(
    DD,
    generator=DeepDecoderConfig(width=256, upsamplings=5),
    seed=UniformSeed(channels=256, high=0.1),
    jitters=(Jitter(Seed, 0.005),),
)

_DRP_DIP_PAPER = _drp(DRP_DIP, 0.1, 0.45)
_DRP_DIP_SR_PAPER = _drp(_DRP_DIP_SR, 0.5, 0.75)
_DRP_DIP_INPAINT_PAPER = _drp(_DRP_DIP_INPAINT, 0.05, 0.01)
_DIP_PAPER = _averaged(_dip(DIP, 3000))
_DIP_SR_PAPER = _dip(_jittered(0.03), 2000)
_DIP_INPAINT_PAPER = _dip(_jittered(0.03), 11000, learning_rate=0.001)
_DD_PAPER = _dip(DD, 1900)
_DD_INPAINT_PAPER = _dip(_DD_WIDE, 40000, learning_rate=0.0025)
_DIP_RECONSTRUCT = _averaged(_dip(_jittered(1 / 30), 3000))
_DD_RECONSTRUCT = _dip(DD, 3000)
_DIP_TV = dataclasses.replace(
    _averaged(_dip(_jittered(1 / 30), 3000)),
    name="dip-tv",
    objective=Objective(mse, anisotropic_tv, 0.001),
)
_SELF_GUIDED = SelfGuided(
    generator=DIP.generator,
    objective=Objective(rmse, None, 0.0),
    learning_rate=0.01,
    loop=Loop(3000, ema_decay=0.99),
    autoencoding_weight=2.0,
)
_ASEQDIP = AutoencodingSequential(
    generator=DIP.generator,
    objective=Objective(rmse, None, 0.0),
    learning_rate=0.01,
    loop=Loop(4000),
)
_COARSE, _FINE = CollaborativeDenoiser(patch=16), CollaborativeDenoiser()
_REFINED = CollaborativeDenoiser(refined=True)

_PRESETS: dict[str, dict[str, dict[str, Method]]] = {
    "non-local": {
        "denoise": {
            "default": Denoise(refinements=(64,)),
            "best": Denoise(refinements=(64, 96), radius=18),
            "fast": Denoise(refinements=()),
        },
        "super-resolve": {
            "default": PlugAndPlay((_FINE, _REFINED), steps=20),
            "best": PlugAndPlay((_FINE, _REFINED), steps=40),
            "fast": PlugAndPlay(_FINE, steps=8),
        },
        "inpaint": {
            "default": PlugAndPlay((_COARSE, _REFINED), steps=20),
            "best": PlugAndPlay((_COARSE, *[_REFINED] * 4), steps=30),
            "fast": PlugAndPlay(_FINE, steps=8),
        },
    },
    "drp-dip": {
        "denoise": {
            "paper": _DRP_DIP_PAPER,
            "fast": _DRP_DIP_PAPER.adjusted(width=16, iterations=150),
        },
        "super-resolve": {
            "paper": _DRP_DIP_SR_PAPER,
            "fast": _DRP_DIP_SR_PAPER.adjusted(width=32, iterations=150),
        },
        "inpaint": {
            "paper": _DRP_DIP_INPAINT_PAPER,
            "fast": _DRP_DIP_INPAINT_PAPER.adjusted(width=32, iterations=500),
        },
        "reconstruct": {
            "default": RECONSTRUCT,
            "best": _reconstruct(64, 500, search=100, projectors=4),
            "fast": _reconstruct(32, 180, search=45, projectors=1),
        },
    },
    "drp-dd": {
        "denoise": {
            "paper": _drp(DRP_DD, 0.1, 0.45),
            "fast": _drp(DRP_DD, 0.1, 0.45).adjusted(iterations=150),
        },
        "super-resolve": {
            "paper": _drp(DRP_DD, 0.1, 0.75),
            "fast": _drp(DRP_DD, 0.1, 0.75).adjusted(iterations=150),
        },
        "inpaint": {
            "paper": _drp(DRP_DD, 0.05, 0.01),
            "fast": _drp(DRP_DD, 0.05, 0.01).adjusted(iterations=500),
        },
    },
    "dip": {
        "denoise": {
            "paper": _DIP_PAPER,
            "paper-sigma-50": _averaged(_dip(_jittered(1 / 20), 3000)),
            "paper-jpeg": _averaged(_dip(_DIP_JPEG, 2400)),
            "paper-flash": _averaged(_dip(_jittered(1 / 30), 600, learning_rate=0.1)),
            "fast": _DIP_PAPER.adjusted(width=32, iterations=1500),
        },
        "super-resolve": {
            "paper": _DIP_SR_PAPER,
            "paper-x8": _dip(_jittered(0.05), 4000),
            "fast": _averaged(_DIP_SR_PAPER).adjusted(width=32, iterations=1000),
        },
        "inpaint": {
            "paper": _DIP_INPAINT_PAPER,
            "paper-text": _dip(_DIP_TEXT, 6000),
            "paper-hole": _dip(_DIP_HOLE, 3000),
            "fast": _averaged(_dip(_jittered(0.01), 1500)).adjusted(width=32),
        },
        "reconstruct": {
            "paper": _DIP_RECONSTRUCT,
            "fast": _DIP_RECONSTRUCT.adjusted(width=32, iterations=1000),
        },
    },
    "dd": {
        "denoise": {
            "paper": _DD_PAPER,
            "fast": _DD_PAPER.adjusted(width=64, iterations=1000),
        },
        "super-resolve": {
            "paper": _DD_PAPER,
            "fast": _DD_PAPER.adjusted(width=64, iterations=1000),
        },
        "inpaint": {
            "paper": _DD_INPAINT_PAPER,
            "fast": _DD_INPAINT_PAPER.adjusted(width=64, iterations=2000, learning_rate=0.01),
        },
        "reconstruct": {
            "paper": _DD_RECONSTRUCT,
            "fast": _DD_RECONSTRUCT.adjusted(width=64, iterations=1000),
        },
    },
    "dip-tv": {
        "reconstruct": {
            "paper": _DIP_TV,
            "fast": _DIP_TV.adjusted(width=32, iterations=1000),
        },
    },
    "self-guided-dip": {
        "reconstruct": {
            "paper": _SELF_GUIDED,
            "fast": _SELF_GUIDED.adjusted(width=32, iterations=1000),
        },
    },
    "aseqdip": {
        "reconstruct": {
            "paper": _ASEQDIP,
            "fast": _ASEQDIP.adjusted(width=32, iterations=1000),
        },
    },
    "tv": {"reconstruct": {"default": TV}},
    "plug-and-play": {
        "reconstruct": {
            "default": HalfQuadratic((_FINE, _REFINED), steps=40),
            "fast": HalfQuadratic(_FINE, steps=20),
        },
    },
}


def preset(name: str | None = None, *, method: str | None = None, task: str = "denoise") -> Any:
    """A method with its settings for a task.

    Args:
      name: "default", "best" or "fast" for method "non-local", "paper" or "fast" for the others;
        DIP has variants, which the error message lists. Without a name it is "default" where there
        is one, otherwise "fast".
      method: "non-local", "drp-dip", "drp-dd", "dip" or "dd"; for task "reconstruct" also "dip-tv",
        "self-guided-dip", "aseqdip", "tv" or "plug-and-play". Without one it is "drp-dip" for
        preset "paper" and for task "reconstruct", otherwise "non-local".
      task: "denoise", "super-resolve", "inpaint" or "reconstruct".

    Raises:
      InputError: if a name is unknown; the message lists the known ones.
    """
    name, method = completed(name, method, task)
    tasks = _look_up(_PRESETS, method, "method")
    presets = _look_up(tasks, task, f"task of {method}")
    return _look_up(presets, name, f"preset of {method} {task}")


def completed(name: str | None, method: str | None, task: str = "denoise") -> tuple[str, str]:
    """The names of preset and method that `preset` takes for those that may be left out."""
    if method is None:
        method = "drp-dip" if name == "paper" or task == "reconstruct" else "non-local"
    if name is None:
        known = names().get(str(method), {}).get(str(task), ())
        name = "default" if "default" in known or method == "non-local" else "fast"
    return name, method


def names() -> dict[str, dict[str, tuple[str, ...]]]:
    """The names of the presets, by method and task."""
    return {
        method: {task: tuple(presets) for task, presets in tasks.items()}
        for method, tasks in _PRESETS.items()
    }


def method_for(problem: Problem) -> Method:
    """What `restore` does with a problem if no method is given.

    | operator | noise | method |
    |---|---|---|
    | `Identity` | not stated, `Gaussian`, `Poisson` | non-local denoising |
    | `Mask` | not stated, `NoiseFree` | plug-and-play for gaps |
    | `Downsample` | not stated, `NoiseFree` | plug-and-play for enlargement |
    | `Blur` | `NoiseFree` | the same |
    | all others, complex images | any | Deep Random Projector, task "reconstruct" |
    | all others | `Poisson` | the same with the Poisson deviance |

    Raises:
      InputError: if there is nothing to restore: no noise, and the operator the identity.
    """
    require_kind(problem, Problem, "problem", "a Problem")
    operator, noise = problem.operator, problem.noise
    if not problem.complex_image:
        if isinstance(operator, Identity):
            return preset(task="denoise")
        is_exact = noise is None or isinstance(noise, NoiseFree)
        if isinstance(operator, Mask) and is_exact:
            return preset(task="inpaint")
        if isinstance(operator, Downsample) and is_exact:
            return preset(task="super-resolve")
        if isinstance(operator, Blur) and isinstance(noise, NoiseFree):
            return preset(task="super-resolve")
    if isinstance(noise, Poisson):
        network = RECONSTRUCT.method
        objective = dataclasses.replace(network.objective, fidelity=root_deviance)
        return dataclasses.replace(
            RECONSTRUCT, method=dataclasses.replace(network, objective=objective)
        )
    return RECONSTRUCT


Entry = TypeVar("Entry")


def _look_up(table: dict[str, Entry], name: Any, what: str) -> Entry:
    is_known = isinstance(name, str) and name in table
    require(is_known, f"unknown {what}: {shown(name)}; accepted: {', '.join(table)}")
    return table[name]
