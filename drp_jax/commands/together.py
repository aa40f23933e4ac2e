"""Many pictures at once: on a Ray cluster, or on an accelerator, which those of one size fill.

On a CPU one picture keeps the cores busy, and they are done one after the other.
"""

import collections
import dataclasses
import functools
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from drp_jax import Method, Problem, Request, Restoration, restore_many
from drp_jax.cluster import Cluster
from drp_jax.commands.fit import Fit, Limits, fit
from drp_jax.commands.naming import Place
from drp_jax.commands.turns import Begun, Outcome, Turns, failed
from drp_jax.errors import is_key
from drp_jax.images.memory import allowed

_SHARE = 4  # of the memory, one part for what waits
_COPIES = 4  # of a picture that its job holds


def outcomes(run: Turns, places: Sequence[Place]) -> Iterator[Outcome]:
    """What comes of pictures, each as soon as it is known."""
    if run.parsed.ray is not None:
        yield from _on_ray(run, places, run.parsed.ray)
    elif jax.default_backend() == "cpu" or len(places) == 1:
        yield from map(run.outcome, places)
    else:
        left = collections.deque(places)
        while left and not run.interrupts:
            yield from _together(run, left)


def _on_ray(run: Turns, places: Sequence[Place], address: str) -> Iterator[Outcome]:
    """Reads and writes the pictures here, and restores them on the workers of a cluster."""
    ended: list[Outcome] = []

    def arguments() -> Iterator[tuple[Begun, Problem]]:
        for place in places:
            begun = run.begun_or_ended(place)
            if isinstance(begun, Outcome):
                ended.append(begun)
            else:
                yield begun, begun.job.problem

    parsed = run.parsed
    task = functools.partial(_fitted_on_a_worker, run.method, parsed.seed, parsed.memory)
    with Cluster(address) as cluster:
        results = cluster.results(task, arguments(), lambda: bool(run.interrupts))
        for begun, result in results:
            yield from ended
            ended.clear()
            if isinstance(result, Exception):
                yield failed(begun.place, result)
            else:
                yield run.ended(begun, result)
    yield from ended


def _fitted_on_a_worker(method: Method, seed: int, memory: int | None, problem: Problem) -> Fit:
    fitted = fit(problem, seed=seed, method=method, limits=Limits(memory))
    if isinstance(fitted.restoration, Restoration):
        sent = jax.tree.map(_as_numpy, fitted.restoration)
        fitted = dataclasses.replace(fitted, restoration=sent)
    return fitted


def _as_numpy(leaf: Any) -> np.ndarray:
    """An array that can be sent; of a key, which cannot, its numbers."""
    if is_key(leaf):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


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
