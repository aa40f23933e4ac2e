"""MRI and computed tomography: a phantom is measured, and reconstructed as the commands do it."""

import dataclasses
from collections.abc import Generator, Iterator

import jax.numpy as jnp
import numpy as np

from drp_jax import InputError
from drp_jax.app.pictures import shown
from drp_jax.app.runs import COMPILING, Report, followed, sentence, whole
from drp_jax.commands import ct, mri
from drp_jax.commands.reconstructing import (
    PHANTOM_SIDE,
    TASK,
    Measurement,
    ReconstructArguments,
    problems_of,
)
from drp_jax.commands.report import score_in_range
from drp_jax.commands.restoring import caption, require_image, run_in_lines, scores_in_lines
from drp_jax.commands.slices import direct
from drp_jax.commands.volumes import shown_as
from drp_jax.operators import Radon

MRI, CT = "MRI", "CT"
KINDS = (MRI, CT)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the page asks for.

    Attributes:
      kind: `MRI` or `CT`.
      acceleration: of MRI, one column of k-space in so many is measured, from 2 to 8.
      views: of CT, the number of directions over half a turn, from 1 up.
      noise: standard deviation in percent: of the brightest value of the image in MRI, of the
        greatest line integral in CT.
      method, preset: by their names; None for the first.
      iterations: limit on the iterations, as text; empty for the preset's.
      seed: of all random draws.
    """

    kind: str = MRI
    acceleration: int = mri.SIMULATED_SHARE
    views: int = ct.SIMULATED_VIEWS
    noise: float = 1.0
    method: str | None = None
    preset: str | None = None
    iterations: str | None = None
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Panel:
    """A picture, uint8 `[h, w, 3]`, and what is written above it."""

    caption: str
    picture: np.ndarray


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the page is to show; of what is None it shows what it did.

    Attributes:
      text: how it stands, in lines.
      start: the reconstruction without a prior: zero-filled, or back-projected.
      result: the reconstruction so far.
      reference: the phantom.
      has_ended: whether this is the last.
    """

    text: str
    start: Panel | None = None
    result: Panel | None = None
    reference: Panel | None = None
    has_ended: bool = False


def measured(asked: Asked) -> Measurement:
    """The phantom, measured as it is asked for."""
    noise = asked.noise / 100
    if asked.kind == MRI:
        return mri.simulated(share=asked.acceleration, noise=noise, seed=asked.seed)
    angles = jnp.arange(asked.views) * (jnp.pi / asked.views)
    beam = Radon(angles, (PHANTOM_SIDE, PHANTOM_SIDE))
    return ct.simulated(beam, noise=noise, seed=asked.seed)


def reconstructed(asked: Asked, interrupts: list[int]) -> Iterator[Shown]:
    """Measures and reconstructs, and yields what is to be shown, until it has ended.

    Args:
      asked: what is to be done.
      interrupts: as in `fit`; the run ends once it has an entry, and its image is the result.
    """
    try:
        yield from _reconstructed(asked, interrupts)
    except Exception as error:  # which the page has to say, whatever it is
        yield Shown(sentence(error), has_ended=True)


def _reconstructed(asked: Asked, interrupts: list[int]) -> Generator[Shown, None, None]:
    yield Shown("Measuring the phantom ...")
    parsed = ReconstructArguments(
        method=asked.method,
        preset=asked.preset,
        iterations=whole(asked.iterations, "iterations"),
        seed=asked.seed,
    )
    method = parsed.chosen_method(TASK)
    measurement = measured(asked)
    (problem,) = problems_of(measurement, parsed)
    if isinstance(problem, InputError):
        raise problem
    reference = np.asarray(problem.reference)
    simple = np.asarray(direct(problem))
    before = score_in_range(simple, reference)

    def panel(text: str, image: np.ndarray) -> Panel:
        return Panel(text, shown(shown_as(image, like=reference)))

    yield Shown(
        COMPILING,
        start=panel(caption(measurement.simple_name, before), simple),
        reference=panel("reference", reference),
    )

    def show(report: Report) -> Shown:
        result = None if report.image is None else panel("so far", report.image)
        return Shown(report.text, result=result)

    fitted = yield from followed(
        problem, show, seed=asked.seed, method=method, interrupts=interrupts
    )
    require_image(fitted.restoration)
    image = np.asarray(fitted.restoration.image)
    after = score_in_range(image, reference)
    lines = [*run_in_lines(fitted), *scores_in_lines(measurement.simple_name, before, after)]
    result = panel(caption("reconstructed", after), image)
    yield Shown("\n".join(lines), result=result, has_ended=True)
