"""Pictures of any size in bounded memory: whole if there is room, otherwise in tiles.

All tiles have one shape, and so one compiled program, overlap and are blended, see `tiling`. What a
method finds out about the whole picture, like the level of its noise, it finds out once, from a
sample of it. Memory is that of the whole process; how much of it programs take, they say themselves
when they are compiled.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from drp_jax.errors import InputError, require, require_kind
from drp_jax.images.memory import allowed, free_memory, give_back, resident
from drp_jax.loop import Status, check_key
from drp_jax.method import Method
from drp_jax.noise import Gaussian
from drp_jax.operators import Downsample, Identity, Mask, filled_back_projection
from drp_jax.problem import Problem
from drp_jax.restore import (
    Progress,
    Restoration,
    as_method,
    check_callback,
    message,
    program_bytes,
    restore,
)
from drp_jax.tiling import OVERLAP, STEP, Tiling, tiling_of

MOST_SIDE, LEAST_SIDE = 1024, 128
"""Of a tile, in pixels; larger ones save little time."""

_AT_ONCE = 2**22  # pixels up to which it is first tried whether there is room for the whole
_PIECE, _PIECES = 384, 3  # of the sample: side of a square, and most squares along a side
_SPARE = 0.9  # what programs may take of the memory that is left
_SHARE_OF_DEVICE = 0.8
_GIGA = 1e9


@dataclasses.dataclass(frozen=True)
class TileProgress:
    """What a callback is told.

    Attributes:
      tile: the number of the tile at work, from 1.
      tiles: how many there are.
      progress: of that tile; None for one that nothing had to be done for.
    """

    tile: int
    tiles: int
    progress: Progress | None


@dataclasses.dataclass(frozen=True)
class Tiled:
    """The result of a run in tiles.

    Attributes:
      image: the restored image, NumPy `[H, W, C]`.
      status: a `Status`: the worst of the tiles'.
      tiles: number of tiles that were restored.
      tiling: how they lie.
      iterations: of every tile, as in `Restoration`.
      image_iteration: of every tile, as in `Restoration`.
      iterate: of every tile, as in `Restoration`.
      history: means over the tiles of what was measured at every iteration.
      uncertainty: as in `Restoration`.
      method: the method.
      remark: what it found out about the observation, in words, or "".
    """

    image: np.ndarray
    status: Status
    tiles: int
    tiling: Tiling
    iterations: int
    image_iteration: int
    iterate: str
    history: dict[str, np.ndarray]
    uncertainty: np.ndarray | None
    method: Method
    remark: str

    @property
    def message(self) -> str:
        """Why the run ended, in a sentence."""
        return f"{message(self.method, self.status)} It went through {self.tiling.described()}."


Callback = Callable[[TileProgress], bool | None]


def restore_large(
    problem: Problem,
    *,
    key: jax.Array,
    method: Method | None = None,
    memory: int | None = None,
    callback: Callback | None = None,
) -> Restoration | Tiled:
    """Restores an image as `restore` does, in tiles if there is no room for the whole.

    Filters of pictures go in tiles, with the operators `Identity`, `Mask` and `Downsample`: their
    pixels depend on those around them alone. A network sees all of an image.

    Args:
      problem: what is to be restored.
      key: the key of all that is random, the same for all tiles.
      method: how; as in `restore` if None.
      memory: bytes that this process may take; by default half of what is free beside what it has,
        or all for what does not go in tiles. Of an accelerator, whose memory does not count, up to
        80 % of what is free.
      callback: called with a `TileProgress` between the steps; a true return value ends the run.
        Tiles that were not begun are then as they were observed: the noisy pixels, gaps filled
        smoothly, or the picture enlarged smoothly.

    Raises:
      InputError: if memory is not enough even for small tiles, or for what does not go in tiles,
        with the bytes that are needed; if nothing is known of a tile; or as `restore`.
    """
    require_kind(problem, Problem, "problem", "a Problem")
    check_key(key)
    check_callback(callback)
    method = as_method(method, problem)
    if not (method.is_local and isinstance(problem.operator, (Identity, Mask, Downsample))):
        require_room(problem, method, key, memory)
        return restore_whole(problem, key, method, callback)
    height, width, _ = problem.image.shape
    if height * width <= _AT_ONCE:
        needed = program_bytes(problem, method=method, key=key)
        if needed <= _room(problem, memory):
            return restore_whole(problem, key, method, callback)
    shared = _with_range(problem)
    informed = method.informed(_sample(shared))
    tiling = _tiling(shared, informed, key, memory)
    if tiling is None:
        return restore_whole(problem, key, method, callback)
    return _Tiles(shared, tiling, key, informed, callback).restored(method)


def restore_whole(
    problem: Problem, key: jax.Array, method: Method, callback: Callback | None
) -> Restoration:
    """What `restore` gives, with the callback of `restore_large`: one tile is the whole."""
    report = None if callback is None else lambda progress: callback(TileProgress(1, 1, progress))
    return restore(problem, key=key, method=method, callback=report)


def require_room(problem: Problem, method: Method, key: jax.Array, memory: int | None) -> None:
    """Raises InputError unless there is room for the whole, as `restore_large` does."""
    needed = program_bytes(problem, method=method, key=key)
    if needed > _room(problem, memory, free_memory):
        refusal = _refusal(problem, method, needed)
        raise InputError(f"{refusal}; accepted: a smaller picture, or more memory")


def _tiling(problem: Problem, method: Method, key: jax.Array, memory: int | None) -> Tiling | None:
    """The largest tiles that there is room for, or None if that is enough for the whole.

    Raises:
      InputError: if it is not enough for small tiles.
    """
    step, overlap = _geometry(problem)
    shape, most = problem.image.shape, MOST_SIDE // step * step
    least = -(-max(LEAST_SIDE, overlap + 2 * step) // step) * step
    while True:
        tiling = tiling_of(shape, most, step, overlap)
        part = next(_parts(problem, tiling))
        needed = program_bytes(part, method=method, key=key)
        room = _room(problem, memory)
        if needed * math.prod(tiling.shape) / math.prod(tiling.size) <= room:
            return None
        if needed <= room:
            return tiling
        if most <= least:
            refusal = _refusal(problem, method, needed)
            raise InputError(f"{refusal} in tiles of {least} x {least}; accepted: more memory")
        fitting = 0.95 * math.sqrt(max(room, 0) / needed) * max(tiling.size)
        most = max(min(int(fitting), most - step) // step * step, least)


def _refusal(problem: Problem, method: Method, needed: float) -> str:
    height, width, _ = problem.image.shape
    total = (needed / _SPARE + _held(problem)) / _GIGA
    return f"method {method.name} takes {total:.2g} GB for {width} x {height} pixels"


def _held(problem: Problem) -> int:
    """Bytes beside the programs': those of this process as it is, and of the result."""
    height, width, channels = problem.image.shape
    return resident() + 4 * height * width * (channels + 1)


