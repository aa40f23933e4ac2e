"""Values of all kinds as plain JSON types."""

import dataclasses
import enum
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx, struct

from drp_jax import preset
from drp_jax.commands import report
from drp_jax.commands.report import describe
from drp_jax.presets import names


class Kind(enum.StrEnum):
    FAST = "fast"


@struct.dataclass
class Weighted:
    weight: jax.Array
    function: object = struct.field(pytree_node=False)


@dataclasses.dataclass(frozen=True)
class Plain:
    kind: Kind
    parts: tuple


def double(value, *, times=2):
    return value * times


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (float("inf"), None),
        (Kind.FAST, "fast"),
        (np.float32(0.5), 0.5),
        (jnp.float32(0.5), 0.5),
        (jnp.array([1, 2]), [1, 2]),
        (jnp.array([0.5, jnp.nan]), [0.5, None]),
        (np.zeros((9, 8), np.float32), "float32 [9, 8]"),
        (jax.random.key(0), "key<fry> []"),
        (np.array([1 + 2j]), ["(1+2j)"]),
        (double, "double"),
        (nnx.Param, "Param"),
        ((nnx.Param, double), ["Param", "double"]),
        (jax.tree_util.Partial(double, times=3), {"function": "double", "times": 3}),
        (functools.partial(double, 1), {"function": "double", "arguments": [1]}),
        (
            Weighted(jnp.float32(0.5), double),
            {"type": "Weighted", "weight": 0.5, "function": "double"},
        ),
        (Plain(Kind.FAST, (1, 2.0)), {"type": "Plain", "kind": "fast", "parts": [1, 2.0]}),
    ],
)
def test_a_value_is_described(value, expected):
    assert describe(value) == expected


def test_every_preset_is_described_without_addresses():
    descriptions = [
        json.dumps(describe(preset(name, method=method, task=task)), allow_nan=False)
        for method, tasks in names().items()
        for task, presets in tasks.items()
        for name in presets
    ]
    assert not any(" at 0x" in text for text in descriptions)
    mesh = describe(preset("paper", method="drp-dip", task="inpaint"))
    assert mesh["seed"] == {"type": "MeshGridSeed"}


@pytest.mark.parametrize("filter_", [nnx.All(nnx.Param), nnx.Not(nnx.Param), ...])
def test_a_filter_of_nnx_is_described(filter_):
    json.dumps(describe(filter_))
    assert "Param" in str(describe(filter_)) or filter_ is ...


@pytest.mark.parametrize("height", [40, 41, 44, 53])
def test_some_pixels_are_scored_in_strips(height, monkeypatch):
    draw = np.random.default_rng(0)
    image, reference = draw.random((2, height, 16, 3), np.float32)
    selected = draw.random((height, 16)) < 0.3
    monkeypatch.setattr(report, "MOST_AT_ONCE", 20 * 16)
    expected = -10 * np.log10(np.mean((image - reference)[selected] ** 2, dtype=np.float64))
    found = report.psnr_of_pixels(image, reference, selected)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert report.psnr_of_pixels(image, image, selected) == np.inf


@pytest.mark.parametrize("height", [40, 41, 44, 53])
def test_scores_in_strips_are_those_of_the_whole(height, monkeypatch):
    both = [np.random.default_rng(seed).random((height, 16, 3), np.float32) for seed in (0, 1)]
    whole = report.score(*both)
    monkeypatch.setattr(report, "MOST_AT_ONCE", 20 * 16)
    np.testing.assert_allclose(
        *([one[name] for name in whole] for one in (report.score(*both), whole)), rtol=1e-5
    )
