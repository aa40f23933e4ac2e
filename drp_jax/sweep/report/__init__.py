"""Reports of sweeps: a page to look at, and tables as CSV and LaTeX.

results = read_results(pathlib.Path("results"))
tables = summarize(results)
write_page(results, tables, pathlib.Path("report"))
print(to_csv(tables, results.metrics))
"""

from drp_jax.sweep.report.page import Written, check_page, write_page
from drp_jax.sweep.report.results import Results, read_results
from drp_jax.sweep.report.summary import Group, Table, differences, summarize
from drp_jax.sweep.report.tables import to_csv, to_latex, to_markdown

__all__ = [
    "Group",
    "Results",
    "Table",
    "Written",
    "check_page",
    "differences",
    "read_results",
    "summarize",
    "to_csv",
    "to_latex",
    "to_markdown",
    "write_page",
]
