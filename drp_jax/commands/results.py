"""What is written and said of the slices of a measurement."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from drp_jax import Method
from drp_jax.commands import volumes
from drp_jax.commands.figure import save_figure
from drp_jax.commands.report import Scores, metrics, settings, write_json
from drp_jax.commands.restoring import caption, print_run, print_scores, print_written
from drp_jax.commands.slices import INTERRUPTED, Result, Slice, direct

_QUESTION = "are the operator, its units, the order of axes and --range right, the steps enough?"


@dataclasses.dataclass(frozen=True)
class Files:
    """Where to write: the images in one format or several, and the figure and metrics, or None."""

    images: tuple[pathlib.Path, ...]
    figure: pathlib.Path | None
    metrics: pathlib.Path | None


def write_result(
    result: Result,
    files: Files,
    *,
    simple_name: str,
    bits: str,
    method: Method,
    preset: str,
) -> None:
    """Writes all files, then says what came out.

    Args:
      result: the slices.
      files: where to.
      simple_name: what the direct reconstruction is called.
      bits: as `volumes.write_volume`.
      method: the method, with the name of its preset.
      preset: that name.
    """
    images, is_stack = stacked(result), result.fitted is None
    uncertainty = stacked_uncertainty(result)
    written = []
    for path in files.images:
        written += volumes.write_volume(
            path, images, is_stack=is_stack, bits=bits, uncertainty=uncertainty
        )
    if files.figure is not None:
        _draw(files.figure, result, simple_name)
        written.append(files.figure)
    if files.metrics is not None:
        content = _metrics(result, simple_name.replace(" ", "_"), method, preset)
        write_json(files.metrics, content)
        written.append(files.metrics)
    if result.fitted is not None:
        print_run(result.fitted)
        if doubt := result.slices[0].doubt:
            print(f"The image {doubt}: {_QUESTION}")
    else:
        print(_summary(result))
        if count := sum(bool(one.doubt) for one in result.slices):
            print(f"{count} of {len(images)} slices are in doubt: {_QUESTION}")
        if files.figure is not None:
            print(f"the figure shows slice {result.drawn}")
    before, after = (mean_scores(result, name) for name in ("before", "after"))
    print_scores(simple_name, before, after)
    print_written(written)


def stacked(result: Result) -> np.ndarray:
    """The images `[slices, H, W]`, or `[slices, H, W, C]` of several channels; NaN without one."""
    images = _with_blanks([one.image for one in result.slices])
    return images[..., 0] if images.shape[-1] == 1 else images


def stacked_uncertainty(result: Result) -> np.ndarray | None:
    """The uncertainties `[slices, H, W]`, NaN of a slice without; None if no slice has one."""
    every = [one.uncertainty for one in result.slices]
    return None if all(one is None for one in every) else _with_blanks(every)


def _with_blanks(arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    """Arrays of one shape along a new first axis, NaN for None, which not all are."""
    known = next(one for one in arrays if one is not None)
    blank = np.full(known.shape, np.nan, np.float32)
    return np.stack([blank if one is None else one for one in arrays])


def mean_scores(result: Result, which: str) -> Scores:
    """The mean over the slices of each of their scores, "before" or "after"; None without any."""
    every = [getattr(one, which) for one in result.slices if one.image is not None]
    means: Scores = {}
    for name in every[0]:
        values = [scores[name] for scores in every if scores[name] is not None]
        means[name] = float(np.mean(values)) if values else None
    return means


def _draw(path: pathlib.Path, result: Result, simple_name: str) -> None:
    """The slice that is drawn, all panels in one scale."""
    problem, one = result.restoration.run.problem, result.slices[result.drawn]
    name = "restored" if result.fitted is not None else f"slice {one.index}, restored"
    images = {
        caption(simple_name, one.before): np.asarray(direct(problem)),
        caption(name, one.after): np.asarray(result.restoration.image),
    }
    if problem.reference is not None:
        images["reference"] = np.asarray(problem.reference)
    scale = list(images.values())[-1]  # the best there is
    panels = {name: volumes.shown_as(image, like=scale) for name, image in images.items()}
    save_figure(path, panels, result.restoration)


def _metrics(result: Result, before_name: str, method: Method, preset: str) -> dict[str, Any]:
    def scores(before: Scores, after: Scores) -> Scores:
        return after | {f"{name}_{before_name}": value for name, value in before.items()}

    means = scores(mean_scores(result, "before"), mean_scores(result, "after"))
    if result.fitted is not None:
        return metrics(result.fitted, method, preset=preset, scores=means)

    def row(one: Slice) -> dict[str, Any]:
        about = {"slice": one.index, "error": one.error, "seconds": one.seconds}
        return about | scores(one.before, one.after) | one.run

    return {
        "psnr": None,
        "ssim": None,
        **means,
        "failed": [one.index for one in result.slices if one.has_failed],
        "slices": [row(one) for one in result.slices],
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        **settings(method, preset),
    }


def _summary(result: Result) -> str:
    """How many slices are done, and which are not."""
    count = len(result.slices)
    failed = [one for one in result.slices if one.has_failed]
    line = (
        f"{count - len(failed)} of {count} slices in {result.seconds:.1f} s, after "
        f"{result.compile_seconds:.1f} s of compilation"
    )
    interrupted = sum(one.error == INTERRUPTED for one in failed)
    bad = [str(one.index) for one in failed if one.error != INTERRUPTED]
    if bad:
        line += f"; failed: {', '.join(bad)}"
    return f"{line}; interrupted before the other {interrupted}" if interrupted else line
