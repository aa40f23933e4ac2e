"""The notebooks: all run, shortened, and their pages and .ipynb are those of the programs."""

import ast
import re

import jax
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
    linked = [
        cells[0].partition("](")[2].rstrip(")") for cells in table("docs/notebooks.md", "notebook")
    ]
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
    for cell in others:  # Jupyter shows the value of a last expression, and theirs is None
        last = ast.parse(cell.source).body[-1]
        if isinstance(last, ast.Expr):
            assert ast.unparse(last).partition("(")[0] in ("print", "show", "axes.grid")


@by_page
def test_a_page_and_an_ipynb_are_those_of_the_program(page):
    name = name_of(page)
    again = f"run python -m experiments.notebooks --only {name}"
    notebook, text = notebooks.read(name), (ROOT / page).read_text()
    assert blocks(page, "python") == [f"{cell.source}\n" for cell in code_of(notebook)], again
    for cell in notebook.cells[1:]:
        assert cell.cell_type == "code" or f"\n\n{cell.source}\n" in text, again

    written = notebooks.read(name, ".ipynb")
    assert [(cell.cell_type, cell.source) for cell in written.cells] == [
        (cell.cell_type, cell.source) for cell in notebook.cells
    ], again
    assert not any(cell.outputs for cell in code_of(written))


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


@pytest.mark.slow
def test_denoise():
    names = names_of_run("docs/notebooks/denoise.md")
    noisy, clean, result = names["noisy"], names["clean"], names["result"]
    np.testing.assert_allclose(np.asarray(noisy) * 255, np.rint(np.asarray(noisy) * 255), atol=1e-3)
    assert psnr(result.image, clean) > psnr(noisy, clean) + 3
    assert names["fitted"].iterations == 2


@pytest.mark.slow
def test_two_trees():
    names = names_of_run("docs/notebooks/two_trees.md")
    np.testing.assert_allclose(names["by_hand"](3), names["result"].image, atol=1e-4)
    assert all(jax.tree.leaves(names["unchanged"]))
    assert names["runs"].image.shape == (3, 2, 16, 16, 3)
    images = np.asarray(names["runs"].image[1])
    np.testing.assert_allclose(names["mean"], images.mean(0), atol=1e-6)


@pytest.mark.slow
def test_mri():
    names = names_of_run("docs/notebooks/mri.md")
    rows = np.asarray(names["operator"].mask)[:, 0] > 0
    assert (np.abs(np.asarray(names["kspace"])).sum(axis=1) > 0).tolist() == rows.tolist()
    assert names["result"].uncertainty.shape == (32, 32)
    left = np.asarray(names["left"])[rows]
    np.testing.assert_allclose(names["measured"], np.sqrt(np.mean(np.abs(left) ** 2)), rtol=1e-4)


@pytest.mark.slow
def test_own():
    names = names_of_run("docs/notebooks/own.md")
    patterns, clean = np.asarray(names["camera"].patterns), np.asarray(names["clean"])
    expected = [(pattern * clean[8:16, :8, 0]).sum() for pattern in patterns]
    np.testing.assert_allclose(names["observed"][1, 0, :, 0], expected, rtol=1e-4, atol=1e-5)
    trained = [one.trees.summary().trained.values for one in names["results"].values()]
    assert trained[0] == 16 * 16 * 3 + 3 * 2 * 4  # the seed, and the affine of three norms


@pytest.mark.slow
def test_sweep():
    names = names_of_run("docs/notebooks/sweep.md")
    counts = [len(names[one]) for one in ("first", "others", "again")]
    assert counts == [5, len(list(names["plan"].runs())) - 5, 0]
    assert len(names["means"]) == 3 * (2 + 1)
    assert names["best"]["psnr"] == max(row["psnr"] for row in names["projected"])
