"""Scores of restored images: when a run ends, and again when a plan has other metrics."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drp_jax.errors import InputError, reason, require
from drp_jax.metrics import luma_psnr, psnr, ssim, uncertainty_correlation, within_two_spreads
from drp_jax.sweep.importing import version_of
from drp_jax.sweep.store import arrays_in

Score = Callable[..., Any]
MORE, LESS = "more", "less"


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score of an image beside its reference.

    Attributes:
      score: gives it, a number, from the image and the reference, `[H, W, C]`, values in [0, 1].
      better: "more" or "less", whichever of it is better.
      version: what tells it from others of its name; if left out, the contents of its file.
      of: names of arrays in a run's `images/ID.npz`, like "uncertainty": `score` gets the first of
        them that is there too, behind the others. Runs with none of them have no such score.

    Raises:
      InputError: if `better` is neither.
    """

    score: Score
    better: str = MORE
    version: str = ""
    of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.better in (MORE, LESS), f"better is {self.better!r}; accepted: more, less")
        if not self.version:  # now, because a cluster's workers have no such file
            object.__setattr__(self, "version", version_of(self.score))


def rank(score: float | None, better: str) -> float:
    """What is smaller for better scores, and infinite where there is none."""
    if score is None:
        return math.inf
    return score if better == LESS else -score


METRICS: Mapping[str, Metric] = {
    "psnr": Metric(jax.jit(psnr), version="1"),
    "ssim": Metric(jax.jit(ssim), version="1"),
}
"""Those of a plan that names none."""


def _peak_psnr(image: jax.Array, reference: jax.Array, history: jax.Array) -> jax.Array:
    return jnp.nanmax(history)


def _peak_iteration(image: jax.Array, reference: jax.Array, history: jax.Array) -> jax.Array:
    return jnp.where(jnp.isnan(history).all(), jnp.nan, jnp.nanargmax(history) + 1)


_UNCERTAINTY = ("uncertainty",)
_PSNR_HISTORY = ("history_psnr", "history_luma_psnr")  # enlargement is judged by luma

KNOWN_METRICS: Mapping[str, Metric] = {
    **METRICS,
    "luma_psnr": Metric(jax.jit(luma_psnr), version="1"),
    "peak_psnr": Metric(_peak_psnr, version="1", of=_PSNR_HISTORY),
    "peak_iteration": Metric(_peak_iteration, LESS, version="1", of=_PSNR_HISTORY),
    "uncertainty_correlation": Metric(
        jax.jit(uncertainty_correlation), version="1", of=_UNCERTAINTY
    ),
    "within_two_spreads": Metric(jax.jit(within_two_spreads), version="1", of=_UNCERTAINTY),
}
"""Those that a plan may name."""


def scores_of(
    metrics: Mapping[str, Metric],
    restored: Mapping[str, np.ndarray],
    reference: np.ndarray,
    row: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The scores of a restored image, as the columns of the table that they are in.

    Args:
      metrics: by name.
      restored: what a run's `images/ID.npz` has: the `image` `[H, W, C]` and other arrays.
      reference: `[H, W, C]`.
      row: of the table, whose scores by other metrics stay.

    Returns:
      The columns. A score that is not finite, or of an image that the metric does not take, is
      None. A metric that raises anything else has no score, and `error` says what it raised.
    """
    scores, versions = _kept(row or {}, metrics)
    error = None
    images = [jnp.clip(restored["image"], 0, 1), jnp.asarray(reference)]
    for name, metric in metrics.items():
        others = [jnp.asarray(restored[one]) for one in metric.of if one in restored][:1]
        if metric.of and not others:
            versions[name] = metric.version
            continue
        try:
            value = float(metric.score(*images, *others))
        except InputError:
            value = math.nan
        except Exception as raised:  # whatever a metric of one's own raises
            error = error or f"metric {name}: {reason(raised)}"
            continue
        scores[name] = value if math.isfinite(value) else None
        versions[name] = metric.version
    return {
        **{name: scores.get(name) for name in METRICS},
        "scores": json.dumps(scores),
        "scored_by": json.dumps(versions),
        "error": error,
    }


def lacking(metrics: Mapping[str, Metric], row: Mapping[str, Any]) -> dict[str, Metric]:
    """Those of the metrics by which the row of a run has no score."""
    _, versions = _kept(row)
    return {name: one for name, one in metrics.items() if versions.get(name) != one.version}


def scored_again(
    metrics: Mapping[str, Metric], row: Mapping[str, Any], folder: pathlib.Path
) -> dict[str, Any] | None:
    """The row of a run with the scores that it lacks, of the images that a sweep has stored.

    None if these cannot be read.
    """
    restored, inputs = (arrays_in(folder, row[name]) or {} for name in ("files", "inputs"))
    if "image" not in restored or "reference" not in inputs:
        return None
    return {**row, **scores_of(lacking(metrics, row), restored, inputs["reference"], row)}


def _kept(
    row: Mapping[str, Any], but: Collection[str] = ()
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The scores of a row and the versions of their metrics, but for those that are named."""
    scores, versions = (json.loads(row.get(name) or "{}") for name in ("scores", "scored_by"))
    for name in but:
        scores.pop(name, None)
        versions.pop(name, None)
    return scores, versions
