"""docs/method.md: its code runs and prints what it shows, and its numbers are those measured."""

import re

import jax
import numpy as np
import pytest
from code_blocks import ROOT, blocks
from flax import nnx

import drp_jax
from drp_jax import Problem, Status, begin
from drp_jax.untrained import Seed

PAGE = "docs/method.md"


def run(number, names):
    exec(compile(blocks(PAGE, "python")[number], f"{PAGE}, block {number}", "exec"), names)
    return names


def test_the_trees_are_those_that_are_shown(capsys):
    names = run(0, {"__name__": "page"})
    assert capsys.readouterr().out == blocks(PAGE, "text")[1]
    method = run(1, names)["seed_alone"]
    problem = Problem(np.zeros((16, 16, 1), np.float32))
    trees = jax.eval_shape(lambda: begin(problem, method=method, key=names["key"]).trees)
    assert {type(one) for _, one in nnx.to_flat_state(trees.trained)} == {Seed}


def test_the_rule_ends_the_run(capsys, monkeypatch):
    networks = drp_jax.presets._PRESETS["drp-dip"]["denoise"]
    monkeypatch.setitem(networks, "fast", networks["fast"].adjusted(width=4))
    names = {"jax": jax, "jnp": jax.numpy, "preset": drp_jax.preset, "key": jax.random.key(0)}
    result = run(2, names)["result"]
    assert result.status == Status.STOPPED_BY_RULE
    assert int(result.iterations) - int(result.image_iteration) == 40
    curve = result.history["psnr"][: int(result.iterations)]
    assert curve[int(result.image_iteration) - 1] > curve[0] + 3
    assert "Image of iteration" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("page", "numbers"),
    [
        ("docs/performance.md", r"(0\.0525|0\.1473) s"),
        ("docs/fidelity.md", r"(29\.07|29\.92|28\.80)"),
        ("docs/early_stopping.md", r"(0\.06|0\.46)"),
    ],
)
def test_the_numbers_are_those_of_the_measurements(page, numbers):
    text, measured = (ROOT / PAGE).read_text(), (ROOT / page).read_text()
    found = set(re.findall(numbers, text))
    assert len(found) == numbers.count("|") + 1
    assert all(number in measured for number in found)
