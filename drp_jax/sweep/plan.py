"""The plan of a sweep: images x degradations x methods with their settings x keys.

images: [photographs/*.png, chelsea]
degradations: [gaussian:25, gaussian:50]
methods:
  - non-local
  - method: drp-dip
    preset: fast
    regularizer_weight: {from: 0.01, to: 1, count: 5, scale: log}
keys: 3
"""

import collections
import dataclasses
import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from drp_jax.checkpoint import described
from drp_jax.errors import InputError, plugged_in, require
from drp_jax.method import Method
from drp_jax.presets import preset
from drp_jax.problem import Problem
from drp_jax.sweep.degradations import Degradation
from drp_jax.sweep.measurements import Shape
from drp_jax.sweep.scores import METRICS, Metric

_KEPT_IMAGES = 8


@dataclasses.dataclass(frozen=True)
class CleanImage:
    """An image to degrade.

    Attributes:
      name: what the table calls it.
      read: gives it, float32 `[H, W, C]` with values in [0, 1].
      read_degraded: gives the degraded picture of the same shape that came with it, if one did, as
        of a camera; the degradation `given` is that picture.
    """

    name: str
    read: Callable[[], np.ndarray]
    read_degraded: Callable[[], np.ndarray] | None = None

    @functools.lru_cache(maxsize=_KEPT_IMAGES)  # noqa: B019, a few images and not the object's life
    def pixels(self) -> np.ndarray:
        return np.asarray(self.read(), np.float32)

    def degraded(self) -> np.ndarray:
        """The degraded picture that came with it.

        Raises:
          InputError: if its shape is another.
        """
        assert self.read_degraded is not None
        degraded, clean = np.asarray(self.read_degraded(), np.float32), self.pixels()
        require(
            degraded.shape == clean.shape,
            f"{self.name}: its degraded picture has shape {degraded.shape}; accepted: "
            f"{clean.shape}, that of the clean one",
        )
        return degraded

    @property
    def shape(self) -> Shape:
        """(H, W, C)."""
        return self._known[0]

    @property
    def size(self) -> str:
        """Its shape in words, like "256 x 256 x 3"."""
        return " x ".join(map(str, self.shape))

    @property
    def digest(self) -> str:
        """What tells one content from another."""
        return self._known[1]

    def read_once(self) -> None:
        """Reads the image, so that shape and digest are known from now on."""
        _ = self._known

    @functools.cached_property
    def _known(self) -> tuple[Shape, str]:
        pixels = self.pixels()
        content = str(pixels.shape).encode() + pixels.tobytes()
        if self.read_degraded is not None:
            content += self.degraded().tobytes()
        return pixels.shape, hashlib.sha256(content).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Variant:
    """A method with some of its settings.

    Attributes:
      name: of the method.
      preset: of its settings, or None for the one that `preset` takes by itself.
      settings: what `adjusted` is given, by name.
      base: a method of one's own, instead of the preset of that name.
      version: what else decides the result, such as the source of a method of one's own.
    """

    name: str
    preset: str | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    base: Method | None = None
    version: str = ""

    @property
    def label(self) -> str:
        """What the table tells it from others by, in words."""
        words = [self.name, *([self.preset] if self.preset else [])]
        settings = json.dumps(dict(self.settings), sort_keys=True)
        return " ".join([*words, *([settings] if self.settings else [])])

    def method(self, task: str) -> Method:
        """The method for a task.

        Raises:
          InputError: if there is no such preset, or a setting is none of its.
        """
        base = self.base or preset(self.preset, method=self.name, task=task)
        with plugged_in(f"`adjusted` of {self.name}", "its settings"):
            return base.adjusted(**self.settings)


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run: what becomes a row of the table."""

    image: CleanImage
    degradation: Degradation
    variant: Variant
    key: int

    @property
    def about(self) -> dict[str, Any]:
        """What the table says of it before it has run."""
        return {
            "image": self.image.name,
            "degradation": self.degradation.name,
            "task": self.degradation.task,
            "method": self.variant.name,
            "preset": self.variant.preset,
            "settings": json.dumps(dict(self.variant.settings)),
            "key": self.key,
        }

    @property
    def inputs_identity(self) -> str:
        """What tells its problem from all others."""
        degradation = self.degradation
        return _digest([self.image.digest, degradation.name, degradation.version, self.key])

    def problem(self) -> Problem:
        """What is left of the image; the key fixes the draws."""
        image, degradation = self.image, self.degradation
        if degradation.takes_degraded:
            return degradation.problem(image.pixels(), image.degraded())
        return degradation.problem(image.pixels(), np.random.default_rng(self.key))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
      images: the clean images.
      degradations: what is done to each.
      variants: what restores it.
      keys: whole numbers from 0 up, each of which fixes the draws of degradation and method.
      metrics: scores of an image beside its reference, by name; reports rank by the first.
      unreadable: why other images could not be read, by their names; they are left out.
    """

    images: tuple[CleanImage, ...]
    degradations: tuple[Degradation, ...]
    variants: tuple[Variant, ...]
    keys: tuple[int, ...] = (0,)
    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=lambda: dict(METRICS))
    unreadable: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("images", "degradations", "variants", "keys", "metrics"):
            require(len(getattr(self, name)) > 0, f"{name} is empty; accepted: one or more")
        names = {
            "images": [one.name for one in self.images],
            "degradations": [one.name for one in self.degradations],
            "methods": [one.label for one in self.variants],
            "keys": [str(one) for one in self.keys],
        }
        for name, every in names.items():
            twice = [one for one, count in collections.Counter(every).items() if count > 1]
            require(not twice, f"{name} has {', '.join(twice)} twice; accepted: every one once")
        for degradation, variant in itertools.product(self.degradations, self.variants):
            variant.method(degradation.task)
        for degradation, image in itertools.product(self.degradations, self.images):
            require(
                image.read_degraded is not None or not degradation.takes_degraded,
                f"{image.name} came without a degraded picture, which {degradation.name} asks for; "
                "accepted: images like {clean: ..., degraded: ...}",
            )

    def runs(self) -> Iterator[PlannedRun]:
        """All runs, those that share a compiled program next to each other."""
        return itertools.chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[PlannedRun]]:
        """The runs of each degradation, method and preset."""
        images = sorted(self.images, key=lambda one: one.shape)
        for degradation, group in itertools.product(self.degradations, self.groups()):
            yield [
                PlannedRun(image, degradation, variant, key)
                for image, variant, key in itertools.product(images, group, self.keys)
            ]

    def identity(self, run: PlannedRun) -> str:
        """What tells a run from all others: all that decides its image, but not its scores."""
        method = run.variant.method(run.degradation.task)
        about = {
            **run.about,
            "pixels": run.image.digest,
            "version": [run.degradation.version, run.variant.version],
            "described": described(method),
            "iterations": int(method.loop.iterations),
        }
        return _digest(about)

    def groups(self) -> list[list[Variant]]:
        """The variants of each method and preset, in order."""
        groups: dict[Any, list[Variant]] = {}
        for variant in self.variants:
            groups.setdefault((variant.name, variant.preset), []).append(variant)
        return list(groups.values())


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def values_of(variants: Iterable[Variant]) -> dict[str, list[Any]]:
    """The values that settings have, each once and in order; None where the preset's is taken."""
    settings = [one.settings for one in variants]
    names = dict.fromkeys(itertools.chain.from_iterable(settings))
    values = {name: [one.get(name) for one in settings] for name in names}
    # Not by a set: a value may be a list, and 1 is not True.
    return {
        name: list({repr(one): one for one in found}.values()) for name, found in values.items()
    }


def variants_of(variant: Variant, settings: Mapping[str, Any]) -> list[Variant]:
    """The variant with every combination of values of the settings, each of which is a list."""
    names = list(settings)
    return [
        dataclasses.replace(variant, settings=dict(zip(names, values, strict=True)))
        for values in itertools.product(*(settings[one] for one in names))
    ]


def spaced(first: float, last: float, count: int, *, is_log: bool) -> list[float]:
    """So many numbers from the first to the last, of equal differences or ratios.

    Raises:
      InputError: if ratios are wanted of numbers that are not above 0.
    """
    if is_log and not (first > 0 and last > 0):
        raise InputError(f"from {first:g} to {last:g} by ratios; accepted: numbers above 0")
    numbers = np.geomspace(first, last, count) if is_log else np.linspace(first, last, count)
    return [float(f"{number:.6g}") for number in numbers]
