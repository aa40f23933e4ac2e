"""`restore_many`: many images on the slots of one compiled program.

Images of one shape share a program over a fixed number of slots. The program runs until a
slot's image has ended; the slot then takes the next image, so that a slow one does not hold up
the others. Images of other shapes wait in a bucket of their own. Slots are spread over all
devices of the process, and images over all processes of `jax.distributed`.
"""

import collections
import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from drp_jax import solver
from drp_jax.errors import InputError, require, require_whole
from drp_jax.inputs import Inputs, checked_inputs
from drp_jax.methods import Settings
from drp_jax.metrics import Metric, psnr
from drp_jax.operators import Operator
from drp_jax.presets import preset
from drp_jax.restore import Restoration, begin, result
from drp_jax.solver import Problem, SolverConfig, SolverState, Status

MOST_SLOTS = 64

_SHARE_OF_MEMORY = 0.8
_SECONDS_PER_CALL = 1.0
_LOOK_AHEAD = 4
_SLOTS = PartitionSpec("slots")

Tree = TypeVar("Tree")


@dataclasses.dataclass(frozen=True)
class Request:
    """One image to restore, with the arguments of `restore` that belong to it.

    Attributes:
      observation: the degraded image `[H, W, C]`, values in [0, 1].
      operator, seed, reference: as in `restore`.
      key: the key of this image's draws; by default the batch's key folded with its index.
    """

    observation: jax.Array
    operator: Operator | Callable[[jax.Array], jax.Array] | None = None
    seed: jax.Array | None = None
    reference: jax.Array | None = None
    key: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class BatchStatistics:
    """What a batch has used so far.

    Attributes:
      programs: number of compiled programs, one per shape.
      slots: number of slots of the present program.
      slot_steps: iterations computed, counted once per slot.
      busy_steps: those of them that belonged to an image.
    """

    programs: int = 0
    slots: int = 0
    slot_steps: int = 0
    busy_steps: int = 0

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
      error: why it could not be used, or None.
      statistics: of the whole batch up to now.
    """

    index: int
    restoration: Restoration | None
    error: str | None
    statistics: BatchStatistics


def restore_many(
    images: Iterable[Request | jax.Array],
    *,
    key: jax.Array,
    settings: Settings | None = None,
    metric: Metric = psnr,
    slots: int | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> Iterator[Finished]:
    """Restores many images and gives each as soon as it is done.

    The result of an image is that of `restore` with the same key. With the same number of slots
    it does not depend on the other images in any bit; with another number, or alone, it is that
    of another compiled program, whose float32 sums round otherwise: 1e-5 per pixel after a few
    iterations, more after many, as Adam amplifies rounding. With several processes
    (`jax.distributed`) every process goes through all `images` and fits those whose index is
    its own modulo their number.

    Args:
      images: observations or requests, of any shapes, taken a few at a time as slots get free.
      key: the key of all draws; image number i uses `jax.random.fold_in(key, i)`.
      settings: method, objective and solver of all images; `preset()` by default.
      metric: what the histories hold as PSNR.
      slots: images fitted at once, from 1 up, rounded up to a multiple of the number of
        devices. By default as many as memory holds, `MOST_SLOTS` per device at most; on CPU,
        where a single image keeps a device busy, one per device.
      devices: where to compute; all of this process by default.

    Yields:
      One `Finished` per image, in the order in which they end. An image that cannot be used
      has an `error` and does not stop the others.

    Raises:
      InputError: if `slots` is out of its range.
    """
    settings = preset() if settings is None else settings
    if slots is not None:
        require_whole(slots, "slots", 1, 1_000_000)
    devices = jax.local_devices() if devices is None else devices
    require(len(devices) > 0, "devices is empty; accepted: at least one device")
    mesh = Mesh(np.asarray(devices), ("slots",))
    waiting = _Waiting(_this_process(images), settings, key)
    return _run_buckets(waiting, settings, metric, slots, mesh)


def slots_in_memory(bytes_per_slot: int, bytes_free: int, devices: int) -> int:
    """How many slots fit, a multiple of the number of devices.

    Args:
      bytes_per_slot: memory that one slot's program takes.
      bytes_free: memory free on each device.
      devices: number of devices.
    """
    fitting = int(_SHARE_OF_MEMORY * bytes_free / max(bytes_per_slot, 1))
    return devices * min(max(fitting, 1), MOST_SLOTS)


def _this_process(images: Iterable[Request | jax.Array]) -> Iterator[tuple[int, Request]]:
    count, own = jax.process_count(), jax.process_index()
    for index, image in enumerate(images):
        if index % count == own:
            yield index, image if isinstance(image, Request) else Request(image)


@dataclasses.dataclass(frozen=True)
class _Ready:
    """A checked image that waits for a slot."""

    index: int
    inputs: Inputs
    key: jax.Array

    @property
    def shape(self) -> Any:
        """What its compiled program depends on: structure, shapes and types."""
        leaves, structure = jax.tree.flatten(self.inputs)
        return structure, tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)


class _Waiting:
    """The images not yet in a slot: a few by shape, the others still in the iterable.

    Images that cannot be used collect in `unusable` as pairs of index and reason.
    """

    def __init__(self, images: Iterator[tuple[int, Request]], settings: Settings, key: jax.Array):
        self._images = images
        self._settings = settings
        self._key = key
        self._buckets: dict[Any, collections.deque[_Ready]] = {}
        self.unusable: list[tuple[int, str]] = []

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

    def _count(self) -> int:
        return sum(len(bucket) for bucket in self._buckets.values())

    def _read_one(self) -> bool:
        """Files the next usable image under its shape; false if there is none."""
        for index, request in self._images:
            key = jax.random.fold_in(self._key, index) if request.key is None else request.key
            try:
                inputs = checked_inputs(
                    self._settings,
                    request.observation,
                    operator=request.operator,
                    seed=request.seed,
                    reference=request.reference,
                )
            except InputError as error:
                self.unusable.append((index, str(error)))
                continue
            ready = _Ready(index, inputs, key)
            self._buckets.setdefault(ready.shape, collections.deque()).append(ready)
            return True
        return False


def _run_buckets(
    waiting: _Waiting, settings: Settings, metric: Metric, slots: int | None, mesh: Mesh
) -> Iterator[Finished]:
    statistics = BatchStatistics()
    shapes = set()
    while (shape := waiting.largest()) is not None:
        shapes.add(shape)
        statistics = dataclasses.replace(statistics, programs=len(shapes))
        for finished in _run_bucket(waiting, shape, settings, metric, slots, mesh, statistics):
            statistics = finished.statistics
            yield finished
    for index, error in waiting.unusable:
        yield Finished(index, None, error, statistics)


def _run_bucket(
    waiting: _Waiting,
    shape: Any,
    settings: Settings,
    metric: Metric,
    slots: int | None,
    mesh: Mesh,
    statistics: BatchStatistics,
) -> Iterator[Finished]:
    """Runs images of one shape until none is left in the slots or waiting."""
    config = settings.solver
    first = waiting.take(shape, look_ahead=1)
    assert first is not None
    started = begin(settings, metric, first.inputs, first.key)
    count = _slot_count(slots, config, started, mesh)
    stack = spread(started, count, mesh)
    occupants: list[_Ready | None] = [first, *[None] * (count - 1)]  # spread put it everywhere
    statistics = dataclasses.replace(statistics, slots=count)
    pace = 1

    while True:
        for slot in range(count):
            if occupants[slot] is None:
                image = waiting.take(shape, _LOOK_AHEAD * count)
                if image is None:
                    break
                occupants[slot] = image
                started = begin(settings, metric, image.inputs, image.key)
                stack = _put(stack, started, slot)
        occupied = np.array([occupant is not None for occupant in occupants])
        if not occupied.any():
            return
        begun = time.perf_counter()
        stack, steps = advance_slots(mesh, config, stack, occupied, pace)
        steps = int(steps)
        elapsed = time.perf_counter() - begun
        pace = max(1, min(2 * pace, round(steps * _SECONDS_PER_CALL / elapsed)))
        statistics = dataclasses.replace(
            statistics,
            slot_steps=statistics.slot_steps + count * steps,
            busy_steps=statistics.busy_steps + int(occupied.sum()) * steps,
        )
        ended = np.asarray(stack[1].status) != Status.RUNNING
        for slot, occupant in enumerate(occupants):
            if occupant is not None and ended[slot]:
                occupants[slot] = None
                restoration = result(config, _slot(stack[1], slot))
                yield Finished(occupant.index, restoration, None, statistics)
        while waiting.unusable:
            index, error = waiting.unusable.pop(0)
            yield Finished(index, None, error, statistics)


def _slot_count(
    wanted: int | None, config: SolverConfig, started: tuple[Problem, SolverState], mesh: Mesh
) -> int:
    """The number of slots: the one wanted, or what memory holds."""
    devices = mesh.devices.size
    if wanted is not None:
        return devices * -(-wanted // devices)
    statistics = mesh.devices.flat[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return devices
    analysis = (
        jax.jit(solver.run, static_argnums=0)
        .lower(config, *started, until=config.iterations)
        .compile()
        .memory_analysis()
    )
    if analysis is None:  # a backend that cannot tell
        return devices
    per_slot = (
        analysis.temp_size_in_bytes
        + analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
    )
    free = statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    return slots_in_memory(per_slot, free, devices)


def spread(started: Tree, count: int, mesh: Mesh) -> Tree:
    """The same problem and state in every slot, sharded over the devices."""
    repeated = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), started)
    return jax.device_put(repeated, NamedSharding(mesh, _SLOTS))


@functools.partial(jax.jit, donate_argnums=0)
def _put(stack: Tree, one: Tree, slot: jax.typing.ArrayLike) -> Tree:
    """The slots with `one` in place of a slot's content."""

    def replaced(leaves: jax.Array, leaf: jax.Array) -> jax.Array:
        here = (jnp.arange(leaves.shape[0]) == slot).reshape(-1, *(1,) * leaf.ndim)
        return jnp.where(here, leaf[None], leaves)

    return jax.tree.map(replaced, stack, one)


