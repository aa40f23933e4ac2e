"""`drp-jax sweep`: many runs by one plan; `python -m experiments.sweep` too."""

import functools

from drp_jax.commands import options
from drp_jax.commands.sweep_plan import show
from drp_jax.commands.sweep_report import report
from drp_jax.commands.sweep_run import run

sweep = options.group(
    [run, show, report],
    help="Compare methods and settings on many images by one plan, as one table.",
    name="sweep",
    short_help="Run a plan of many runs, as one table.",
)

main = functools.partial(options.run, sweep, program="sweep")
