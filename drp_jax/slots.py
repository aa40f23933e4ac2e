"""Slots: runs of one shape side by side in one program, spread over the devices."""

import dataclasses
import functools
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from drp_jax import loop
from drp_jax.batching import each
from drp_jax.loop import ROOM, History, LoopState, Run, Status, iterate

MOST_SLOTS = 64
SLOTS = PartitionSpec("slots")

_SHARE_OF_MEMORY = 0.8

Tree = TypeVar("Tree")


def slot_count(wanted: int | None, run: Run, mesh: Mesh) -> int:
    """The number of slots: the one wanted, or what memory holds."""
    devices = mesh.devices.size
    if wanted is not None:
        return devices * -(-wanted // devices)
    statistics = mesh.devices.flat[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return devices
    per_slot = loop.bytes_of(jax.jit(loop.advance).lower(run))
    if not per_slot:  # a backend that cannot tell
        return devices
    free = statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    return slots_in_memory(per_slot, free, devices)


def slots_in_memory(bytes_per_slot: int, bytes_free: int, devices: int) -> int:
    """How many slots fit, a multiple of the number of devices.

    Args:
      bytes_per_slot: memory that one slot's program takes.
      bytes_free: memory free on each device.
      devices: number of devices.
    """
    fitting = int(_SHARE_OF_MEMORY * bytes_free / max(bytes_per_slot, 1))
    return devices * min(max(fitting, 1), MOST_SLOTS)


def spread(run: Tree, count: int, mesh: Mesh) -> Tree:
    """The same run in every slot, sharded over the devices."""
    repeated = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *jnp.shape(leaf))), run)
    return jax.device_put(repeated, NamedSharding(mesh, SLOTS))


@functools.partial(jax.jit, donate_argnums=0)
def put(stack: Tree, one: Tree, slot: jax.typing.ArrayLike) -> Tree:
    """The slots with `one` in place of a slot's content."""

    def replaced(leaves: jax.Array, leaf: jax.Array) -> jax.Array:
        here = (jnp.arange(leaves.shape[0]) == slot).reshape(-1, *(1,) * jnp.ndim(leaf))
        return jnp.where(here, jnp.asarray(leaf)[None], leaves)

    return jax.tree.map(replaced, stack, one)


@jax.jit
def slot_of(stack: Tree, slot: jax.typing.ArrayLike) -> Tree:
    """The run in a slot."""
    return jax.tree.map(lambda leaves: leaves[slot], stack)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def advance_slots(
    mesh: Mesh, stack: Run, occupied: jax.Array, most_steps: jax.typing.ArrayLike
) -> tuple[Run, History, jax.Array]:
    """Steps all slots until an occupied one has ended or `most_steps` are done.

    Free slots step too, for nothing: leaving them out would cost a selection over the whole
    state at every step. What they compute is never read.

    Args:
      mesh: the devices, along an axis "slots".
      stack: runs, one per slot.
      occupied: bool `[slots]`, which of them count.
      most_steps: up to `ROOM`.

    Returns:
      The slots, their history `[slots, ROOM]`, and the number of steps.
    """

    def local(
        stack: Run, occupied: jax.Array, most_steps: jax.Array
    ) -> tuple[Run, History, jax.Array]:
        example = jax.tree.map(lambda leaves: leaves[0], stack)
        names = (*example.method.measures, *loop.metric_names(example.problem))
        history = {name: jnp.full((occupied.shape[0], ROOM), jnp.nan) for name in names}
        state, history, steps = loop.in_rounds(
            example.method.stages(example.problem),
            functools.partial(_through_stage, stack, occupied, most_steps),
            (stack.state, history, jnp.int32(0)),
        )
        return dataclasses.replace(stack, state=state), history, steps

    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(SLOTS, SLOTS, PartitionSpec()),
        out_specs=(SLOTS, SLOTS, PartitionSpec()),
        check_vma=False,
    )(stack, occupied, jnp.int32(most_steps))


_Carry = tuple[LoopState, History, jax.Array]


def _through_stage(
    stack: Run,
    occupied: jax.Array,
    most_steps: jax.Array,
    number: int,
    round_number: int | jax.Array,
    carry: _Carry,
) -> _Carry:
    """Steps all slots while an occupied one is in a stage, and none has ended."""

    def end_of(run: Run) -> jax.Array:
        return run.method.stages(run.problem)[number].end_of(round_number)

    def step(run: Run) -> tuple[LoopState, dict[str, jax.Array]]:
        return iterate(run, run.method.stages(run.problem)[number])

    ends = jax.vmap(end_of)(stack)

    def goes_on(carry: _Carry) -> jax.Array:
        state, _, steps = carry
        is_running = state.status == Status.RUNNING
        here = jnp.sum(occupied & is_running & (state.iteration < ends))
        ended = jnp.sum(occupied & ~is_running)
        here, ended = jax.lax.psum((here, ended), "slots")
        return (here > 0) & (ended == 0) & (steps < most_steps)

    def body(carry: _Carry) -> _Carry:
        state, history, steps = carry
        state, record = each(step)(dataclasses.replace(stack, state=state))
        history = {name: history[name].at[:, steps].set(record[name]) for name in history}
        return state, history, steps + 1

    return jax.lax.while_loop(goes_on, body, carry)
