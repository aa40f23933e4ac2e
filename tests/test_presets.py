import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import Gaussian, InputError, Judged, Loop, NoiseFree, Poisson, Problem, presets
from drp_jax.non_local import Denoise, HalfQuadratic, PlugAndPlay
from drp_jax.operators import Blur, Composition, Downsample, Mask
from drp_jax.presets import completed, method_for, preset
from drp_jax.untrained import (
    CoarseToFine,
    CosineDecay,
    HourglassConfig,
    NormAffine,
    Precision,
    Seed,
    SelfTuned,
    Weight,
    anisotropic_tv,
    mse,
    rmse,
    root_deviance,
)

PHOTOGRAPH_TASKS = ("denoise", "super-resolve", "inpaint")
NETWORKS = ("drp-dip", "drp-dd", "dip", "dd")
RIVALS = ("dip", "dd", "dip-tv", "self-guided-dip", "aseqdip", "tv", "plug-and-play")


def widths(generator):
    """The widths of every layer, outermost first."""
    if isinstance(generator, HourglassConfig):
        return (*generator.widths_down, *generator.widths_up, *generator.widths_skip)
    return (generator.width,) * (generator.upsamplings + 1)


def is_function(wrapped, function):
    """Whether what a method holds is a function; methods hold functions as pytrees."""
    return jax.tree.structure(wrapped) == jax.tree.structure(
        dataclasses.replace(preset("paper").objective, fidelity=function).fidelity
    )


def test_the_paper_preset_is_the_official_denoising_program():
    method = preset("paper", method="drp-dip", task="denoise")
    assert method.generator == HourglassConfig(widths_down=(64,), widths_up=(64,), widths_skip=(4,))
    assert (method.seed.channels, method.seed.std) == (3, 0.1)
    assert set(method.trainable) == {Seed, NormAffine}
    assert method.normalize_seed
    assert method.sigmoid
    assert method.jitters == ()
    assert (method.learning_rate, method.loop) == (0.1, Loop(5000))
    objective = method.objective
    assert is_function(objective.fidelity, rmse)
    assert is_function(objective.regularizer, anisotropic_tv)
    assert objective.weight == 0.45


@pytest.mark.parametrize("task", PHOTOGRAPH_TASKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_fast_is_shorter_and_never_wider_than_paper(name, task):
    fast, paper = (preset(one, method=name, task=task) for one in ("fast", "paper"))
    assert fast.loop.iterations < paper.loop.iterations
    narrow, wide = widths(fast.generator), widths(paper.generator)
    assert len(narrow) == len(wide)
    assert all(one <= other for one, other in zip(narrow, wide, strict=True))
    assert narrow != wide or name == "drp-dd"  # whose decoder is small as it is
    assert type(fast.generator) is type(paper.generator)
    assert fast.trainable == paper.trainable
    assert fast.objective == paper.objective


@pytest.mark.parametrize("task", PHOTOGRAPH_TASKS)
def test_best_takes_longer_than_default_and_that_longer_than_fast(task):
    limits = [preset(name, task=task).loop.iterations for name in ("fast", "default", "best")]
    assert limits == sorted(set(limits))


@pytest.mark.parametrize("name", RIVALS)
def test_what_the_projector_is_compared_with_takes_any_weight_and_length(name):
    method = preset(method=name, task="reconstruct").adjusted(iterations=9)
    assert method.loop.iterations == 9
    if name != "plug-and-play":
        assert method.adjusted(regularizer_weight=0.2).objective.weight == 0.2
    if name not in ("plug-and-play", "tv"):
        paper = preset("paper", method=name, task="reconstruct")
        assert set(widths(method.generator)) < set(widths(paper.generator)) | {32, 64}
        assert method.trainable == paper.trainable


def test_every_name_gives_a_method_with_its_name():
    for name, tasks in presets.names().items():
        assert set(tasks) >= set(PHOTOGRAPH_TASKS) or set(tasks) == {"reconstruct"}
        for task, settings in tasks.items():
            for one in settings:
                method = preset(one, method=name, task=task)
                assert method.name == name
                assert int(method.loop.iterations) >= 1
                hash(jax.tree.structure(method))


@pytest.mark.parametrize(
    ("arguments", "method", "name"),
    [
        ({}, "non-local", "default"),
        ({"name": "best"}, "non-local", "best"),
        ({"name": "paper"}, "drp-dip", "paper"),
        ({"method": "dip"}, "dip", "fast"),
    ],
)
def test_what_is_left_out_is_completed(arguments, method, name):
    for task in PHOTOGRAPH_TASKS:
        assert completed(arguments.get("name"), arguments.get("method"), task) == (name, method)
        assert preset(task=task, **arguments) == preset(name, method=method, task=task)
    assert completed(None, None, "reconstruct") == ("default", "drp-pnp")
    assert completed(None, "dip", "reconstruct") == ("fast", "dip")
    assert completed(None, "tv", "reconstruct") == ("default", "tv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "papper"}, "unknown preset of non-local denoise: 'papper'; accepted: default"),
        (
            {"method": "drp"},
            "unknown method: 'drp'; accepted: non-local, drp-dip, drp-pnp",
        ),
        (
            {"task": "dehaze"},
            "unknown task of non-local: 'dehaze'; accepted: denoise, super-resolve, inpaint",
        ),
        (
            {"method": "tv", "task": "denoise"},
            "unknown task of tv: 'denoise'; accepted: reconstruct",
        ),
        ({"method": ["tv"]}, r"unknown method: \['tv'\]; accepted: non-local"),
        ({"name": 3}, "unknown preset of non-local denoise: 3; accepted: default"),
    ],
)
def test_unknown_names_are_answered_with_the_known(arguments, message):
    with pytest.raises(InputError, match=message):
        preset(**arguments)


