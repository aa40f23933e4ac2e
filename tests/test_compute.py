import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import Compute, InputError, Precision, Weight, preset, restore, solver
from drp_jax.inputs import checked_inputs
from drp_jax.metrics import psnr
from drp_jax.partition import Seed
from drp_jax.restore import begin

KEY = jax.random.key(0)


def small(method="drp-dip", **adjustments):
    return preset("paper", method=method).adjusted(width=8, **adjustments)


def started(settings, size=16):
    inputs = checked_inputs(
        settings,
        make_photograph(size, size, 3),
        operator=None,
        seed=None,
        reference=None,
    )
    return begin(settings, psnr, inputs, KEY)


def traced_step(settings):
    problem, state = started(settings)
    return str(jax.make_jaxpr(lambda state: solver.step(settings.solver, problem, state))(state))


@pytest.mark.parametrize("precision", [Precision.TF32, Precision.BFLOAT16])
def test_lower_precision_loses_little(precision):
    clean = make_photograph(24, 24, 3)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)
    exact = small(iterations=60)
    rounded = exact.adjusted(precision=precision)
    scores = [
        float(psnr(restore(noisy, key=KEY, settings=settings).image, clean))
        for settings in (exact, rounded)
    ]
    assert scores[0] > float(psnr(noisy, clean)) + 1
    assert abs(scores[0] - scores[1]) < 0.3


def test_bfloat16_is_for_the_images_between_layers_alone():
    settings = small(precision=Precision.BFLOAT16, iterations=2)
    problem, state = started(settings)
    after = jax.jit(solver.step, static_argnums=0)(settings.solver, problem, state)
    floats = [
        leaf
        for leaf in jax.tree.leaves((after, problem.frozen))
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    assert {leaf.dtype for leaf in floats} == {jnp.dtype("float32")}
    assert "bf16[16,16,8]" in traced_step(settings)
    assert "bf16" not in traced_step(small())


@pytest.mark.parametrize(
    ("precision", "products"),
    [
        (Precision.FLOAT32, "HIGHEST"),
        (Precision.TF32, "HIGH"),
        (Precision.BFLOAT16, "DEFAULT"),
    ],
)
def test_all_products_have_the_precision(precision, products):
    settings = small(method="dip", precision=precision)
    problem, state = started(settings)
    step = lambda state: solver.step(settings.solver, problem, state)  # noqa: E731
    text = jax.jit(step).lower(state).as_text()
    lines = [line for line in text.splitlines() if re.search(r"convolution|dot_general", line)]
    assert {word for line in lines for word in re.findall(r"HIGHEST|HIGH|DEFAULT", line)} == {
        products
    }


@pytest.mark.parametrize("method", ["drp-dip", "drp-dd"])
def test_rematerialising_changes_memory_not_the_result(method):
    plain = small(method, iterations=3)
    lean = plain.adjusted(rematerialise=True)

    def bytes_kept(settings):
        """What the forward pass of one image leaves for the backward pass."""
        problem, state = started(settings, size=32)
        kept = jax.eval_shape(lambda trained: jax.vjp(problem.image, trained)[1], state.trained)
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept))

    assert bytes_kept(lean) < 0.6 * bytes_kept(plain)
    photograph = make_photograph(16, 16, 3)
    images = [restore(photograph, key=KEY, settings=s).image for s in (plain, lean)]
    np.testing.assert_allclose(images[0], images[1], atol=1e-3)


def test_nothing_is_computed_for_frozen_weights():
    def kernel_gradients(trains):
        settings = small()
        method = dataclasses.replace(settings.method, trains=trains)
        problem, state = started(dataclasses.replace(settings, method=method))
        step = jax.jit(solver.step, static_argnums=0)
        program = step.lower(settings.solver, problem, state).compile().as_text()
        return program.count("hwi,hwo->io")

    if jax.default_backend() != "cpu":
        pytest.skip("the name is that of the kernel gradients on CPU")
    assert kernel_gradients((Seed,)) == 0
    assert kernel_gradients((Seed, Weight)) > 0


def test_an_unknown_precision_is_named():
    with pytest.raises(InputError, match="precision is 'half'; accepted: float32, tf32, bfloat16"):
        Compute(precision="half")
