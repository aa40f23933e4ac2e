"""Work on a Ray cluster: tasks, each retried where its worker dies.

    with Cluster("auto") as cluster:
        for tag, result in cluster.results(function, ((tag, argument) for ...)):
            ...

Nothing needs a disk in common: arguments and results travel, and so do the modules of the current
folder, which are of one's own; packages have to be installed on the workers.
"""

import importlib
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, TypeVar

import jax

from drp_jax.errors import InputError, in_a_line

LOCAL = "local"
"""The address that starts a cluster on this machine."""

_RETRIES = 3
_WAIT_SECONDS = 0.5

Tag = TypeVar("Tag")


class Cluster:
    """A cluster that this process is joined to; a context manager.

    Attributes:
      workers: how many tasks it does at once: one for each GPU, where there are some, or core.

    Args:
      address: "auto", "HOST:PORT", "ray://HOST:PORT", or "local" to start one here.

    Raises:
      InputError: if Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str):
        self._ray = _connected(address)
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        self.workers = max(1, gpus or int(resources.get("CPU", 1)))
        self._needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        for module in _modules_of_the_current_folder():
            self._ray.cloudpickle.register_pickle_by_value(module)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def results(
        self,
        function: Callable[[Any], Any],
        arguments: Iterable[tuple[Tag, Any]],
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[Tag, Any]]:
        """What a function gives for arguments, as soon as each is known.

        Args:
          function: what a worker does.
          arguments: pairs of a tag, which stays here, and the argument. The next is asked for when
            there are less than two tasks for each worker.
          is_over: asked often; once it says True, tasks under way are given up.

        Yields:
          The tag with the result, or with the exception that the task ended in after all retries.
        """
        ray = self._ray
        remote = ray.remote(max_retries=_RETRIES, **self._needs)(_done_on_a_worker)
        work = ray.put((function, jax.config.jax_compilation_cache_dir))  # type: ignore[attr-defined]
        waiting = iter(arguments)
        under_way: dict[Any, Tag] = {}
        has_more = True
        while not is_over():
            while has_more and len(under_way) < 2 * self.workers:
                try:
                    tag, argument = next(waiting)
                except StopIteration:
                    has_more = False
                else:
                    under_way[remote.remote(work, argument)] = tag
            if not under_way:
                return
            ready, _ = ray.wait(list(under_way), timeout=_WAIT_SECONDS)
            for reference in ready:
                tag = under_way.pop(reference)
                try:
                    result = ray.get(reference)
                except ray.exceptions.RayError as error:
                    result = error
                yield tag, result
        for reference in under_way:
            ray.cancel(reference, force=True)


def _done_on_a_worker(work: tuple[Callable[[Any], Any], str | None], argument: Any) -> Any:
    function, cache = work
    if cache is not None:
        jax.config.update("jax_compilation_cache_dir", cache)
    return function(argument)


def _modules_of_the_current_folder() -> list[Any]:
    here = pathlib.Path.cwd()
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [
        sys.modules[name]
        for name, file in files.items()
        if file is not None and name != "__main__" and pathlib.Path(file).parent == here
    ]


def _connected(address: str) -> Any:
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise InputError(
            f"--ray is {address}, and Ray is not installed; accepted: pip install 'drp_jax[ray]'"
        ) from None
    own = {"include_dashboard": False} if address == LOCAL else {}
    try:
        with warnings.catch_warnings():
            # JAX warns of forks; those of Ray run another program at once.
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--ray: {address}: no cluster answers ({in_a_line(error)}); accepted: auto, "
            f"HOST:PORT, ray://HOST:PORT, or {LOCAL}"
        ) from None
    return ray
