"""The blocks of code in a page, and a run of them."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]


def blocks(page, language):
    """The contents of a page's fenced blocks of a language, in order."""
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_python(page, names=None):
    """Runs a page's Python from top to bottom, as a reader would; gives the names it made."""
    names = {"__name__": "page"} if names is None else names
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page}, block {number}", "exec"), names)
    return names


def table(page, first_heading):
    """The cells of the table whose first column has that heading, without the heading."""
    lines = iter((ROOT / page).read_text().splitlines())
    rows = []
    for line in lines:
        if line.startswith(f"| {first_heading} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in row.strip("|").split("|")])
    return rows
