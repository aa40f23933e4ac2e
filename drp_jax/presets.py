"""The methods that come with the library, by name, task and preset; and which one when.

    default        what to try first
    best           the best image, for those who can wait
    fast           the shortest
    paper          the settings of the original program
    paper-NAME     the same for a variant that its authors give settings for

Method "non-local" has default, best and fast; the networks have paper and fast, which is narrower
and shorter than paper, for a CPU. For measurements, task "reconstruct", there is "drp-pnp", the two
that it is made of, "drp-dip" and "plug-and-play", and what to compare them with: "dip", "dip-tv",
"self-guided-dip", "aseqdip", "dd", "tv".
"""

import dataclasses
from typing import Any, TypeVar

from drp_jax.errors import meant, require, require_kind, shown
from drp_jax.judged import Judged
from drp_jax.method import Loop, Method
from drp_jax.noise import Noise, NoiseFree, Poisson, has_level
from drp_jax.non_local import CollaborativeDenoiser, Denoise, HalfQuadratic, PlugAndPlay
from drp_jax.operators import Downsample, Identity, Mask, is_linear
from drp_jax.problem import Problem
from drp_jax.refined import Refined
from drp_jax.untrained import (
    CoarseToFine,
    CosineDecay,
    NormAffine,
    NormalSeed,
    Objective,
    Pixels,
    Seed,
    SelfTuned,
    Untrained,
    Weight,
    anisotropic_tv,
    published,
    rmse,
    root_deviance,
)


def _network(width: int, iterations: int) -> Untrained:
    network = dataclasses.replace(
        published.DRP_DIP,
        objective=Objective(rmse, anisotropic_tv, 0.1),
        learning_rate=CosineDecay(0.1, 0.005, iterations),
        loop=Loop(iterations, ema_decay=0.95),
    )
    return network.adjusted(width=width)


def _projector(width: int, iterations: int, *, search: int, projectors: int | None) -> SelfTuned:
    return SelfTuned(_network(width, iterations), search_iterations=search, projectors=projectors)


def weights_trained(projector: SelfTuned) -> SelfTuned:
    """A projector whose weights train too, with the coarse structure of the seed first.

    It is no random projector any more. What each of the two brings: docs/research.md.

    Args:
      projector: the settings to start from; its length is kept, its learning rate is not.
    """
    network = projector.method
    iterations = network.loop.iterations
    network = dataclasses.replace(
        network,
        trainable=(Seed, NormAffine, Weight),
        learning_rate=CosineDecay(0.01, 0.0005, iterations),
        optimizer=CoarseToFine(iterations=iterations / 2),
    )
    return dataclasses.replace(projector, method=network)


PROJECTOR = _projector(32, 350, search=90, projectors=None)
"""Deep Random Projector for measurements: narrower and shorter than on photographs, with a learning
rate that falls, averaged images, and a weight of total variation that it finds by itself."""

_BEST_PROJECTOR = weights_trained(_projector(64, 500, search=100, projectors=4))


_FINE = CollaborativeDenoiser()
_REFINED = CollaborativeDenoiser(refined=True)
_EXACT = 0.001  # noise that is assumed in a picture without any, as rounding leaves

PLUG_AND_PLAY = HalfQuadratic((_FINE, _REFINED), steps=40)


def _first(iterations: int, *, projectors: int | None) -> SelfTuned:
    """A projector whose image the filter goes on from, so that its weight matters little."""
    network = _network(32, iterations)
    network = dataclasses.replace(network, optimizer=CoarseToFine(iterations=iterations / 2))
    return SelfTuned(network, weights=(0.2,), projectors=projectors)


def _refined(projector: SelfTuned, *, steps: int) -> Refined:
    filtering = HalfQuadratic((_FINE, _REFINED), steps=steps, first=0.07)
    return Refined(projector, filtering, name="drp-pnp")


_FIRST = _first(300, projectors=None)

