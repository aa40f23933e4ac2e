"""The notebooks: all run, shortened, and their pages and .ipynb are those of the programs."""

import ast
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from code_blocks import ROOT, blocks, table

from drp_jax.metrics import psnr
from experiments import notebooks
from experiments.notebooks import INSTALL, NOTEBOOKS, PARAMETERS, has_tag

PAGES = {
    "docs/notebooks/denoise.md": {"size": 32, "iterations": 2},
    "docs/notebooks/two_trees.md": {"size": 16, "width": 4, "iterations": 3, "projectors": 2},
    "docs/notebooks/mri.md": {"size": 32, "iterations": 4, "projectors": 2},
    "docs/notebooks/own.md": {"size": 16, "channels": 4, "iterations": 3},
    "docs/notebooks/sweep.md": {"size": 16, "iterations": 2, "weights": (0.1, 1.0), "keys": (0,)},
}
"""The page of each notebook, and values of its parameters with which it is short."""

FOLDER = ROOT / notebooks.FOLDER
by_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def name_of(page):
    return page.rpartition("/")[2].removesuffix(".md")


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_notebook_has_a_page_in_the_overview():
    names = [name_of(page) for page in PAGES]
    assert names == list(NOTEBOOKS)
    assert sorted(names) == sorted(path.stem for path in FOLDER.glob("*.py"))
    linked = [cells[0].partition("](")[2].rstrip(")") for cells in table("docs/notebooks.md", "notebook")]
    assert linked == [f"notebooks/{name}.md" for name in names]


@by_page
def test_a_notebook_begins_with_its_title_and_how_to_install_it(page):
    notebook = notebooks.read(name_of(page))
    assert notebook.cells[0].source.startswith("# ")
    install, *others = code_of(notebook)
    assert has_tag(install, INSTALL)
    source = re.search(r"Source = (\S+)", (ROOT / "setup.cfg").read_text()).group(1)
    assert install.source.endswith(f'%pip install --quiet "drp_jax[commands] @ git+{source}"')
    assert sum(has_tag(cell, PARAMETERS) for cell in others) == 1
    for cell in others:  # Jupyter shows the value of a last expression
        last = ast.parse(cell.source).body[-1]
        assert not isinstance(last, ast.Expr) or last.value.func.id in ("print", "show")


@by_page
def test_a_page_and_an_ipynb_are_those_of_the_program(page):
    name = name_of(page)
    again = f"run python -m experiments.notebooks --only {name}"
    notebook, text = notebooks.read(name), (ROOT / page).read_text()
    assert blocks(page, "python") == [f"{cell.source}\n" for cell in code_of(notebook)], again
    for cell in notebook.cells[1:]:
        assert cell.cell_type == "code" or f"\n\n{cell.source}\n" in text, again

    written = json.loads((FOLDER / f"{name}.ipynb").read_text())["cells"]
    assert [(one["cell_type"], "".join(one["source"])) for one in written] == [
        (cell.cell_type, cell.source) for cell in notebook.cells
    ], again
    assert not any(one.get("outputs") for one in written)


@by_page
def test_a_page_has_its_badge_and_its_figures(page):
    name, text = name_of(page), (ROOT / page).read_text()
    assert f"[![Open in Colab](colab.svg)]({notebooks.home()}/{name}.ipynb)" in text
    shown = re.findall(rf"^!\[.+\]\(({name}-\d\.webp)\)$", text, re.MULTILINE)
    assert shown
    assert sorted(shown) == sorted(path.name for path in FOLDER.glob(f"{name}-*.webp"))
    assert all((FOLDER / one).stat().st_size < 60_000 for one in shown)


def names_of_run(page):
    """What a shortened notebook has defined; it has drawn as many figures as its page has."""
    names, name = {}, name_of(page)
    shown = notebooks.run(notebooks.read(name), names, PAGES[page])
    drawn = [figure for one in shown for figure in one.figures]
    assert [figure.titles != "" for figure in drawn] == [True] * len(list(FOLDER.glob(f"{name}-*")))
    return names
