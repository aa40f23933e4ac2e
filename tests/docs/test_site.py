"""The site: its navigation names every page, and the reference every public name."""

import importlib
import inspect
import pkgutil
import re

import pytest
import yaml
from code_blocks import ROOT

import drp_jax
from experiments import website

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def named(items):
    """The pages that a part of the navigation names."""
    for item in items:
        for value in item.values() if isinstance(item, dict) else [item]:
            yield from named(value) if isinstance(value, list) else [value]


def test_the_navigation_names_every_page_once():
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    added = set(website.added_pages())
    assert not written & added
    assert sorted(named(SETTINGS["nav"])) == sorted(written | added)


def public_names(module):
    """The names that a module says are public; if it says nothing, what it defines."""
    if hasattr(module, "__all__"):
        return {name for name in module.__all__ if not inspect.ismodule(getattr(module, name))}
    own = inspect.getmembers(module, lambda one: inspect.isclass(one) or inspect.isfunction(one))
    return {
        name for name, one in own if one.__module__ == module.__name__ and not name.startswith("_")
    }


def resolved(path):
    """What the path of an object stands for, modules before what hides them."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


PAGES = {path.stem: path for path in REFERENCE.glob("*.md") if path.stem != "index"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_has_the_public_names_of_its_module(name):
    module = importlib.import_module("drp_jax" if name == "drp_jax" else f"drp_jax.{name}")
    paths = re.findall(r"^::: (\S+)$", PAGES[name].read_text(), re.MULTILINE)
    paths = [path for path in paths if path != module.__name__]
    names = [path.rpartition(".")[2] for path in paths]
    assert sorted(names) == sorted(public_names(module))
    for path, one in zip(paths, names, strict=True):
        assert path.startswith(f"{module.__name__}.")
        assert resolved(path) is getattr(module, one)


def test_the_reference_has_every_package_with_public_names():
    modules = [f"drp_jax.{module.name}" for module in pkgutil.iter_modules(drp_jax.__path__)]
    modules = {name for name in modules if name != "drp_jax.__main__"}
    declared = {name for name in modules if hasattr(importlib.import_module(name), "__all__")}
    spaces = {name for name in drp_jax.__all__ if inspect.ismodule(getattr(drp_jax, name))}
    assert {name.partition(".")[2] for name in declared} | spaces | {"drp_jax"} <= set(PAGES)


TEXTS = ["README.md", "CONTRIBUTING.md"]
TEXTS += [path.relative_to(ROOT).as_posix() for path in sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", TEXTS)
def test_the_links_of_a_page_work_in_the_repository(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if not link.startswith(("https://", "#")):
            assert ((ROOT / page).parent / link.partition("#")[0]).exists(), link


def test_links_are_turned_to_those_of_the_site():
    text = "[a](programs/two_trees.py) [b](../CONTRIBUTING.md#style) [c](../../README.md) [d](x.md)"
    assert website.links_of_the_site(text) == (
        "[a](programs/two_trees.md) [b](contributing.md#style) [c](../index.md) [d](x.md)"
    )
    pages = website.added_pages()
    assert "](quality.md)" in pages["index.md"]
    assert "](docs/" not in pages["index.md"] + pages["contributing.md"]
    assert pages["programs/two_trees.md"].startswith("# two_trees.py\n\n```python\n")


def test_every_page_with_code_has_a_test():
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "docs").glob("*.py"))
    with_code = [page for page in TEXTS if "```python" in (ROOT / page).read_text()]
    assert len(with_code) > 8
    assert [page for page in with_code if f'"{page}"' not in tests] == []
