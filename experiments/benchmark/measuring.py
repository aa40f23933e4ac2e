"""What measurements share: flags, as fields of their arguments, and times taken by turns."""

import functools
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import jax

from drp_jax.commands import options
from experiments.photographs import DATA

Name = TypeVar("Name")

whole = functools.partial(options.whole, least=1)
size = functools.partial(options.whole, "Side of the images in pixels.")
width = functools.partial(whole, "Channels per scale of the network.")
iterations = functools.partial(whole, "Limit on a network's iterations.")
repeats = functools.partial(whole, "Times that each is timed, by turns.")
photographs = functools.partial(whole, "How many of the photographs.")
draws = functools.partial(whole, "Draws of noise, gaps and keys for each.")
only = functools.partial(options.choice, help="Run this one only.", shown="all", metavar="NAME")


def data() -> pathlib.Path:
    return options.file("Folder of the images that are not in the checkout.", DATA)


def output(shown: str = "not written") -> pathlib.Path | None:
    return options.file("Where to write the JSON.", shown=shown)


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes until its arrays are there."""
    begun = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - begun


def by_turns(works: Mapping[Name, Callable[[], object]], repeats: int) -> dict[Name, list[float]]:
    """The seconds of some works, which have run before: one of each, then again.

    So what else the machine does meets all alike.
    """
    times: dict[Name, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work))
    return times
