"""Puts the tables of sweeps into the pages that name them: `python -m experiments.tables`.

What `drp-jax sweep report --markdown` has written to `benchmarks/results/` takes the place of what
is between two such lines of a page in `docs/`:

    <!-- table: benchmarks/results/reconstruction.md -->
    <!-- end of table -->
"""

import dataclasses
import pathlib
import re
import sys
from collections.abc import Sequence

from drp_jax import InputError
from drp_jax.commands import options
from experiments.pages import write_page

DOCS = pathlib.Path("docs")
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def with_tables(text: str, root: pathlib.Path = pathlib.Path()) -> str:
    """A page with the tables that it names, whose paths are relative to `root`.

    Raises:
      InputError: if one is not there.
    """

    def put(found: re.Match[str]) -> str:
        path = root / found[2]
        if not path.is_file():
            raise InputError(f"{path}: no such file; accepted: what a sweep report has written")
        return f"{found[1]}\n{path.read_text().rstrip()}\n\n{found[3]}"

    return _TABLE.sub(put, text)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """None."""


@options.command("tables", Arguments, help=__doc__)
def put_tables(parsed: Arguments) -> int:
    """Every page with the tables that it names."""
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text()
        after = with_tables(before)
        if after != before:
            write_page(page, after.rstrip("\n"))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(put_tables, argv, program="tables")


if __name__ == "__main__":
    sys.exit(main())
