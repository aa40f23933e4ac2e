"""docs/files.md: its code runs, and its numbers are those of the tests."""

import numpy as np
import pytest
from code_blocks import ROOT, run_python

from experiments import fuzz

PAGE = "docs/files.md"


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    picture = run_python(PAGE)["picture"]
    assert capsys.readouterr().out == f"{picture.note}\n"
    assert picture.value_range == (-1000, 2000)
    darker = np.load("darker.npy")
    assert (darker.min(), darker.max()) == pytest.approx((-1000, 500))


def test_the_number_of_kinds_is_right():
    assert f"files of {len(fuzz.samples())} kinds" in (ROOT / PAGE).read_text()
