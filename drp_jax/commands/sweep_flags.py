"""What the commands of `drp-jax sweep` share: flags, and the plan that they name."""

import functools
import importlib.resources
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from drp_jax import InputError
from drp_jax.commands import options
from drp_jax.commands.progress import plural
from drp_jax.commands.restoring import bundled_photograph
from drp_jax.errors import meant
from drp_jax.sweep import Plan, read_plan
from drp_jax.sweep.reading import ready_plans
from drp_jax.sweep.running import Left

slots = functools.partial(
    options.whole,
    "Runs side by side in one program.",
    shown="as many as memory holds; one per device on a CPU",
    least=1,
)
compilation_cache = functools.partial(
    options.flag, "Keep compiled programs for the next time.", True
)


def plan() -> tuple:
    return options.files(
        f"A plan in YAML, or a ready one: {', '.join(ready_plans())}.", flag="plan", shown="none"
    )


def how_many(total: int, left: Left, place: str = "") -> str:
    """How many runs a plan has, and how many of them are done."""
    done = f"{plural(total, 'run')}, {total - len(left.runs)} of them done{place}"
    return f"{done}, {len(left.unscored)} of these without a score" if left.unscored else done


def read(paths: Sequence[pathlib.Path]) -> Plan:
    if len(paths) != 1:
        raise InputError(f"{len(paths)} plans are given; accepted: one, like plan.yaml or smoke")
    return read_plan(paths[0], bundled=_bundled)


def _bundled(name: str) -> np.ndarray:
    files = importlib.resources.files("skimage.data").iterdir()
    known = {file.name.partition(".")[0]: file.name for file in files if _is_photograph(file.name)}
    if name not in known:
        raise InputError(
            f"no picture of scikit-image is called {name}{meant(name, known)}; accepted: chelsea, "
            "camera, astronaut, coffee, phantom ..."
        )
    return np.asarray(bundled_photograph(known[name]).image)


def _is_photograph(name: str) -> bool:
    return name.endswith((".png", ".jpg"))


def left_out(plan: Plan) -> Iterator[str]:
    """A line for every image that cannot be read."""
    for name, why in plan.unreadable.items():
        yield f"{name} cannot be read and is left out: {why}"