def test_adjusted_replaces_what_is_given_and_nothing_else():
    paper = preset("paper")
    assert paper.adjusted() == paper
    assert paper.adjusted(width=None, iterations=None) == paper
    changed = paper.adjusted(iterations=7, learning_rate=0.2, regularizer_weight=0.0, width=12)
    assert changed == dataclasses.replace(
        paper,
        loop=Loop(7),
        learning_rate=0.2,
        objective=dataclasses.replace(paper.objective, weight=0.0),
        generator=paper.generator.with_width(12),
    )
    lean = paper.adjusted(precision=Precision.BFLOAT16, rematerialise=True)
    assert (lean.compute.precision, lean.compute.rematerialise) == (Precision.BFLOAT16, True)
    assert paper.adjusted(precision="bfloat16").compute.precision is Precision.BFLOAT16


def test_a_weight_gives_methods_without_a_regularizer_one():
    dip = preset("paper", method="dip")
    assert dip.objective.regularizer is None
    assert is_function(dip.adjusted(regularizer_weight=0.2).objective.regularizer, anisotropic_tv)
    assert is_function(dip.objective.fidelity, mse)


def test_filters_have_so_many_steps():
    assert preset().adjusted(iterations=2).loop.iterations == 2
    assert preset().adjusted(iterations=99).loop.iterations == 3
    assert preset(task="inpaint").adjusted(iterations=5).loop.iterations == 5
    assert preset().adjusted(radius=6).radius == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width is 0; accepted: whole numbers from 1 to 4096"),
        (
            {"regularizer_weight": -1.0},
            r"regularizer weight is -1\.0; accepted: from 0 to 1e\+06",
        ),
        ({"iterations": -5}, "iterations is -5; accepted: whole numbers from 1"),
        ({"learning_rate": 0.0}, r"learning rate is 0\.0; accepted: above 0"),
        ({"ema_decay": 1.0}, r"ema_decay is 1\.0; accepted: in \[0, 1\)"),
        ({"precision": "half"}, "precision is 'half'; accepted: "),
        ({"radius": 12}, "radius is 12, and method drp-dip takes none; accepted: iterations, lea"),
    ],
)
def test_bad_adjustments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        preset("paper").adjusted(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", "8"),
        ("learning_rate", "0.1"),
        ("regularizer_weight", "0.1"),
        ("precision", "bfloat16"),
        ("rematerialise", "True"),
        ("ema_decay", "0.9"),
    ],
)
def test_what_only_networks_have_is_refused_without_one(name, value):
    given = {"width": 8, "precision": "bfloat16", "rematerialise": True}.get(name, 0.1)
    given = 0.9 if name == "ema_decay" else given
    message = f"{name} is '?{value}'?, and method non-local takes none; accepted: iterations"
    for task in PHOTOGRAPH_TASKS:
        with pytest.raises(InputError, match=message):
            preset(task=task).adjusted(**{name: given})