RECONSTRUCT = Judged(_refined(_FIRST, steps=40), other=PLUG_AND_PLAY)
"""Plug-and-play with the non-local filter from the projector's image, unless that image or
plug-and-play alone clearly predicts better what was kept out. Each is ahead somewhere:
docs/reconstruction.md."""


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


_COARSE = CollaborativeDenoiser(patch=16)

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
            "paper": published.DRP_DIP_PAPER,
            "fast": published.DRP_DIP_PAPER.adjusted(width=16, iterations=150),
        },
        "super-resolve": {
            "paper": published.DRP_DIP_SR_PAPER,
            "fast": published.DRP_DIP_SR_PAPER.adjusted(width=32, iterations=150),
        },
        "inpaint": {
            "paper": published.DRP_DIP_INPAINT_PAPER,
            "fast": published.DRP_DIP_INPAINT_PAPER.adjusted(width=32, iterations=500),
        },
        "reconstruct": {
            "default": PROJECTOR,
            "best": _BEST_PROJECTOR,
            "fast": _projector(32, 180, search=45, projectors=1),
        },
    },
    "drp-pnp": {
        "reconstruct": {
            "default": RECONSTRUCT,
            "best": Judged(_refined(_BEST_PROJECTOR, steps=40), other=PLUG_AND_PLAY),
            "fast": _refined(_first(150, projectors=1), steps=20),
        },
    },
    "drp-dd": {
        "denoise": {
            "paper": published.drp(published.DRP_DD, 0.1, 0.45),
            "fast": published.drp(published.DRP_DD, 0.1, 0.45).adjusted(iterations=150),
        },
        "super-resolve": {
            "paper": published.drp(published.DRP_DD, 0.1, 0.75),
            "fast": published.drp(published.DRP_DD, 0.1, 0.75).adjusted(iterations=150),
        },
        "inpaint": {
            "paper": published.drp(published.DRP_DD, 0.05, 0.01),
            "fast": published.drp(published.DRP_DD, 0.05, 0.01).adjusted(iterations=500),
        },
    },
    "dip": {
        "denoise": {
            "paper": published.DIP_PAPER,
            "paper-sigma-50": published.averaged(published.dip(published.jittered(1 / 20), 3000)),
            "paper-jpeg": published.averaged(published.dip(published.DIP_JPEG, 2400)),
            "paper-flash": published.averaged(
                published.dip(published.jittered(1 / 30), 600, learning_rate=0.1)
            ),
            "fast": published.DIP_PAPER.adjusted(width=32, iterations=1500),
        },
        "super-resolve": {
            "paper": published.DIP_SR_PAPER,
            "paper-x8": published.dip(published.jittered(0.05), 4000),
            "fast": published.averaged(published.DIP_SR_PAPER).adjusted(width=32, iterations=1000),
        },
        "inpaint": {
            "paper": published.DIP_INPAINT_PAPER,
            "paper-text": published.dip(published.DIP_TEXT, 6000),
            "paper-hole": published.dip(published.DIP_HOLE, 3000),
            "fast": published.averaged(published.dip(published.jittered(0.01), 1500)).adjusted(
                width=32
            ),
        },
        "reconstruct": {
            "paper": published.DIP_RECONSTRUCT,
            "fast": published.DIP_RECONSTRUCT.adjusted(width=32, iterations=1000),
        },
    },
    "dd": {
        "denoise": {
            "paper": published.DD_PAPER,
            "fast": published.DD_PAPER.adjusted(width=64, iterations=1000),
        },
        "super-resolve": {
            "paper": published.DD_PAPER,
            "fast": published.DD_PAPER.adjusted(width=64, iterations=1000),
        },
        "inpaint": {
            "paper": published.DD_INPAINT_PAPER,
            "fast": published.DD_INPAINT_PAPER.adjusted(
                width=64, iterations=2000, learning_rate=0.01
            ),
        },
        "reconstruct": {
            "paper": published.DD_RECONSTRUCT,
            "fast": published.DD_RECONSTRUCT.adjusted(width=64, iterations=1000),
        },
    },
    "dip-tv": {
        "reconstruct": {
            "paper": published.DIP_TV,
            "fast": published.DIP_TV.adjusted(width=32, iterations=1000),
        },
    },
    "self-guided-dip": {
        "reconstruct": {
            "paper": published.SELF_GUIDED,
            "fast": published.SELF_GUIDED.adjusted(width=32, iterations=1000),
        },
    },
    "aseqdip": {
        "reconstruct": {
            "paper": published.ASEQDIP,
            "fast": published.ASEQDIP.adjusted(width=32, iterations=1000),
        },
    },
    "tv": {"reconstruct": {"default": TV}},
    "plug-and-play": {
        "reconstruct": {
            "default": PLUG_AND_PLAY,
            "fast": HalfQuadratic(_FINE, steps=20),
        },
    },
}


