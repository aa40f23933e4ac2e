"""Run the notebooks and write their pages: `python -m experiments.notebooks`.

A notebook is a program in `docs/notebooks/`, in jupytext's percent format. Each becomes a page with
its code, what that prints and its figures, and an `.ipynb` without these for Jupyter and Colab.
"""

import configparser
import contextlib
import dataclasses
import io
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from drp_jax.commands import options
from drp_jax.images import replace_whole
from experiments import pages
from experiments.benchmark import measuring

PROGRAM = "notebooks"
ROOT = pathlib.Path(__file__).parents[1]
FOLDER = pathlib.Path("docs/notebooks")
NOTEBOOKS = ("denoise", "two_trees", "mri", "own", "sweep")
INSTALL, PARAMETERS = "install", "parameters"
"""Tags of cells: one that is not run here, and one that gives values which a run may replace."""

DPI = 110
ABOUT = """[![Open in Colab](colab.svg)]({home}/{name}.ipynb)

Made by `python -m experiments.notebooks` from [{name}.py]({name}.py); for Jupyter it is
[{name}.ipynb]({name}.ipynb)."""


class Figure(NamedTuple):
    """A figure as it is shown: the titles in it, and a WebP file."""

    titles: str
    file: bytes


@dataclasses.dataclass(frozen=True)
class Shown:
    """What a cell shows when it has run."""

    text: str = ""
    figures: tuple[Figure, ...] = ()


@dataclasses.dataclass(frozen=True)
class Arguments:
    only: str | None = measuring.only(NOTEBOOKS)


@options.command(PROGRAM, Arguments, help=__doc__)
def make(parsed: Arguments) -> int:
    """A page and an .ipynb of each notebook."""
    for name in NOTEBOOKS if parsed.only is None else (parsed.only,):
        print(f"running {name}", flush=True)
        notebook = read(FOLDER / f"{name}.py")
        write(notebook, run(notebook, {}), name)
    return 0


def read(path: pathlib.Path) -> Any:
    """A notebook of nbformat, without outputs, from a program in the percent format."""
    import jupytext  # there with the extras "docs" and "test" alone

    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem}-{number}"  # otherwise by chance
    return notebook


def has_tag(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def run(
    notebook: Any, names: dict[str, Any], parameters: Mapping[str, Any] | None = None
) -> list[Shown]:
    """Runs the cells of a notebook one after the other in an empty folder; what each shows.

    Args:
      notebook: as `read` gives it.
      names: where the cells find and put what they define.
      parameters: values instead of those of the cell with that tag, by name.

    Raises:
      KeyError: if that cell has no such name.
    """
    import matplotlib.pyplot as plt  # slow to import, and only needed here

    plt.switch_backend("Agg")
    shown = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in notebook.cells:
            if cell.cell_type != "code" or has_tag(cell, INSTALL):
                shown.append(Shown())
                continue
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(cell.source, f"cell {cell.id}", "exec"), names)
            if has_tag(cell, PARAMETERS):
                names |= {name: (names[name], value)[1] for name, value in (parameters or {}).items()}
            shown.append(Shown(printed.getvalue(), _figures(plt)))
    return shown


def _figures(plt: Any) -> tuple[Figure, ...]:
    """The figures that are open, which are closed."""
    figures = []
    for number in plt.get_fignums():
        figure, file = plt.figure(number), io.BytesIO()
        figure.savefig(file, format="webp", dpi=DPI)
        titles = (axes.get_title() for axes in figure.axes)
        figures.append(Figure(", ".join(filter(None, titles)), file.getvalue()))
    plt.close("all")
    return tuple(figures)


def write(notebook: Any, shown: Sequence[Shown], name: str) -> None:
    """Writes the page of a notebook with its figures, and its .ipynb."""
    import jupytext

    for old in FOLDER.glob(f"{name}-*.webp"):
        old.unlink()
    paragraphs, count = [], 0
    for cell, one in zip(notebook.cells, shown, strict=True):
        paragraphs.append(f"```python\n{cell.source}\n```" if cell.cell_type == "code" else cell.source)
        if one.text:
            paragraphs.append(f"```text\n{one.text.rstrip()}\n```")
        for figure in one.figures:
            count += 1
            path = FOLDER / f"{name}-{count}.webp"
            with replace_whole(path) as temporary:
                temporary.write_bytes(figure.file)
            paragraphs.append(f"![{figure.titles}]({path.name})")
    title, _, text = paragraphs[0].partition("\n\n")
    about = ABOUT.format(home=home(), name=name)
    pages.write_page(FOLDER / f"{name}.md", title, about, text, *paragraphs[1:])
    with replace_whole(FOLDER / f"{name}.ipynb") as temporary:
        temporary.write_text(jupytext.writes(notebook, fmt="ipynb"))


def home() -> str:
    """Where Colab finds the notebooks, as the package says."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    urls = dict(line.split(" = ") for line in settings["metadata"]["project_urls"].split("\n") if line)
    return urls["Notebooks"]


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(make, argv, program=PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