PICTURE = np.full((8, 8, 3), 0.5, np.float32)
BLUR = Blur(np.ones((3, 3)) / 9)
MASK = Mask(np.ones((8, 8, 1)))


@pytest.mark.parametrize(
    ("operator", "noise", "task"),
    [
        (None, None, "denoise"),
        (None, Gaussian(0.1), "denoise"),
        (None, Poisson(100), "denoise"),
        (MASK, None, "inpaint"),
        (MASK, NoiseFree(), "inpaint"),
        (MASK, Gaussian(), "reconstruct"),
        (Downsample(2), None, "super-resolve"),
        (MASK, Gaussian(0.1), "plug-and-play"),
        (Downsample(2), Poisson(100), "plug-and-play"),
        (BLUR, None, "reconstruct"),
        (BLUR, Gaussian(0.1), "plug-and-play"),
        (Composition((BLUR, Downsample(2))), None, "reconstruct"),
        (jnp.negative, None, "reconstruct"),
        (jnp.sin, None, "drp-dip"),
    ],
)
def test_the_method_follows_operator_and_noise(operator, noise, task):
    chosen = method_for(Problem(PICTURE, operator, noise=noise))
    is_task = task in (*PHOTOGRAPH_TASKS, "reconstruct")
    named = {"task": task} if is_task else {"method": task, "task": "reconstruct"}
    assert chosen == preset(**named)
    kinds = {
        "denoise": Denoise,
        "inpaint": PlugAndPlay,
        "super-resolve": PlugAndPlay,
        "plug-and-play": HalfQuadratic,
        "drp-dip": SelfTuned,
        "reconstruct": Judged,
    }
    assert isinstance(chosen, kinds[task])


def test_in_exact_pictures_little_noise_is_assumed():
    chosen = method_for(Problem(PICTURE, BLUR, noise=NoiseFree()))
    usual = preset(method="plug-and-play", task="reconstruct")
    assert chosen == dataclasses.replace(usual, noise_level=0.001)


def test_photons_get_their_likelihood():
    alone = method_for(Problem(PICTURE, jnp.square, noise=Poisson(100)))
    refined = method_for(Problem(PICTURE, jnp.negative, noise=Poisson(100)))
    for chosen, usual in (
        (alone, presets.PROJECTOR),
        (refined.method.first, presets.RECONSTRUCT.method.first),
    ):
        assert is_function(chosen.method.objective.fidelity, root_deviance)
        network = dataclasses.replace(chosen.method, objective=usual.method.objective)
        assert dataclasses.replace(chosen, method=network) == usual
    assert refined.method.second == presets.RECONSTRUCT.method.second


def test_complex_images_are_reconstructed():
    chosen = method_for(Problem(PICTURE * 1j, complex_image=True))
    assert chosen == presets.RECONSTRUCT


def test_the_best_projector_trains_its_weights_and_takes_coarse_structure_first():
    best = preset("best", method="drp-dip", task="reconstruct").adjusted(iterations=50)
    assert best.method.trainable == (Seed, NormAffine, Weight)
    assert best.method.optimizer == CoarseToFine(iterations=25)
    assert best.method.learning_rate == CosineDecay(0.01, 0.0005, 50)
    assert preset("best", task="reconstruct").adjusted(iterations=50).method.first == best


def test_another_limit_is_the_length_of_a_rate_that_falls():
    method = preset(task="reconstruct").adjusted(iterations=50).method.first.method
    assert method.learning_rate == CosineDecay(0.1, 0.005, 50)
    assert method.loop == Loop(50, ema_decay=0.95)
