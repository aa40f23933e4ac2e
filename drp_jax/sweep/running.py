"""Running a plan: what is not in the table yet, by `restore_many`, a row for each as it ends."""

import dataclasses
import json
import math
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.batch import BatchStatistics, Request, restore_many
from drp_jax.errors import InputError, reason
from drp_jax.images import Picture, replace_whole, write_image
from drp_jax.loop import Status
from drp_jax.operators import filled_back_projection
from drp_jax.problem import Problem
from drp_jax.restore import Restoration
from drp_jax.sweep.plan import METRICS, Plan, PlannedRun, Score
from drp_jax.sweep.store import FAILED, Store


@dataclasses.dataclass(frozen=True)
class Done:
    """A run that has ended.

    Attributes:
      row: what the table says of it.
      statistics: of all runs up to now.
    """

    row: dict[str, Any]
    statistics: BatchStatistics


def run_sweep(
    plan: Plan,
    folder: pathlib.Path,
    *,
    slots: int | None = None,
    environment: Mapping[str, Any] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Done]:
    """Runs what a plan has and the table in a folder has not.

    A run that the table has is not done again, whatever else the plan had then; one that failed or
    was cut off is. The image of every run, its history and what `Restoration` says of its
    uncertainty lie beside the table, in `images/ID.npz`, and as a picture in `images/ID.png`;
    those of its problem, once for all methods, in `images/inputs-ID.npz`: `reference`, and `start`,
    what the observation alone gives (the noisy picture, the small one enlarged, a back-projection).

    Args:
      plan: what to run.
      folder: where the table is, or is to be.
      slots: as in `restore_many`.
      environment: what the table keeps of where it ran; versions and such.
      is_over: asked often; once it says True, the runs at hand are given up and no other begins.

    Yields:
      A `Done` for every run, as soon as its row is on disk.

    Raises:
      InputError: if the table cannot be opened or written.
    """
    about = dict(environment or {})
    with Store(folder) as store:
        done = store.done()
        identified = ((plan.identity(run), run) for run in plan.runs())
        waiting = _Waiting(one for one in identified if one[0] not in done)
        last = time.perf_counter()
        statistics = BatchStatistics()

        def ended(one: _Identified, result: Restoration | str) -> Done:
            nonlocal last
            now = time.perf_counter()
            row = _row(plan, *one, result, store.folder) | {"seconds": now - last}
            last = now
            store.add(row, about)
            return Done(row, statistics)

        results = restore_many(waiting, key=jax.random.key(0), slots=slots, is_over=is_over)
        for finished in results:
            statistics = finished.statistics
            one = waiting.runs.pop(finished.index)
            yield ended(one, finished.restoration or finished.error or "")
        for one, error in waiting.unusable:
            yield ended(one, error)


_Identified = tuple[str, PlannedRun]
"""A run with what tells it from all others."""


class _Waiting:
    """Requests for `restore_many`.

    Attributes:
      runs: what they are of, by their index.
      unusable: runs whose problem or method could not be made, and why.
    """

    def __init__(self, runs: Iterator[_Identified]):
        self._runs = runs
        self.runs: dict[int, _Identified] = {}
        self.unusable: list[tuple[_Identified, str]] = []

    def __iter__(self) -> Iterator[Request]:
        index = 0
        for one in self._runs:
            _, run = one
            try:
                draw = np.random.default_rng(run.key)
                problem = run.degradation.problem(run.image.pixels(), draw)
                method = run.variant.method(run.degradation.task)
            except Exception as error:  # whatever functions of one's own raise
                self.unusable.append((one, reason(error)))
                continue
            self.runs[index] = one
            index += 1
            yield Request(problem, jax.random.key(run.key), method)


def _row(
    plan: Plan, identity: str, run: PlannedRun, result: Restoration | str, folder: pathlib.Path
) -> dict[str, Any]:
    """What the table says of a run with its result, or with the reason why there is none."""
    row = {"id": identity, **run.about}
    if isinstance(result, str):
        return row | {"status": FAILED, "error": result}
    try:
        scores = _scores(plan.metrics, result.image, result.run.problem)
        inputs = f"images/inputs-{plan.inputs_identity(run)}"
        _write_inputs(folder / inputs, result.run.problem)
        _write(folder / "images" / row["id"], result)
    except Exception as error:  # whatever a metric of one's own raises
        return row | {"status": FAILED, "error": reason(error)}
    return row | {
        "status": Status(int(result.status)).name.lower(),
        "iterations": int(result.iterations),
        **{name: scores.get(name) for name in METRICS},
        "scores": json.dumps(scores),
        "files": f"images/{row['id']}",
        "inputs": inputs,
    }


def _scores(metrics: Mapping[str, Score], image: jax.Array, problem: Problem) -> dict[str, Any]:
    """The scores that are numbers; a metric that does not take the image has none."""
    scores: dict[str, Any] = {}
    for name, metric in metrics.items():
        try:
            value = float(metric(jnp.clip(image, 0, 1), jnp.asarray(problem.reference)))
        except InputError:
            value = math.nan
        scores[name] = value if math.isfinite(value) else None
    return scores


def _write(path: pathlib.Path, result: Restoration) -> None:
    """The image with its history as .npz, and as a picture where it is one."""
    image = np.asarray(result.image)
    arrays: dict[str, Any] = {"image": image}
    if result.uncertainty is not None:
        arrays["uncertainty"] = np.asarray(result.uncertainty)
    count = int(result.iterations)
    for name, values in result.history.items():
        arrays[f"history_{name}"] = np.asarray(values)[:count]
    _write_arrays(path, arrays)
    if image.shape[2] in (1, 3) and not np.iscomplexobj(image):
        write_image(path.with_suffix(".png"), Picture(np.clip(image, 0, 1)))


def _write_inputs(path: pathlib.Path, problem: Problem) -> None:
    """The reference and the start of a problem, if another run has not written them."""
    if path.with_suffix(".npz").exists():
        return
    start = filled_back_projection(problem.operator, problem.observation, problem.image)
    _write_arrays(path, {"reference": problem.reference, "start": np.asarray(start)})


def _write_arrays(path: pathlib.Path, arrays: Mapping[str, Any]) -> None:
    with replace_whole(path.with_suffix(".npz")) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, **arrays)


def git_revision() -> str | None:
    """The revision of the current folder's repository, with "+" if it is changed, or None."""
    try:
        words = ["git", "describe", "--always", "--abbrev=40", "--dirty=+"]
        found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
