"""Reports of sweeps: a page to look at, and tables as CSV, LaTeX and Markdown.

results = read_results(pathlib.Path("results"))
tables = summarize(results)
write_page(results, tables, pathlib.Path("report"))
print(to_csv(tables, results.metrics))
"""

from drp_jax.sweep.report.csv_table import runs_to_csv, to_csv
from drp_jax.sweep.report.latex import to_latex
from drp_jax.sweep.report.markdown import to_markdown
from drp_jax.sweep.report.page import Written, check_page, write_page
from drp_jax.sweep.report.results import Results, read_results, with_best_settings
from drp_jax.sweep.report.summary import Group, Table, differences, summarize

__all__ = [
    "Group",
    "Results",
    "Table",
    "Written",
    "check_page",
    "differences",
    "read_results",
    "runs_to_csv",
    "summarize",
    "to_csv",
    "to_latex",
    "to_markdown",
    "with_best_settings",
    "write_page",
]
