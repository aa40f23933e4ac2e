"""The short programs of `docs/programs` run, and show what they say."""

import contextlib
import io
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from code_blocks import ROOT, table
from conftest import compilations
from flax import nnx

from drp_jax import Gaussian, Problem, Status, preset
from drp_jax.metrics import psnr
from drp_jax.untrained import NormAffine, Seed

PROGRAMS = ROOT / "docs" / "programs"


def run(name):
    """The names that a program made, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = runpy.run_path(str(PROGRAMS / f"{name}.py"))
    return names, printed.getvalue()


def kinds(state):
    return {type(variable) for _, variable in nnx.to_flat_state(state)}


def test_the_page_names_every_program():
    named = [
        cells[0].partition("]")[0].lstrip("[") for cells in table("docs/programs.md", "program")
    ]
    assert sorted(named) == sorted(path.name for path in PROGRAMS.glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own_nnx_generator", "own_linen_generator"])
def test_a_network_of_ones_own(name):
    program, printed = run(name)
    result = program["result"]
    trees = result.trees
    assert kinds(trees.trained) == {Seed, NormAffine}
    assert kinds(trees.frozen) == {nnx.Param}
    assert f"{trees.summary().trained.values:,}" in printed
    noisy, clean = program["noisy"], program["clean"]
    assert psnr(result.image, clean) > psnr(noisy, clean) + 5

    reduction = 2 if name == "own_linen_generator" else 1
    (seed,) = (one[...] for _, one in nnx.to_flat_state(trees.trained) if type(one) is Seed)
    assert seed.shape == (32 // reduction, 32 // reduction, 3)


@pytest.mark.slow
def test_masked_fourier():
    program, _ = run("masked_fourier")
    result, clean = program["result"], program["clean"]
    assert result.run.method == preset(method="drp-dip", task="reconstruct")
    assert psnr(result.image, clean) > psnr(program["zero_filled"], clean) + 2
    assert jnp.iscomplexobj(result.run.problem.observation)

    # Another mask compiles nothing.
    other = program["MaskedFourier"](program["operator"].mask[::-1])
    observation = other(clean)
    shorter = program["method"].adjusted(iterations=2)
    with compilations() as programs:
        problem = Problem(observation, other, Gaussian(0.02), image_shape=clean.shape)
        program["restore"](problem, key=jax.random.key(1), method=shorter)
    assert not programs


@pytest.mark.slow
def test_guided_regularizer():
    program, _ = run("guided_regularizer")
    flat, noisy, clean = program["by_guide"]
    # An edge that the guide has costs less: the right guide helps, one full of noise does not.
    assert noisy < flat - 0.5
    assert flat < clean - 0.5
    assert (np.diff(program["by_weight"]) > 1).all()
    # One weight and guide are the same in both sweeps.
    np.testing.assert_allclose(program["by_weight"][1], clean, atol=0.5)


@pytest.mark.slow
def test_learning_rate_sweep():
    program, printed = run("learning_rate_sweep")
    sweep = program["results"]
    assert printed.count(Status.ITERATION_LIMIT.message) == len(program["rates"])
    alone = program["run"](float(program["rates"][2])).history["loss"]
    np.testing.assert_allclose(sweep.history["loss"][2, :5], alone[:5], rtol=1e-3)
    assert len({f"{loss:.4f}" for loss in sweep.history["loss"][:, 1]}) == 4


@pytest.mark.slow
def test_two_trees():
    program, _ = run("two_trees")
    before, after = program["before"], program["result"].trees
    assert kinds(before.trained) == {Seed, NormAffine}
    assert program["same"]
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(program["gradient"]))
    assert any((leaf != 0).any() for leaf in jax.tree.leaves(program["gradient"]))
    sizes = before.summary()
    assert sizes.optimizer.values == 2 * sizes.trained.values + 1  # two moments, and a count
    assert sizes.frozen.bytes == 4 * sizes.frozen.values
    assert after.summary() == sizes
    for change in (*program["during"], program["moved"](after)):
        assert change["frozen"] == 0
        assert change["trained"] > 0


@pytest.mark.slow
def test_continue_and_save():
    program, printed = run("continue_and_save")
    assert printed.count("60 iterations, equal to one run: True") == 2
    at_once = program["at_once"].history
    for name in ("continued", "from_disk"):
        history = program[name].history
        jax.tree.map(np.testing.assert_array_equal, history, at_once)