def preset(name: str | None = None, *, method: str | None = None, task: str = "denoise") -> Any:
    """A method with its settings for a task.

    Args:
      name: "default", "best" or "fast" for method "non-local", and for "drp-pnp" and "drp-dip" of
        task "reconstruct"; "paper" or "fast" for the other networks. DIP has variants, which the
        error message lists. Without a name it is "default" where there is one, otherwise "fast".
      method: "non-local", "drp-dip", "drp-dd", "dip" or "dd"; for task "reconstruct" also
        "drp-pnp", "plug-and-play", "dip-tv", "self-guided-dip", "aseqdip" or "tv". Without one it
        is "drp-pnp" for task "reconstruct", "drp-dip" for preset "paper", otherwise "non-local".
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
        method = "drp-dip" if name == "paper" else "non-local"
        method = "drp-pnp" if task == "reconstruct" else method
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
    | all from picture to picture | stated: `Gaussian(level)` ... | "plug-and-play" |
    | all others, complex images | any | "drp-pnp" |
    | all others | `Poisson` | the same, fitted by the Poisson deviance |
    | not linear | any | Deep Random Projector alone |

    Raises:
      InputError: if there is nothing to restore: no noise, and the operator the identity.
    """
    require_kind(problem, Problem, "problem", "a Problem")
    operator, noise = problem.operator, problem.noise
    if not problem.complex_image:
        if isinstance(operator, Identity):
            return preset(task="denoise")
        has_none = noise is None or isinstance(noise, NoiseFree)
        if isinstance(operator, Mask) and has_none:
            return preset(task="inpaint")
        if isinstance(operator, Downsample) and has_none:
            return preset(task="super-resolve")
    if not is_linear(operator, problem.observation, problem.image):
        return _for_noise(PROJECTOR, noise)
    is_exact = isinstance(noise, NoiseFree)
    if operator.maps_pictures and not problem.complex_image and (is_exact or has_level(noise)):
        method = preset(method="plug-and-play", task="reconstruct")
        return dataclasses.replace(method, noise_level=_EXACT) if is_exact else method
    if isinstance(noise, Poisson):
        fitted = dataclasses.replace(RECONSTRUCT.method, first=_for_noise(_FIRST, noise))
        return dataclasses.replace(RECONSTRUCT, method=fitted)
    return RECONSTRUCT


def _for_noise(projector: SelfTuned, noise: Noise | None) -> SelfTuned:
    """A projector whose fidelity fits the noise."""
    if not isinstance(noise, Poisson):
        return projector
    network = projector.method
    objective = dataclasses.replace(network.objective, fidelity=root_deviance)
    return dataclasses.replace(projector, method=dataclasses.replace(network, objective=objective))


Entry = TypeVar("Entry")


def _look_up(table: dict[str, Entry], name: Any, what: str) -> Entry:
    is_known = isinstance(name, str) and name in table
    require(
        is_known,
        f"unknown {what}: {shown(name)}{meant(name, table)}; accepted: {', '.join(table)}",
    )
    return table[name]