def _room(
    problem: Problem, memory: int | None, by_default: Callable[[], int] = lambda: allowed(None)
) -> float:
    """Bytes that programs may take."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return _SHARE_OF_DEVICE * (statistics["bytes_limit"] - statistics.get("bytes_in_use", 0))
    give_back()
    total = resident() + by_default() if memory is None else allowed(memory)
    return _SPARE * (total - _held(problem))


class _Tiles:
    """A run through the tiles."""

    def __init__(
        self,
        problem: Problem,
        tiling: Tiling,
        key: jax.Array,
        method: Method,
        callback: Callback | None,
    ):
        self.problem, self.tiling, self.key = problem, tiling, key
        self.method, self.callback = method, callback
        self.tile, self.is_ended = 0, False
        self.image = np.zeros(problem.image.shape, np.float32)
        self.uncertainty = np.zeros(tiling.shape, np.float32)
        self.statuses: list[Status] = []
        self.histories: list[dict[str, np.ndarray]] = []
        self.remark = ""

    def restored(self, asked: Method) -> Tiled:
        """All tiles, by a method that was informed from the one that was asked for."""
        self._require_known()
        limit = int(self.method.loop.iterations)
        weights = itertools.product(*self.tiling.weights)
        parts = zip(_parts(self.problem, self.tiling), self.tiling.places(), weights, strict=True)
        for part, (rows, columns), (by_row, by_column) in parts:
            self.tile += 1
            image, uncertainty = self._tile(part)
            blend = by_row[rows, None] * by_column[None, columns]
            self.image[rows, columns] += blend[..., None] * np.asarray(image)
            self.uncertainty[rows, columns] += blend * np.asarray(uncertainty)
        worst = next(
            (one for one in (Status.NON_FINITE, Status.INTERRUPTED) if one in self.statuses),
            Status.COMPLETED,
        )
        return Tiled(
            image=self.image,
            status=Status.INTERRUPTED if self.is_ended else worst,
            tiles=len(self.statuses),
            tiling=self.tiling,
            iterations=limit,
            image_iteration=limit,
            iterate=self.method.loop.iterate,
            history=self._history(limit),
            uncertainty=self.uncertainty if self.histories else None,
            method=asked,
            remark=self.remark,
        )

    def _tile(self, part: Problem) -> tuple[Any, Any]:
        """The image and the uncertainty of a tile."""
        if self.is_ended:
            return _as_observed(part.operator, part.observation, part.image), 0.0
        operator = part.operator
        if isinstance(operator, Mask) and bool(np.all(np.asarray(operator.mask) == 1)):
            self._report(None)
            self.statuses.append(Status.COMPLETED)
            return part.observation, 0.0
        result = restore(part, key=self.key, method=self.method, callback=self._report)
        self.statuses.append(Status(int(result.status)))
        self.histories.append({name: np.asarray(it) for name, it in result.history.items()})
        self.remark = result.remark
        return result.image, 0.0 if result.uncertainty is None else result.uncertainty

    def _require_known(self) -> None:
        """Raises InputError if a tile would have to be invented."""
        operator = self.problem.operator
        if not isinstance(operator, Mask):
            return
        mask, (height, width) = np.asarray(operator.mask), self.tiling.size
        for place in self.tiling.places():
            require(
                bool(mask[place].any()),
                f"of {width} x {height} pixels, which are a tile, nothing is known; accepted: "
                "smaller gaps, or more memory",
            )

    def _report(self, progress: Progress | None) -> bool:
        if self.callback is not None:
            report = TileProgress(self.tile, self.tiling.count, progress)
            self.is_ended |= bool(self.callback(report))
        return self.is_ended

    def _history(self, limit: int) -> dict[str, np.ndarray]:
        if not self.histories:
            return {name: np.zeros(limit, np.float32) for name in self.method.measures}
        return {
            name: np.mean([one[name] for one in self.histories], axis=0)
            for name in self.method.measures
        }


_as_observed = jax.jit(filled_back_projection, static_argnums=2)


def _with_range(problem: Problem) -> Problem:
    """The problem with a range that all tiles share, and without what no tile needs."""
    bounds = problem.value_range
    if bounds is None:
        low, high = (float(f(np.asarray(problem.observation))) for f in (np.min, np.max))
        bounds = (low, high if high > low else low + 1)
    return dataclasses.replace(problem, value_range=bounds, reference=None)


def _geometry(problem: Problem) -> tuple[int, int]:
    """What the corners of tiles are multiples of, and by how much tiles overlap.

    Where a filter takes turns with the observation, every turn carries what is told further.
    """
    if isinstance(problem.operator, Identity):
        return STEP, OVERLAP
    if isinstance(problem.operator, Downsample):
        factor = problem.operator.factor
        return factor * -(-STEP // factor), max(2 * OVERLAP, 8 * factor)
    return STEP, 2 * OVERLAP


def _parts(problem: Problem, tiling: Tiling) -> Iterator[Problem]:
    for rows, columns in tiling.places():
        yield _part(problem, rows, columns)


def _part(problem: Problem, rows: Any, columns: Any) -> Problem:
    """The problem of some rows and columns of the image, slices or indices of both."""
    operator, noise = problem.operator, problem.noise
    observation = problem.observation
    if isinstance(operator, Downsample):
        rows, columns = (
            slice(along.start // operator.factor, along.stop // operator.factor)
            for along in (rows, columns)
        )
    if isinstance(operator, Mask):
        operator = Mask(_cut_out(operator.mask, rows, columns))
    if isinstance(noise, Gaussian) and len(getattr(noise.level, "shape", ())) > 1:
        noise = Gaussian(_cut_out(noise.level, rows, columns))
    return Problem(
        _cut_out(observation, rows, columns),
        operator,
        noise=noise,
        value_range=problem.value_range,
    )


def _cut_out(values: Any, rows: Any, columns: Any) -> Any:
    """Rows and columns of an array, of sides of 1 all."""
    values = np.asarray(values)
    if values.shape[0] > 1:
        values = values[rows]
    return values[:, columns] if values.shape[1] > 1 else values


def _sample(problem: Problem) -> Problem:
    """The problem of squares from all over an image, put together to a smaller one.

    An image that was observed at a smaller size is small already.
    """
    if isinstance(problem.operator, Downsample):
        return problem
    rows, columns = (_sampled(side) for side in problem.image.shape[:2])
    return _part(problem, rows, columns)


def _sampled(side: int) -> np.ndarray:
    """Some places along a side, in pieces as long as can be."""
    if side <= _PIECE * _PIECES:
        return np.arange(side)
    middles = (np.arange(_PIECES) + 0.5) * side / _PIECES
    starts = (middles - _PIECE / 2).astype(int) // STEP * STEP
    return (starts[:, None] + np.arange(_PIECE)).reshape(-1)
