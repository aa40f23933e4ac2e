"""What the site has beside the pages of `docs/`: a hook of MkDocs, named in `mkdocs.yml`.

The README is its start, the other texts at the top of the repository are pages of it, and so is
each of the short programs. Their links are written for the repository and turned to the site's.
"""

import pathlib
import re
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]
AT_THE_TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "security.md",
    "LICENSE": "license.md",
}


def added_pages() -> dict[str, str]:
    """The text of each page that `docs/` has not, by its path in the site."""
    texts = {page: (ROOT / name).read_text() for name, page in AT_THE_TOP.items()}
    pages = {page: _links_from_the_top(text) for page, text in texts.items()}
    pages["license.md"] = f"# Licence\n\n{pages['license.md']}"
    for path in sorted((ROOT / "docs" / "programs").glob("*.py")):
        pages[f"programs/{path.stem}.md"] = f"# {path.name}\n\n```python\n{path.read_text()}```\n"
    return pages


def links_of_the_site(text: str) -> str:
    """A page of `docs/` with links to programs and to the top turned to pages of the site."""
    text = re.sub(r"\]\((programs/\w+)\.py\)", r"](\1.md)", text)
    for name, page in AT_THE_TOP.items():
        text = re.sub(rf"\]\(((?:\.\./)*)\.\./{re.escape(name)}\b", rf"](\1{page}", text)
    return text


def _links_from_the_top(text: str) -> str:
    for name, page in AT_THE_TOP.items():
        text = text.replace(f"]({name}", f"]({page}")
    return text.replace("](docs/", "](")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages; MkDocs calls it when it has found the others."""
    from mkdocs.structure.files import File  # there with the extra "docs" alone

    for path, text in added_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns the links of a page; MkDocs calls it for each."""
    if page.parent is None:  # it has no neighbours to be named beside it
        page.meta["hide"] = ["navigation"]
    return links_of_the_site(markdown)
