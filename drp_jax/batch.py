"""`restore_many`: many images of any shapes, each as soon as it is done.

Images of one shape share a program over a fixed number of slots. The program runs until a
slot's image has ended; the slot then takes the next image, so that a slow one does not hold up
the others. Where the steps of a method differ, all slots go through them together and are filled
anew when all have ended. Images of other shapes wait in a bucket of their own. Slots are spread
over all devices of the process, and images over all processes of `jax.distributed`.
"""

import collections
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from drp_jax import loop
from drp_jax.errors import InputError, reason, require, require_whole, shown
from drp_jax.loop import ROOM, History, Run, Status, check_key
from drp_jax.method import Method
from drp_jax.problem import UNIT, Problem
from drp_jax.restore import Restoration, as_method, continued, curves, result_of
from drp_jax.slots import advance_slots, put, slot_count, slot_of, spread

_SECONDS_PER_CALL = 1.0
_LOOK_AHEAD = 4

_NO_ITERABLES = (str, bytes, dict, np.ndarray, jax.Array)  # though they can be gone through


@dataclasses.dataclass(frozen=True)
class Request:
    """One image to restore.

    Attributes:
      problem: a `Problem`, or a picture `[H, W, C]`, values in [0, 1]; or a `Restoration` to go on
        with, as `resume` does, which has its own method and draws.
      key: the key of this image's draws; by default the batch's key folded with its index.
      method: how to restore it; by default the batch's.
      iterations: the new limit of a restoration to go on with; by default the one it has.
    """

    problem: Any
    key: jax.Array | None = None
    method: Method | None = None
    iterations: int | None = None


@dataclasses.dataclass(frozen=True)
class BatchStatistics:
    """What a batch has used so far.

    Attributes:
      programs: number of compiled programs, one per shape.
      slots: number of slots of the present program.
      slot_steps: iterations computed, counted once per slot.
      busy_steps: those of them that belonged to an image.
      loop_seconds: time in the compiled loops, their compilation included; all else is overhead.
    """

    programs: int = 0
    slots: int = 0
    slot_steps: int = 0
    busy_steps: int = 0
    loop_seconds: float = 0.0

    def __add__(self, other: "BatchStatistics") -> "BatchStatistics":
        """Of two batches; a program that both have used counts twice."""
        return BatchStatistics(
            programs=self.programs + other.programs,
            slots=max(self.slots, other.slots),
            slot_steps=self.slot_steps + other.slot_steps,
            busy_steps=self.busy_steps + other.busy_steps,
            loop_seconds=self.loop_seconds + other.loop_seconds,
        )

    @property
    def busy_share(self) -> float:
        """Share of the computed iterations that belonged to an image, in [0, 1]."""
        return self.busy_steps / self.slot_steps if self.slot_steps else 1.0


@dataclasses.dataclass(frozen=True)
class Finished:
    """An image that is done.

    Attributes:
      index: its position among the images given, from 0.
      restoration: the result, or None if the image could not be used.
      error: why it could not be used, in a line, or None.
      statistics: of the whole batch up to now.
    """

    index: int
    restoration: Restoration | None
    error: str | None
    statistics: BatchStatistics


def restore_many(
    images: Iterable[Request | Problem | jax.Array],
    *,
    key: jax.Array,
    method: Method | None = None,
    slots: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    is_over: Callable[[], bool] = lambda: False,
    share: tuple[int, int] | None = None,
) -> Iterator[Finished]:
    """Restores many images and gives each as soon as it is done.

    The result of an image is that of `restore` with the same key. With the same number of slots
    it does not depend on the other images in any bit; with another number, or alone, it is that
    of another compiled program, whose float32 sums round otherwise: 1e-5 per pixel after a few
    iterations, more after many, as Adam amplifies rounding. With several processes
    (`jax.distributed`) every process goes through all `images` and fits its share of them.

    Args:
      images: pictures, problems or requests, of any shapes, taken a few at a time as slots get
        free. Requests may bring methods of their own: those that differ in numbers alone, as
        learning rates, share a program.
      key: the key of all draws; image number i uses `jax.random.fold_in(key, i)`.
      method: the method of all images that bring none; by default what `restore` takes for each.
      slots: images fitted at once, from 1 up, rounded up to a multiple of the number of
        devices. By default as many as memory holds, `MOST_SLOTS` per device at most; on CPU,
        where a single image keeps a device busy, one per device.
      devices: where to compute; all of this process by default.
      is_over: asked about once a second; once it says True, the images in the slots are given up
        and no others begin.
      share: which images this process fits: (i, n) those whose index is i modulo n. By default
        its own number and that of all processes.

    Yields:
      One `Finished` per image, in the order in which they end. An image that cannot be used,
      whatever it raises, has an `error` and does not stop the others.

    Raises:
      InputError: if an argument is out of its range.
      Exception: what `images` raises when it is asked for the next, after all before it are done.
    """
    check_key(key)
    if not isinstance(images, Iterable) or isinstance(images, _NO_ITERABLES):
        raise InputError(
            f"images is {shown(images)}; accepted: an iterable of pictures, problems or requests, "
            "as list(batch) is"
        )
    require(
        method is None or isinstance(method, Method),
        f"method is {shown(method)}; accepted: a method, as preset(...) gives",
    )
    if slots is not None:
        require_whole(slots, "slots", 1, 1_000_000)
    devices = jax.local_devices() if devices is None else devices
    is_fine = isinstance(devices, Sequence) and len(devices) > 0
    is_fine = is_fine and all(isinstance(device, jax.Device) for device in devices)
    require(is_fine, f"devices is {shown(devices)}; accepted: a list of at least one jax.Device")
    own, count = (jax.process_index(), jax.process_count()) if share is None else share
    require(
        0 <= own < count,
        f"share is {shown(share)}; accepted: (i, n), i from 0 and below n",
    )
    mesh = Mesh(np.asarray(devices), ("slots",))
    mine = ((index, image) for index, image in enumerate(images) if index % count == own)
    return _run_buckets(_Waiting(mine, method, key), slots, mesh, is_over)


