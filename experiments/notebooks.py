"""Run the notebooks and write their pages: `python -m experiments.notebooks`.

A notebook is a program in `docs/notebooks/`, in jupytext's percent format. Each becomes a page with
its code, what that prints and its figures, and an `.ipynb` without these for Jupyter and Colab.
"""

import configparser
import contextlib
import dataclasses
import io
import itertools
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
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
"""Tags of cells: one that is not run here, and one whose values a run may replace."""

ABOUT = """[![Open in Colab](colab.svg)]({home}/{name}.ipynb)

Made by `python -m experiments.notebooks` from [{name}.py]({name}.py); for Jupyter it is
[{name}.ipynb]({name}.ipynb)."""


class Figure(NamedTuple):
    """A figure that a cell has drawn: the titles in it, and a WebP file."""

    titles: str
    file: bytes


class Shown(NamedTuple):
    """What a cell shows when it has run: what it prints, and its figures."""

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
        notebook = read(name)
        write(name, notebook, run(notebook, {}))
    return 0


def read(name: str, suffix: str = ".py") -> Any:
    """A notebook of nbformat, without outputs, from its program or its .ipynb."""
    import jupytext  # there with the extras "docs" and "test" alone

    notebook = jupytext.read(FOLDER / f"{name}{suffix}")
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{number}"  # which is random otherwise
    return notebook


def has_tag(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def run(
    notebook: Any, names: dict[str, Any], parameters: Mapping[str, Any] = MappingProxyType({})
) -> list[Shown]:
    """Runs the cells of a notebook in order, in an empty folder, and gives what each shows.

    Args:
      notebook: as `read` gives it.
      names: where the cells put what they define.
      parameters: values by name, instead of those that the cell tagged `parameters` gives.

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
                exec(compile(cell.source, cell.id, "exec"), names)
            if has_tag(cell, PARAMETERS):
                if unknown := parameters.keys() - names.keys():
                    raise KeyError(f"{cell.id} has no {', '.join(unknown)}")
                names |= parameters
            shown.append(Shown(printed.getvalue(), tuple(map(_saved, plt.get_fignums()))))
            plt.close("all")
    return shown


def _saved(number: int) -> Figure:
    """A figure as WebP: pictures with noise are several times as large in PNG."""
    import matplotlib.pyplot as plt

    figure, file = plt.figure(number), io.BytesIO()
    figure.savefig(file, format="webp", dpi=110, pil_kwargs={"quality": 75})
    titles = ", ".join(axes.get_title() for axes in figure.axes if axes.get_title())
    return Figure(titles, file.getvalue())


def write(name: str, notebook: Any, shown: Sequence[Shown]) -> None:
    """Writes the page of a notebook with its figures, and its .ipynb."""
    import jupytext

    for old in FOLDER.glob(f"{name}-*.webp"):
        old.unlink()
    paragraphs: list[str] = []
    numbers = itertools.count(1)
    for cell, one in zip(notebook.cells, shown, strict=True):
        is_code = cell.cell_type == "code"
        paragraphs.append(f"```python\n{cell.source}\n```" if is_code else cell.source)
        if one.text:
            paragraphs.append(f"```text\n{one.text.rstrip()}\n```")
        for figure in one.figures:
            path = FOLDER / f"{name}-{next(numbers)}.webp"
            with replace_whole(path) as temporary:
                temporary.write_bytes(figure.file)
            paragraphs.append(f"![{figure.titles}]({path.name})")
    title, _, text = paragraphs[0].partition("\n\n")
    about = ABOUT.format(home=home(), name=name)
    pages.write_page(FOLDER / f"{name}.md", title, about, text, *paragraphs[1:])
    with replace_whole(FOLDER / f"{name}.ipynb") as temporary:
        temporary.write_text(jupytext.writes(notebook, fmt="ipynb") + "\n")


def home() -> str:
    """Where Colab finds the notebooks: one of the addresses of the package."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["metadata"]["project_urls"].strip().splitlines()
    return dict(line.split(" = ") for line in lines)["Notebooks"]


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(make, argv, program=PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