@jax.jit
def _slot(stack: Tree, slot: jax.typing.ArrayLike) -> Tree:
    return jax.tree.map(lambda leaves: leaves[slot], stack)


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def advance_slots(
    mesh: Mesh,
    config: SolverConfig,
    stack: tuple[Problem, SolverState],
    occupied: jax.Array,
    most_steps: jax.typing.ArrayLike,
) -> tuple[tuple[Problem, SolverState], jax.Array]:
    """Steps all slots until an occupied one has ended or `most_steps` are done.

    Free slots step too, for nothing: leaving them out would cost a selection over the whole
    state at every step. What they compute is never read.

    Returns:
      The slots, and the number of steps.
    """
    step = functools.partial(solver.step, config)

    def step_all(problems: Problem, states: SolverState) -> SolverState:
        # On CPU the images of one slot fit the cache, those of many do not.
        return jax.lax.platform_dependent(
            *(problems, states),
            cpu=lambda problems, states: jax.lax.map(lambda one: step(*one), (problems, states)),
            default=jax.vmap(step),
        )

    def local(
        stack: tuple[Problem, SolverState], occupied: jax.Array, most_steps: jax.Array
    ) -> tuple[tuple[Problem, SolverState], jax.Array]:
        problems, states = stack

        def goes_on(carry: tuple[SolverState, jax.Array]) -> jax.Array:
            states, steps = carry
            ended = occupied & (states.status != Status.RUNNING)
            ended_anywhere = jax.lax.psum(jnp.sum(ended), "slots") > 0
            return ~ended_anywhere & (steps < most_steps)

        def body(carry: tuple[SolverState, jax.Array]) -> tuple[SolverState, jax.Array]:
            states, steps = carry
            return step_all(problems, states), steps + 1

        states, steps = jax.lax.while_loop(goes_on, body, (states, jnp.int32(0)))
        return (problems, states), steps

    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(_SLOTS, _SLOTS, PartitionSpec()),
        out_specs=(_SLOTS, PartitionSpec()),
        check_vma=False,
    )(stack, occupied, jnp.int32(most_steps))
