"""The mathematics of the original programs: outputs, losses, gradients, Adam steps."""

import dataclasses
from collections.abc import Callable

import golden_values
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import (
    DeepDecoderConfig,
    Downsample,
    GeneratorConfig,
    HourglassConfig,
    Identity,
    Mask,
    Operator,
    SeededGenerator,
    SolverConfig,
    Upsampling,
    solver,
)
from drp_jax.objectives import Objective, anisotropic_tv, mse, rmse
from drp_jax.partition import NormAffine, Seed, Weight, merge, split

AS_USERS_RUN = {"xla_backend_optimization_level": 3}
"""Undoes for these tests what conftest.py does for speed: it changes how sums are rounded."""

ZERO_GRADIENT = 1e-6
"""Norm below which a golden gradient is noise: it is zero in exact arithmetic."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A golden file and the settings that its program ran with."""

    name: str
    generator: GeneratorConfig
    trains: tuple
    normalize_seed: bool
    objective: Objective
    operator: Callable[[golden_values.GoldenFile], Operator] = lambda golden: Identity()


def drp_dip(name: str, *, skip: int = 4, weight: float = 0.45, **arguments) -> Case:
    generator = HourglassConfig(widths_down=(8,), widths_up=(8,), widths_skip=(skip,))
    objective = Objective(rmse, anisotropic_tv, weight)
    return Case(name, generator, (Seed, NormAffine), True, objective, **arguments)


def dip(name: str, generator: GeneratorConfig) -> Case:
    return Case(name, generator, (Weight, NormAffine), False, Objective(mse, None))


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
    dip("dip_denoise_5_scales", FIVE_SCALES),
    dip("dip_denoise_5_scales_odd_size", FIVE_SCALES),
    dip("dip_inpaint_6_scales_nearest", SIX_SCALES),
    dip("deep_decoder", DeepDecoderConfig(width=16)),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def loaded(request):
    """A case, its golden values, and the problem and trained variables that start it."""
    case = request.param
    golden = golden_values.load(case.name)
    observation = jnp.asarray(golden["observation"])
    seed = jnp.zeros(golden["seed"].shape)
    operator = case.operator(golden)
    image_shape = operator.image_shape(observation.shape)
    generator = case.generator.build(seed.shape[-1], image_shape, nnx.Rngs(0))
    model = SeededGenerator(seed, generator, normalize_seed=case.normalize_seed)
    golden_values.load_into(model, golden)
    structure, trained, frozen = split(model, case.trains)
    problem = solver.Problem(
        structure, frozen, observation, operator, case.objective, jax.random.key(0)
    )
    return case, golden, problem, trained


def test_first_output_and_loss(loaded):
    _, golden, problem, trained = loaded
    generate = lambda problem, trained: problem.image(trained)  # noqa: E731
    image = jax.jit(generate, compiler_options=AS_USERS_RUN)(problem, trained)
    terms = problem.terms(image)
    np.testing.assert_allclose(image, golden["output_0"], atol=1e-5)
    np.testing.assert_allclose(terms.loss, golden["loss_0"], atol=1e-6)
    if problem.objective.regularizer is not None:
        np.testing.assert_allclose(terms.fidelity, golden["fidelity_0"], atol=1e-6)
        np.testing.assert_allclose(terms.regularizer, golden["tv_0"], atol=1e-6)


def test_first_gradient(loaded):
    case, golden, problem, trained = loaded
    loss = lambda trained, problem: problem.terms(problem.image(trained)).loss  # noqa: E731
    gradient = jax.jit(jax.grad(loss), compiler_options=AS_USERS_RUN)(trained, problem)
    # As a model of its own, the gradient's variables have the names of the parameters.
    model = merge(problem.structure, gradient, problem.frozen)
    compared = 0
    for leaf in golden_values.leaves(model):
        if isinstance(leaf.variable, case.trains):
            expected = leaf.read(golden, "grad_0/")
            error, norm = np.linalg.norm(leaf.variable[...] - expected), np.linalg.norm(expected)
            assert error <= (1e-4 * norm if norm > ZERO_GRADIENT else ZERO_GRADIENT), leaf.name
            compared += 1
    assert compared == len(jax.tree.leaves(trained))


def test_losses_of_adam_steps(loaded):
    _, golden, problem, trained = loaded
    losses = golden["losses"]
    config = SolverConfig(iterations=losses.size, learning_rate=float(golden["learning_rate"]))
    state = solver.init(config, problem, trained)
    run = jax.jit(
        solver.run,
        static_argnums=0,
        compiler_options=AS_USERS_RUN,
    )
    state = run(config, problem, state, until=losses.size)
    np.testing.assert_allclose(state.history.loss, losses, atol=1e-3)
    # The output after the last step but one: Adam amplifies rounding, so the bound is wide.
    np.testing.assert_allclose(state.output, golden[f"output_{losses.size - 1}"], atol=2e-2, rtol=0)
