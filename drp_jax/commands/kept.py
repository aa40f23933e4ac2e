"""The run of a network kept on disk as it goes, so that the same command goes on after a crash."""

import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import jax

from drp_jax import InputError, Method, Problem, Restoration, Status, load, restore, resume, save
from drp_jax.checkpoint import is_checkpoint
from drp_jax.tiles import TileProgress, require_room


@dataclasses.dataclass(frozen=True)
class Kept:
    """Where and how often a run is kept.

    Attributes:
      path: the folder, see `save`.
      seconds: between two states that are kept.
      seed: what the key of the run was made of; a run of another is refused.
    """

    path: pathlib.Path
    seconds: float
    seed: int

    def check(self, method: Method) -> None:
        """Raises InputError if the run is not worth it, or it cannot be kept there."""
        if method.is_finite_process:
            raise InputError(
                f"--checkpoint is {self.path}, and method {method.name} keeps nothing on the way; "
                "accepted: another method, as drp-dip, dip or dd"
            )
        if not self.seconds > 0:
            raise InputError(f"--checkpoint-every is {self.seconds:g}; accepted: above 0")
        folder = self.path.absolute().parent
        if os.path.lexists(self.path) and not is_checkpoint(self.path):
            raise InputError(
                f"{self.path}: is no checkpoint; accepted: a new path, or that of a checkpoint"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(
                f"{self.path}: cannot be written; accepted: a path in a folder that can be written"
            )

    def restored(
        self,
        problem: Problem,
        *,
        key: jax.Array,
        method: Method,
        memory: int | None,
        callback: Callable[[TileProgress], bool],
    ) -> Restoration:
        """What `restore` gives, from the last state that was kept on; bit for bit on a CPU.

        A run that is ended by the callback is kept too.

        Raises:
          InputError: if the state is that of another picture or other settings.
        """
        about = {"seed": self.seed}
        since, is_over = time.monotonic(), False

        def report(progress: object) -> bool:
            nonlocal is_over
            is_over = callback(TileProgress(1, 1, progress))  # type: ignore[arg-type]
            return is_over or time.monotonic() - since >= self.seconds

        result = None
        if is_checkpoint(self.path):
            result = load(self.path, problem=problem, method=method, about=about)
        require_room(problem, method, key, memory)
        if result is None:
            result = restore(problem, key=key, method=method, callback=report)
            self._keep(result, about)
        while int(result.status) == Status.INTERRUPTED and not is_over:
            since = time.monotonic()
            result = resume(result, iterations=int(method.loop.iterations), callback=report)
            self._keep(result, about)
        return result

    def _keep(self, result: Restoration, about: dict[str, int]) -> None:
        if int(result.status) == Status.INTERRUPTED:
            save(self.path, result, about=about)

    def remove(self) -> None:
        """Removes what was kept."""
        shutil.rmtree(self.path, ignore_errors=True)
