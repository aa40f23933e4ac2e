"""What a stranger reads first beside the README is valid and agrees with the package."""

import re
from pathlib import Path

import yaml

import drp_jax

ROOT = Path(__file__).parents[2]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_the_citation_is_of_this_version_and_names_the_paper():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == drp_jax.__version__
    assert CITATION["message"]
    assert CITATION["authors"]
    (paper,) = CITATION["references"]
    assert [one["family-names"] for one in paper["authors"]] == ["Li", "Wang", "Zhuang", "Sun"]


def test_the_newest_changes_are_those_of_this_version():
    newest = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest.group(1) == drp_jax.__version__


def test_the_workflow_runs_the_gate_and_the_lowest_versions_from_the_oldest_python_that_is_taken():
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    oldest = re.search(r"python_requires = >=(.*)", (ROOT / "setup.cfg").read_text()).group(1)
    assert jobs["all"]["strategy"]["matrix"]["python"][0] == oldest
    assert jobs["lowest"]["steps"][1]["with"]["python-version"] == oldest
    for name, script in (("all", ".ci/run"), ("lowest", ".ci/lowest")):
        assert jobs[name]["steps"][-1] == {"run": script}
        assert (ROOT / script).stat().st_mode & 0o111
