"""The figures: the network's parts are those of its trees, and the diagram that of the imports."""

import itertools
from pathlib import Path

import command_line
import numpy as np
import pytest
from code_blocks import ROOT
from PIL import Image

from experiments import figures, imports


def test_every_variable_of_the_network_is_in_a_part():
    trees = figures.trees_of("drp-dip")
    parts, sizes = figures.counts(trees), trees.summary()
    for kind in ("trained", "frozen"):
        assert sum(part[kind] for part in parts.values()) == getattr(sizes, kind).values
    assert parts["seed"] == {"trained": 256 * 256 * 3, "frozen": 0}
    # A convolution 3 x 3 with biases, from the 4 channels of the skip and 64 to 64, and its norm.
    assert parts["generator.scale.up"] == {"trained": 2 * 64, "frozen": 9 * 68 * 64 + 64}
    assert all(part["trained"] + part["frozen"] for part in parts.values())


@pytest.mark.parametrize(
    ("name", "trained"),
    [("drp-dip", {"seed", "norm affine"}), ("dip", {"weights", "norm affine"})],
)
def test_the_kinds_that_train(name, trained):
    sizes = figures.sizes_of_kinds(figures.trees_of(name))
    assert {kind for kind, where in sizes if where == "trained"} == trained
    frozen = {"seed", "weights", "norm affine"} - trained
    assert {kind for kind, where in sizes if where == "frozen"} == frozen


def test_the_command_draws_both_and_the_diagram_is_the_committed_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    assert command_line.run(figures) == 0
    committed = (ROOT / figures.ARCHITECTURE).read_text()
    assert figures.ARCHITECTURE.read_text() == committed, "run python -m experiments.figures"
    with Image.open(figures.METHOD) as figure:
        assert figure.width > 1000
        assert np.asarray(figure.convert("L")).std() > 10


def test_imports_are_read_from_the_source(tmp_path):
    package = tmp_path / "lab"
    (package / "low").mkdir(parents=True)
    (package / "__init__.py").write_text("from lab.high import call\n")
    (package / "low" / "__init__.py").write_text("from lab.low.part import x\nimport os.path\n")
    (package / "low" / "part.py").write_text("x = 1\n")
    (package / "middle.py").write_text("import lab.low.part\n")
    (package / "high.py").write_text("def call():\n    from lab import middle, low, unknown\n")
    expected = {"low": set(), "middle": {"low"}, "high": {"middle", "low"}}
    assert imports.imports_of(package) == expected


def test_shortcuts_are_left_out():
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert imports.without_shortcuts(graph) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_the_boxes_of_a_layer_do_not_touch():
    layers = [["a", "b", "c"], ["long_name", "other"]]
    graph = {"a": set(), "b": set(), "c": set(), "long_name": {"a", "c"}, "other": {"b", "c"}}
    rows = [[imports.Place(name, row) for name in names] for row, names in enumerate(layers[::-1])]
    arrows = [[rows[0][0], rows[1][0]], [rows[0][1], rows[1][2]]]
    across = imports._across(rows, arrows)
    for row in rows:
        for one, other in itertools.pairwise(row):
            width = (imports._width(one) + imports._width(other)) / 2
            assert across[other] - across[one] > width
    svg = imports.diagram(graph, layers)
    assert svg.count("<text") == 5
    assert svg.count("marker-end") == 4
