"""The tables of sweeps on the pages, and the plans that they are of."""

import re

import pytest
from code_blocks import ROOT

from drp_jax import InputError
from drp_jax.commands import sweep_flags
from experiments import tables
from experiments.photographs import DATA

PLANS = sorted((ROOT / "benchmarks/plans").glob("*.yaml"))


def test_a_table_takes_the_place_of_the_one_before(tmp_path):
    (tmp_path / "means.md").write_text("| PSNR |\n|---|\n| 30 |\n")
    page = "Head\n\n<!-- table: means.md -->\nold\n<!-- end of table -->\n\nafter\n"
    written = tables.with_tables(page, tmp_path)
    assert written == (
        "Head\n\n<!-- table: means.md -->\n\n| PSNR |\n|---|\n| 30 |\n\n<!-- end of table -->\n\n"
        "after\n"
    )
    assert tables.with_tables(written, tmp_path) == written


def test_a_table_that_is_not_there_is_named(tmp_path):
    page = "<!-- table: none.md -->\n<!-- end of table -->"
    with pytest.raises(InputError, match=r"none.md: no such file; accepted: what a sweep report"):
        tables.with_tables(page, tmp_path)


def test_a_page_without_its_table_is_an_error_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/page.md"
    page.write_text("<!-- table: means.md -->\n<!-- end of table -->\n")
    assert tables.main([]) == 2
    assert "tables: error: means.md: no such file; accepted: what" in capsys.readouterr().err
    (tmp_path / "means.md").write_text("| 30 |\n")
    assert tables.main([]) == 0
    assert "| 30 |" in page.read_text()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_pages_have_the_tables_of_the_results(page):
    text = page.read_text()
    assert tables.with_tables(text, ROOT) == text
    assert text.count("<!-- table:") == text.count("<!-- end of table -->")


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_sound_and_each_image_fits_it(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    if {"pairs", "published"} & set(path.stem.split("-")) and not DATA.exists():
        pytest.skip("photographs of real cameras and official images are not part of the checkout")
    plan = sweep_flags.read([path])
    assert not plan.unreadable


@pytest.mark.parametrize("page", ["quality", "reconstruction"])
def test_the_tables_on_the_page_are_of_the_plans(page):
    text = (ROOT / f"docs/{page}.md").read_text()
    named = set(re.findall(r"<!-- table: benchmarks/results/(\S+)\.md -->", text))
    of_plans = named - {"reconstruction-peers", "reconstruction-chosen-weights"}
    of_plans -= {name for name in named if name.endswith("-cpu")}  # of benchmarks
    assert of_plans <= {path.stem for path in PLANS}
    for name in of_plans:
        assert (ROOT / f"benchmarks/results/{name}.csv").is_file()
    assert len(named) >= 8
