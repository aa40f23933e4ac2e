import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError, Problem, advance, begin, preset, restore
from drp_jax.metrics import psnr
from drp_jax.untrained import Compute, HourglassConfig, Precision, Seed, Weight

KEY = jax.random.key(0)


def small(method="drp-dip", **adjustments):
    """A preset with eight channels, one scale where it has several, and these adjustments."""
    small = preset("paper", method=method).adjusted(width=8, **adjustments)
    if isinstance(small.generator, HourglassConfig):
        one = {name: (8,) for name in ("widths_down", "widths_up", "widths_skip")}
        small = dataclasses.replace(small, generator=dataclasses.replace(small.generator, **one))
    return small


def started(method, size=16):
    """A problem, and shapes and types of the method's state for it."""
    problem = Problem(make_photograph(size, size, 3))
    return problem, jax.eval_shape(lambda: begin(problem, method=method, key=KEY)).state.method


def traced_step(method):
    return str(jax.make_jaxpr(method.step)(*started(method)))


@pytest.fixture(scope="module")
def denoised():
    """Denoises with a precision, and says how well: PSNR before and after."""
    clean = make_photograph(24, 24, 3)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)

    def run(precision):
        method = small(iterations=60, precision=precision)
        return float(psnr(restore(noisy, key=KEY, method=method).image, clean))

    return float(psnr(noisy, clean)), run(Precision.FLOAT32), run


@pytest.mark.parametrize("precision", [Precision.TF32, Precision.BFLOAT16])
def test_lower_precision_loses_little(denoised, precision):
    before, exact, run = denoised
    assert exact > before + 1
    assert abs(exact - run(precision)) < 0.3


def test_bfloat16_is_for_the_images_between_layers_alone():
    method = small(precision=Precision.BFLOAT16, iterations=2)
    after = jax.eval_shape(method.step, *started(method))
    floats = [leaf for leaf in jax.tree.leaves(after) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    assert {leaf.dtype for leaf in floats} == {jnp.dtype("float32")}
    assert "bf16[16,16,8]" in traced_step(method)
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
    method = small(method="dip", precision=precision)
    text = jax.jit(method.step).lower(*started(method)).as_text()
    lines = [line for line in text.splitlines() if re.search(r"convolution|dot_general", line)]
    assert {word for line in lines for word in re.findall(r"HIGHEST|HIGH|DEFAULT", line)} == {
        products
    }


@pytest.mark.parametrize("name", ["drp-dip", "drp-dd"])
def test_rematerialising_keeps_less_memory(name):
    plain = small(name)
    lean = plain.adjusted(rematerialise=True)

    def bytes_kept(method):
        """What the forward pass of one image leaves for the backward pass."""
        _, state = started(method, size=32)

        def kept(state):
            def image(trained):
                return method.compute.image(state.structure, trained, state.frozen)

            return jax.vjp(image, state.trained)[1]

        return sum(
            leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(jax.eval_shape(kept, state))
        )

    assert bytes_kept(lean) < 0.6 * bytes_kept(plain)


def test_rematerialising_does_not_change_the_result():
    plain = small("drp-dd", iterations=3)
    lean = plain.adjusted(rematerialise=True)
    run = begin(Problem(make_photograph(16, 16, 3)), method=plain, key=KEY)
    images = [advance(dataclasses.replace(run, method=m))[0].image for m in (plain, lean)]
    np.testing.assert_allclose(images[0], images[1], atol=1e-3)


def test_nothing_is_computed_for_frozen_weights():
    def kernel_gradients(trainable):
        method = dataclasses.replace(small(), trainable=trainable)
        program = jax.jit(method.step).lower(*started(method)).compile().as_text()
        return program.count("hwi,hwo->io")

    if jax.default_backend() != "cpu":
        pytest.skip("the name is that of the kernel gradients on CPU")
    assert kernel_gradients((Seed,)) == 0
    assert kernel_gradients((Seed, Weight)) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": "half"}, "(?i)precision is 'half'; accepted: .*float32, .*tf32, .*bfloat16"),
        ({"rematerialise": 1}, "rematerialise is 1; accepted: True or False"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Compute(**arguments)
