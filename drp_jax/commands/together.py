"""Many pictures on an accelerator: those of one size together, as many at once as fill it.

On a CPU one picture keeps the cores busy, and they are done one after the other.
"""

import collections
import time
from collections.abc import Iterator, Sequence

import jax

from drp_jax import Request, restore_many
from drp_jax.commands.fit import Fit
from drp_jax.commands.naming import Place
from drp_jax.commands.turns import Begun, Outcome, Turns
from drp_jax.images.memory import allowed

_SHARE = 4  # of the memory, one part for what waits
_COPIES = 4  # of a picture that its job holds


def outcomes(run: Turns, places: Sequence[Place]) -> Iterator[Outcome]:
    """What comes of pictures, each as soon as it is known."""
    if jax.default_backend() == "cpu" or len(places) == 1:
        yield from map(run.outcome, places)
    else:
        left = collections.deque(places)
        while left and not run.interrupts:
            yield from _together(run, left)


def _together(run: Turns, left: collections.deque[Place]) -> Iterator[Outcome]:
    """Restores as many as there is memory for, and takes them off those that are left.

    What fails among others is tried alone, where it may go in tiles.
    """
    waiting: dict[int, Begun] = {}
    ended: list[Outcome] = []
    room = allowed(run.parsed.memory) / _SHARE

    def requests() -> Iterator[Request]:
        held, count = 0.0, 0
        while left and held < room and not run.interrupts:
            begun = run.begun_or_ended(left.popleft())
            if isinstance(begun, Outcome):
                ended.append(begun)
                continue
            problem = begun.job.problem
            held += _COPIES * 4 * problem.image.size
            waiting[count] = begun
            count += 1
            yield Request(problem, key=jax.random.key(run.parsed.seed))

    for finished in restore_many(requests(), key=jax.random.key(0), method=run.method):
        yield from ended
        ended.clear()
        begun = waiting.pop(finished.index)
        if finished.restoration is None:
            yield run.outcome(begun.place)
        else:
            seconds = time.perf_counter() - begun.start
            yield run.ended(begun, Fit(finished.restoration, seconds, 0.0, None))
        if run.interrupts:
            return
    yield from ended
