"""Sweeps: images x degradations x methods x settings x keys, as one table that survives a crash.

plan = read_plan(pathlib.Path("plan.yaml"))
for done in run_sweep(plan, pathlib.Path("results")):
    print(done.row["method"], done.row["psnr"])
"""

from drp_jax.sweep.degradations import Degradation, degradation, measured_by
from drp_jax.sweep.plan import CleanImage, Plan, PlannedRun, Variant
from drp_jax.sweep.reading import read_plan
from drp_jax.sweep.running import Done, run_sweep
from drp_jax.sweep.scores import Metric
from drp_jax.sweep.store import Store

__all__ = [
    "CleanImage",
    "Degradation",
    "Done",
    "Metric",
    "Plan",
    "PlannedRun",
    "Store",
    "Variant",
    "degradation",
    "measured_by",
    "read_plan",
    "run_sweep",
]
