"""The mathematics of the original programs: outputs, losses, gradients, Adam steps."""

import dataclasses
from collections.abc import Callable

import golden_values
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from drp_jax import Loop, Problem, advance, begin
from drp_jax.operators import Downsample, Identity, Mask, Operator
from drp_jax.untrained import (
    DeepDecoderConfig,
    FixedSeed,
    Generator,
    HourglassConfig,
    NormAffine,
    Objective,
    Seed,
    Untrained,
    Upsampling,
    Weight,
    anisotropic_tv,
    mse,
    rmse,
)
from drp_jax.untrained.partition import merge, split

AS_USERS_RUN = {"xla_backend_optimization_level": 3}
"""Undoes for these tests what conftest.py does for speed: it changes how sums are rounded."""

ZERO_GRADIENT = 1e-6
"""Norm below which a golden gradient is noise: it is zero in exact arithmetic."""

ROUNDING = 1e-9
"""What the order of float32 sums changes in the norm of a gradient: it is that of the cores."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A golden file and the settings that its program ran with."""

    name: str
    generator: Generator
    trainable: tuple
    normalize_seed: bool
    objective: Objective
    operator: Callable[[golden_values.GoldenFile], Operator] = lambda golden: Identity()
    options: dict = dataclasses.field(default_factory=lambda: AS_USERS_RUN)


def drp_dip(name: str, *, skip: int = 4, weight: float = 0.45, **arguments) -> Case:
    generator = HourglassConfig(widths_down=(8,), widths_up=(8,), widths_skip=(skip,))
    objective = Objective(rmse, anisotropic_tv, weight)
    return Case(name, generator, (Seed, NormAffine), True, objective, **arguments)


def dip(name: str, generator: Generator, **options) -> Case:
    return Case(name, generator, (Weight, NormAffine), False, Objective(mse, None), **options)


FIVE_SCALES = HourglassConfig(widths_down=(8,) * 5, widths_up=(8,) * 5, widths_skip=(4,) * 5)
SIX_SCALES = HourglassConfig(
    widths_down=(4, 8, 8, 8, 8, 8),
    widths_up=(4, 8, 8, 8, 8, 8),
    widths_skip=(0,) * 6,
    filter_size_down=5,
    upsampling=Upsampling.NEAREST,
    pointwise_up=False,
)

CASES = [
    drp_dip("drp_dip_denoise"),
    drp_dip("drp_dip_denoise_odd_size"),
    drp_dip("drp_dip_super_resolution_x4", weight=0.75, operator=lambda golden: Downsample(4)),
    drp_dip(
        "drp_dip_inpaint",
        skip=8,
        weight=0.01,
        operator=lambda golden: Mask(jnp.asarray(golden["mask"])),
    ),
    # These compile long, and are far within the bounds however sums are rounded.
    dip("dip_denoise_5_scales", FIVE_SCALES, options={}),
    dip("dip_denoise_5_scales_odd_size", FIVE_SCALES, options={}),
    dip("dip_inpaint_6_scales_nearest", SIX_SCALES),
    dip("deep_decoder", DeepDecoderConfig(width=16)),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def loaded(request):
    """A case, its golden values, and its run before the first iteration."""
    case = request.param
    golden = golden_values.load(case.name)
    method = Untrained(
        case.generator,
        FixedSeed(golden["seed"]),
        case.trainable,
        objective=case.objective,
        learning_rate=float(golden["learning_rate"]),
        loop=Loop(golden["losses"].size),
        normalize_seed=case.normalize_seed,
    )
    problem = Problem(jnp.asarray(golden["observation"]), case.operator(golden))
    run = begin(problem, method=method, key=jax.random.key(0))
    state = run.state.method
    model = merge(state.structure, state.trained, state.frozen)
    golden_values.load_into(model, golden)
    structure, trained, frozen = split(model, case.trainable)
    state = dataclasses.replace(state, structure=structure, trained=trained, frozen=frozen)
    return (
        case,
        golden,
        dataclasses.replace(run, state=dataclasses.replace(run.state, method=state)),
    )


@pytest.fixture(scope="module")
def steps(loaded):
    """The state after the first step, the last image and the history, of one program."""
    case, golden, run = loaded
    compiled = jax.jit(advance, static_argnames="room", compiler_options=case.options)
    first, _ = compiled(run, 1, room=golden["losses"].size)
    last, history = compiled(run, golden["losses"].size, room=golden["losses"].size)
    return first.state.method, last.state.image, history


def test_first_output_and_loss(loaded, steps):
    case, golden, _ = loaded
    first, _, _ = steps
    np.testing.assert_allclose(first.image, golden["output_0"], atol=1e-5)
    np.testing.assert_allclose(first.terms.loss, golden["loss_0"], atol=1e-6)
    if case.objective.regularizer is not None:
        np.testing.assert_allclose(first.terms.fidelity, golden["fidelity_0"], atol=1e-6)
        np.testing.assert_allclose(first.terms.regularizer, golden["tv_0"], atol=1e-6)


def test_first_gradient(loaded, steps):
    case, golden, run = loaded
    first, _, _ = steps
    # Adam's first moment after one step, which is a tenth of the gradient.
    gradient = jax.tree.map(lambda moment: moment / 0.1, optax.tree.get(first.optimizer, "mu"))
    # As a model of its own, the gradient's variables have the names of the parameters.
    model = merge(run.state.method.structure, gradient, run.state.method.frozen)
    compared = 0
    squares = 0.0
    for leaf in golden_values.leaves(model):
        if isinstance(leaf.variable, case.trainable):
            expected = leaf.read(golden, "grad_0/")
            error, norm = np.linalg.norm(leaf.variable[...] - expected), np.linalg.norm(expected)
            most = 1e-4 * norm + ROUNDING if norm > ZERO_GRADIENT else ZERO_GRADIENT
            assert error <= most, leaf.name
            squares += norm**2
            compared += 1
    assert compared == len(jax.tree.leaves(gradient))
    np.testing.assert_allclose(first.gradient_norm, np.sqrt(squares), rtol=1e-4)


def test_losses_of_adam_steps(loaded, steps):
    _, golden, _ = loaded
    _, image, history = steps
    losses = golden["losses"]
    np.testing.assert_allclose(history["loss"], losses, atol=1e-3)
    # The output after the last step but one: Adam amplifies rounding, so the bound is wide.
    np.testing.assert_allclose(image, golden[f"output_{losses.size - 1}"], atol=2e-2, rtol=0)
