"""Running the slices of a measurement, and what is kept of each."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from drp_jax import (
    Gaussian,
    InputError,
    Method,
    Problem,
    Request,
    Restoration,
    Status,
    restore_many,
)
from drp_jax.commands.fit import Fit, fit
from drp_jax.commands.progress import StackDisplay
from drp_jax.commands.report import (
    Scores,
    known_uncertainty,
    run_metrics,
    score_in_range,
    scores_in_line,
)
from drp_jax.commands.restoring import require_image
from drp_jax.compile_clock import compile_clock
from drp_jax.operators import direct_reconstruction
from drp_jax.refined import left

INTERRUPTED = "interrupted"
"""Why there is no image of a slice that Ctrl-C kept from being done."""

MOST_SCALED = 3.0
"""How many times larger or smaller than the reference an image may be before that is said."""

MOST_MISSED = 3.0
"""How many times the noise an image may leave unexplained before that is said."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """What came of one slice.

    Attributes:
      index: its place in the stack, from 0.
      seconds: time that it took after the slice before, without compilation.
      image: `[H, W, C]`, or None if there is none.
      uncertainty: that of each pixel, `[H, W]`, or None if there is none.
      error: why there is no image, in a line, or None.
      run: how the run went, as in a metrics file.
      has_failed: whether there is no image, or one from before its values stopped being finite.
      before: scores of the direct reconstruction; empty without a reference.
      after: those of the image.
      doubt: how much of the measurement the image leaves, if it is too much, or that its unit is
        not that of the reference, or "".
    """

    index: int
    seconds: float = 0.0
    image: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    error: str | None = None
    run: dict[str, Any] = dataclasses.field(default_factory=dict)
    has_failed: bool = True
    before: Scores = dataclasses.field(default_factory=dict)
    after: Scores = dataclasses.field(default_factory=dict)
    doubt: str = ""

    @property
    def line(self) -> str:
        """What came of it, for a person."""
        if self.image is None:
            return f"slice {self.index}: no image: {self.error}"
        parts = [f"{self.seconds:.1f} s", *scores_in_line(self.before, self.after)]
        if self.doubt:
            parts.append(self.doubt)
        if self.has_failed:
            parts.append(self.run["message"])
        return f"slice {self.index}: {', '.join(parts)}"


@dataclasses.dataclass(frozen=True)
class Result:
    """All slices, and the run of the one that is drawn.

    Attributes:
      slices: in the order of the measurement.
      drawn: which is drawn: of those with an image, the one nearest the middle.
      restoration: its run.
      seconds: wall time without compilation.
      compile_seconds: time to trace and compile.
      fitted: the same of one slice alone, None for a stack.
    """

    slices: list[Slice]
    drawn: int
    restoration: Restoration
    seconds: float
    compile_seconds: float
    fitted: Fit | None = None


def run_one(problem: Problem, *, seed: int, method: Method, interrupts: Sequence[int]) -> Result:
    """Restores a single slice and shows its iterations.

    Raises:
      InputError: if there is no image.
    """
    fitted = fit(problem, seed=seed, method=method, interrupts=interrupts)
    assert isinstance(fitted.restoration, Restoration)  # without limits never in tiles
    require_image(fitted.restoration)
    done = _finished(0, problem, fitted.restoration, fitted.seconds)
    return Result([done], 0, fitted.restoration, fitted.seconds, fitted.compile_seconds, fitted)


def run_stack(
    problems: Sequence[Problem | InputError],
    *,
    seed: int,
    method: Method,
    interrupts: Sequence[int],
) -> Result:
    """Restores many slices by one program, with a line for each as soon as it is done.

    The draws of slice i are those of the seed folded with i. After Ctrl-C no other slice is waited
    for.

    Raises:
      InputError: if no slice gave an image.
    """
    slices = [Slice(index, error=INTERRUPTED) for index in range(len(problems))]
    kept: dict[int, Restoration] = {}
    middle = len(problems) // 2
    start, last = time.perf_counter(), 0.0
    with compile_clock() as compiling, StackDisplay(len(problems), "slices") as display:
        for index, result in _in_order_of_end(problems, seed, method):
            now = time.perf_counter() - start - sum(compiling)
            problem = problems[index]
            if isinstance(problem, InputError) or isinstance(result, str):
                slices[index] = Slice(index, now - last, error=str(result))
            else:
                slices[index] = _finished(index, problem, result, now - last)
                if slices[index].image is not None:
                    kept[index] = result
                    nearest = min(kept, key=lambda one: abs(one - middle))
                    kept = {nearest: kept[nearest]}
            last = now
            display.update(slices[index].line)
            if interrupts:
                break
    if not kept:
        raise InputError(f"no slice gave an image: {slices[0].error}")
    ((drawn, restoration),) = kept.items()
    elapsed, compile_seconds = time.perf_counter() - start, sum(compiling)
    return Result(slices, drawn, restoration, elapsed - compile_seconds, compile_seconds)


def _in_order_of_end(
    problems: Sequence[Problem | InputError], seed: int, method: Method
) -> Iterator[tuple[int, Restoration | str]]:
    """Each index with the restoration, or with the reason why there is none."""
    usable = []
    for index, one in enumerate(problems):
        if isinstance(one, InputError):
            yield index, str(one)
        else:
            usable.append((index, one))
    key = jax.random.key(seed)
    requests = [Request(one, jax.random.fold_in(key, index)) for index, one in usable]
    for finished in restore_many(requests, key=key, method=method):
        yield usable[finished.index][0], finished.restoration or str(finished.error)


def direct(problem: Problem) -> jax.Array:
    """The direct reconstruction to compare with: an image `[H, W, C]`."""
    return direct_reconstruction(problem.operator, problem.observation, problem.image)


def _finished(index: int, problem: Problem, restoration: Restoration, seconds: float) -> Slice:
    """A slice that was run, scored beside its direct reconstruction if there is a reference."""
    run = run_metrics(restoration)
    if not run["image_iteration"]:
        return Slice(index, seconds, error=run["message"], run=run)
    image, status = np.asarray(restoration.image), int(restoration.status)
    scores: list[Scores] = [{}, {}]
    if problem.reference is not None:
        reference = np.asarray(problem.reference)
        scores = [score_in_range(one, reference) for one in (np.asarray(direct(problem)), image)]
    return Slice(
        index,
        seconds,
        image=image,
        uncertainty=known_uncertainty(restoration),
        run=run,
        has_failed=status == Status.NON_FINITE,
        before=scores[0],
        after=scores[1],
        doubt="" if status == Status.INTERRUPTED else doubted(problem, restoration.image),
    )


def doubted(problem: Problem, image: jax.Array) -> str:
    """Why an image may be wrong, by the measurement or by its size beside the reference, or ""."""
    return unexplained(problem, image) or scaled(problem, image)


def scaled(problem: Problem, image: jax.Array) -> str:
    """How many times larger an image is than the reference, if that is another scale, or ""."""
    if problem.reference is None:
        return ""
    size, expected = (float(np.linalg.norm(one)) for one in (image, problem.reference))
    if not min(size, expected) > 0 or 1 / MOST_SCALED <= size / expected <= MOST_SCALED:
        return ""
    return f"has values {size / expected:.3g} times those of the reference"


def unexplained(problem: Problem, image: jax.Array) -> str:
    """What an image leaves of the measurement, if it is much more than the stated noise, or ""."""
    if not isinstance(problem.noise, Gaussian) or problem.noise.level is None:
        return ""
    level = float(np.sqrt(np.mean(np.square(problem.noise.level))))
    missed = float(_left(problem, image))
    if missed <= MOST_MISSED * level:
        return ""
    return (
        f"explains the measurement to {missed:.3g} only, {missed / level:.0f} times the noise of "
        f"{level:.3g}"
    )


_left = jax.jit(left)