@dataclasses.dataclass(frozen=True)
class _Ready:
    """A checked image that waits for a slot; `under_way` is its run so far, if it has one."""

    index: int
    problem: Problem
    method: Method
    key: jax.Array
    under_way: Run | None = None
    past: History = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> Any:
        """What tells its bucket from others."""
        return program_of(self.problem, self.method), self.key.shape, self.key.dtype

    def begun(self) -> Run:
        if self.under_way is not None:
            return self.under_way
        return loop.begin(self.problem, method=self.method, key=self.key)


def program_of(problem: Problem, method: Method) -> Any:
    """What a compiled program depends on: structure, shapes and types. Equal ones share it."""
    leaves, structure = jax.tree.flatten((problem, method))
    return structure, tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)


class _Waiting:
    """The images not yet in a slot: a few by shape, the others still in the iterable.

    Images that cannot be used collect in `unusable` as pairs of index and reason. What the
    iterable itself raises is kept in `failure`, and no more is read from it.
    """

    def __init__(self, images: Iterator[tuple[int, Any]], method: Method | None, key: jax.Array):
        self._images = images
        self._method = method
        self._key = key
        self._buckets: dict[Any, collections.deque[_Ready]] = {}
        self.unusable: list[tuple[int, str]] = []
        self.failure: Exception | None = None

    def largest(self) -> Any:
        """The shape of which most images wait, or None if all are done."""
        if not self._buckets:
            self._read_one()
        return max(self._buckets, key=lambda shape: len(self._buckets[shape]), default=None)

    def take(self, shape: Any, look_ahead: int) -> _Ready | None:
        """The next image of a shape, or None if there is none among the next few."""
        while shape not in self._buckets and self._count() < look_ahead and self._read_one():
            pass
        bucket = self._buckets.get(shape)
        if bucket is None:
            return None
        image = bucket.popleft()
        if not bucket:
            del self._buckets[shape]
        return image

    def take_begun(self, shape: Any, look_ahead: int) -> tuple[_Ready, Run] | None:
        """The same with its run; images whose run cannot begin are unusable."""
        while (image := self.take(shape, look_ahead)) is not None:
            try:
                return image, image.begun()
            except Exception as error:  # whatever a user's functions raise
                self.unusable.append((image.index, reason(error)))
        return None

    def _count(self) -> int:
        return sum(len(bucket) for bucket in self._buckets.values())

    def _read_one(self) -> bool:
        """Files the next usable image under its shape; false if there is none."""
        while True:
            try:
                index, image = next(self._images)
            except StopIteration:
                return False
            except Exception as error:  # raised again when all before it are done
                self.failure, self._images = error, iter(())
                return False
            try:
                ready = self._checked(index, image)
                self._buckets.setdefault(ready.shape, collections.deque()).append(ready)
            except Exception as error:  # whatever a user's objects raise
                self.unusable.append((index, reason(error)))
                continue
            return True

    def _checked(self, index: int, image: Any) -> _Ready:
        request = image if isinstance(image, Request) else Request(image)
        problem = request.problem
        if isinstance(problem, Restoration):
            return self._continued(index, request)
        require(
            request.iterations is None,
            f"iterations is {shown(request.iterations)} for an image that has not begun; accepted: "
            "None, or a Restoration to go on with",
        )
        if not isinstance(problem, Problem):
            problem = Problem(problem, value_range=UNIT)
        method = self._method if request.method is None else request.method
        method = as_method(method, problem)
        loop.check(problem, method)
        key = jax.random.fold_in(self._key, index) if request.key is None else request.key
        check_key(key)
        return _Ready(index, problem, method, key)

    def _continued(self, index: int, request: Request) -> _Ready:
        restoration = request.problem
        limit = request.iterations
        limit = int(restoration.method.loop.iterations) if limit is None else limit
        run = continued(restoration, limit)
        require(
            int(run.state.status) == Status.RUNNING,
            f"the restoration has ended: {restoration.message} Accepted: a larger iterations",
        )
        return _Ready(index, run.problem, run.method, self._key, run, restoration.past)


