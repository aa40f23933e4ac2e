"""The row of a run: its scores, and the images that lie beside the table."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from drp_jax.batch import BatchStatistics
from drp_jax.errors import reason
from drp_jax.loop import Status
from drp_jax.operators import direct_reconstruction, is_linear
from drp_jax.problem import Problem
from drp_jax.restore import Restoration
from drp_jax.sweep.plan import PlannedRun
from drp_jax.sweep.scores import Metric, scores_of

FAILED = "failed"
"""Status of a run without a result; it is done again."""

DROPPED = "dropped"
"""Status of a run that successive halving has ended early; another sweep does it again."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table, with the files that it names.

    Attributes:
      values: by column.
      arrays: arrays by name, by the file that they are written to, without its suffix.
    """

    values: dict[str, Any]
    arrays: Mapping[str, Mapping[str, np.ndarray]] = dataclasses.field(default_factory=dict)


Ended = tuple[list[Row], BatchStatistics]
"""Rows that belong into the table together, and what the batch has used up to then."""


def row_of(
    metrics: Mapping[str, Metric],
    identity: str,
    run: PlannedRun,
    result: Restoration | str,
    *,
    with_inputs: bool = True,
    status: str | None = None,
) -> Row:
    """The row of a run with its result, or with the reason why there is none.

    Args:
      metrics: of the plan.
      identity: of the run, as the plan has it.
      run: what was done.
      result: what came out.
      with_inputs: whether the reference and the start of the problem come too; they are the same
        for all methods.
      status: what the table says instead of the status of the result.
    """
    about = {"id": identity, **run.about}
    if isinstance(result, str):
        return Row(about | {"status": FAILED, "error": result})
    problem = result.run.problem
    files = f"images/{identity}"
    inputs = f"images/inputs-{run.inputs_identity}"
    try:
        arrays = {files: _arrays(result)}
        scores = scores_of(metrics, arrays[files], np.asarray(problem.reference))
        if with_inputs:
            arrays[inputs] = _inputs(problem)
    except Exception as error:
        return Row(about | {"status": FAILED, "error": reason(error)})
    values = about | {
        "status": status or Status(int(result.status)).name.lower(),
        "iterations": int(result.iterations),
        **scores,
        "files": files,
        "inputs": inputs,
    }
    return Row(values, arrays)


def _arrays(result: Restoration) -> dict[str, np.ndarray]:
    """The image with the iteration that gave it, its uncertainty and its history."""
    arrays = {
        "image": np.asarray(result.image),
        "image_iteration": np.asarray(result.image_iteration),
    }
    if result.uncertainty is not None:
        arrays["uncertainty"] = np.asarray(result.uncertainty)
    return arrays | {f"history_{name}": values for name, values in result.past.items()}


def _inputs(problem: Problem) -> dict[str, np.ndarray]:
    """The reference, and the start where the observation has one: not if it is not linear."""
    arrays = {"reference": np.asarray(problem.reference)}
    if is_linear(problem.operator, problem.observation, problem.image):
        start = direct_reconstruction(problem.operator, problem.observation, problem.image)
        arrays["start"] = np.asarray(start)
    return arrays
