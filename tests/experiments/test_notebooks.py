"""What runs the notebooks: cells in order, parameters replaced, and a page of what they show."""

import json
import pathlib

import command_line
import pytest
from PIL import Image

from experiments import notebooks

PROGRAM = """# %% [markdown]
# # Title
#
# Text.

# %% tags=["install"]
# %pip install nothing

# %%
import pathlib
import matplotlib.pyplot as plt

# %% tags=["parameters"]
count = 300

# %%
print("counted", count)
pathlib.Path("left.txt").write_text("here")
for _ in range(2):
    plt.subplots()[1].set_title("a line")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / notebooks.FOLDER
    folder.mkdir(parents=True)
    (folder / "denoise.py").write_text(PROGRAM)
    return folder


def test_cells_run_in_order_with_other_parameters(folder):
    names = {}
    shown = notebooks.run(notebooks.read("denoise"), names, {"count": 3})
    assert [one.text for one in shown] == ["", "", "", "", "counted 3\n"]
    assert names["count"] == 3
    assert [figure.titles for figure in shown[-1].figures] == ["a line", "a line"]
    assert not pathlib.Path("left.txt").exists()


def test_a_parameter_that_a_notebook_has_not_is_named(folder):
    with pytest.raises(KeyError, match="denoise-3 has no counts"):
        notebooks.run(notebooks.read("denoise"), {}, {"counts": 3})


def test_the_command_writes_a_page_with_figures_and_an_ipynb(folder, capsys):
    (folder / "denoise-3.webp").write_bytes(b"of an earlier run")
    assert command_line.run(notebooks, "--only", "denoise") == 0
    assert "wrote docs/notebooks/denoise.md" in capsys.readouterr().out
    page = (folder / "denoise.md").read_text()
    badge = f"[![Open in Colab](colab.svg)]({notebooks.home()}/denoise.ipynb)"
    assert page.startswith(f"# Title\n\n{badge}\n\nMade by")
    assert "\n\nText.\n\n```python\n%pip install nothing\n```\n" in page
    shown = "```text\ncounted 300\n```\n\n![a line](denoise-1.webp)\n\n![a line](denoise-2.webp)\n"
    assert page.endswith(shown)
    assert sorted(path.name for path in folder.glob("*.webp")) == [
        "denoise-1.webp",
        "denoise-2.webp",
    ]
    with Image.open(folder / "denoise-1.webp") as figure:
        assert figure.format == "WEBP"

    written = json.loads((folder / "denoise.ipynb").read_text())
    assert [cell["id"] for cell in written["cells"]] == [f"denoise-{n}" for n in range(5)]
    assert written["cells"][1]["source"] == ["%pip install nothing"]
    assert written["metadata"]["kernelspec"]["name"] == "python3"
    again = notebooks.read("denoise", ".ipynb")
    assert [cell.source for cell in again.cells] == [
        cell.source for cell in notebooks.read("denoise").cells
    ]