def _run_buckets(
    waiting: _Waiting, slots: int | None, mesh: Mesh, is_over: Callable[[], bool]
) -> Iterator[Finished]:
    statistics = BatchStatistics()
    shapes = set()
    while not is_over() and (shape := waiting.largest()) is not None:
        shapes.add(shape)
        statistics = dataclasses.replace(statistics, programs=len(shapes))
        for finished in _run_bucket(waiting, shape, slots, mesh, statistics, is_over):
            statistics = finished.statistics
            yield finished
    for index, error in waiting.unusable:
        yield Finished(index, None, error, statistics)
    if waiting.failure is not None:
        raise waiting.failure


@dataclasses.dataclass
class _Slot:
    """An image in a slot, with the pieces of its history."""

    image: _Ready
    pieces: list[History] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.image.past:
            self.pieces.append(self.image.past)


def _run_bucket(
    waiting: _Waiting,
    shape: Any,
    slots: int | None,
    mesh: Mesh,
    statistics: BatchStatistics,
    is_over: Callable[[], bool],
) -> Iterator[Finished]:
    """Runs images of one shape until none is left in the slots or waiting."""
    first = waiting.take_begun(shape, look_ahead=1)
    if first is None:
        return
    image, run = first
    count = 0
    occupants: list[_Slot | None] = [_Slot(image)]
    try:
        count = slot_count(slots, run, mesh)
        stack = spread(run, count, mesh)  # which puts it into every slot
        occupants += [None] * (count - 1)
        has_one_stage = len(image.method.stages(image.problem)) == 1
        statistics = dataclasses.replace(statistics, slots=count)
        stack = _filled(waiting, shape, stack, occupants)
        pace = 1
        while not is_over():
            if has_one_stage or not any(occupants):
                stack = _filled(waiting, shape, stack, occupants)
            occupied = np.array([occupant is not None for occupant in occupants])
            if not occupied.any():
                return
            begun = time.perf_counter()
            stack, history, steps = advance_slots(mesh, stack, occupied, pace)
            done = int(steps)
            elapsed = time.perf_counter() - begun
            pace = max(1, min(2 * pace, round(done * _SECONDS_PER_CALL / elapsed), ROOM))
            statistics = dataclasses.replace(
                statistics,
                slot_steps=statistics.slot_steps + count * done,
                busy_steps=statistics.busy_steps + int(occupied.sum()) * done,
                loop_seconds=statistics.loop_seconds + elapsed,
            )
            history = {name: np.asarray(values)[:, :done] for name, values in history.items()}
            ended = np.asarray(stack.state.status) != Status.RUNNING
            for number, occupant in enumerate(occupants):
                if occupant is None:
                    continue
                occupant.pieces.append({name: values[number] for name, values in history.items()})
                if ended[number]:
                    restoration = _finished(slot_of(stack, number), occupant.pieces)
                    occupants[number] = None
                    yield Finished(occupant.image.index, restoration, None, statistics)
            while waiting.unusable:
                index, error = waiting.unusable.pop(0)
                yield Finished(index, None, error, statistics)
    except Exception as error:  # of the program, so that it is every image's in it
        for occupant in occupants:
            if occupant is not None:
                yield Finished(occupant.image.index, None, reason(error), statistics)


def _filled(waiting: _Waiting, shape: Any, stack: Run, occupants: list[_Slot | None]) -> Run:
    """The slots with waiting images in those that are free."""
    for number, occupant in enumerate(occupants):
        if occupant is not None:
            continue
        taken = waiting.take_begun(shape, _LOOK_AHEAD * len(occupants))
        if taken is None:
            break
        image, run = taken
        occupants[number] = _Slot(image)
        stack = put(stack, run, number)
    return stack


def _finished(run: Run, pieces: list[History]) -> Restoration:
    done = int(run.state.iteration)
    whole = {name: np.concatenate([piece[name] for piece in pieces])[:done] for name in pieces[0]}
    return result_of(run, curves(whole, int(run.method.loop.iterations)))
