"""The flags of every command that restores an image, and the method that they ask for."""

import dataclasses
import pathlib
from typing import Any, ClassVar, Self

from drp_jax import InputError, Method, preset, read_image
from drp_jax.commands import options, values
from drp_jax.commands.inputs import companion
from drp_jax.images.memory import in_bytes
from drp_jax.presets import completed, names
from drp_jax.untrained import Precision

_FIELDS = {
    "iterations": "iterations",
    "learning_rate": "learning_rate",
    "regularizer_weight": "tv_weight",
    "width": "width",
    "ema_decay": "ema_decay",
    "precision": "precision",
    "rematerialise": "rematerialise",
    "seed": "seed_image",
    "strength": "strength",
    "projectors": "projectors",
}
"""The fields of what a method's `adjusted` takes, by its name there; a command has some of them."""


def methods_of(*tasks: str) -> tuple[str, ...]:
    """The names of the methods that have presets for all of these tasks."""
    return tuple(method for method, known in names().items() if set(tasks) <= set(known))


def preset_option(shown: str) -> Any:
    """The flag of the settings by name; `shown` says which they are where it is left out."""
    help = "Its settings, by name; which a method has is said below."
    return options.option(str, "NAME", "a name", help, shown=shown)


def projectors_option() -> Any:
    """The flag of how many networks are fitted side by side."""
    return options.whole(
        "How many networks are fitted side by side, from 1 up: the image is their mean, and how "
        "far they are apart its uncertainty.",
        shown="of the preset",
    )


@dataclasses.dataclass(frozen=True)
class MethodArguments:
    """How to restore, and what to write about it."""

    method: str | None = options.choice(
        methods_of("denoise", "super-resolve", "inpaint"),
        "The method: non-local filtering, or an untrained network.",
        shown="non-local; drp-dip with --preset paper",
    )
    preset: str | None = preset_option("default; fast for a network")
    iterations: int | None = options.whole(
        "Limit on the iterations, or a filter's steps, from 1 up.", shown="of the preset"
    )
    learning_rate: float | None = options.number(
        "Adam's learning rate, above 0; of networks.", shown="of the preset"
    )
    tv_weight: float | None = options.number(
        "Weight of total variation, from 0 up; of networks.", shown="of the preset"
    )
    width: int | None = options.whole(
        "Channels per scale of the network, from 1 up.", shown="of the preset"
    )
    ema_decay: float | None = options.number(
        "Weight of the past in the average of a network's outputs, from 0 (no average) to below 1.",
        shown="of the preset",
    )
    precision: str | None = options.choice(Precision, "Arithmetic of the network.", shown="float32")
    rematerialise: bool = options.flag(
        "Compute parts of the network twice instead of keeping them in memory."
    )
    seed: int = options.random_seed()
    figure: pathlib.Path | None = options.file(
        "Where to draw the images side by side, and the curves of the run, as PNG.", shown="none"
    )
    metrics: pathlib.Path | None = options.file(
        "Where to write scores, times and settings as JSON.", shown="none"
    )
    compilation_cache: bool = options.flag(
        "Keep compiled programs in the user's cache folder for the next start.", True
    )

    def preset_name(self, task: str) -> str:
        """The preset for a task, also where it was left out."""
        return completed(self.preset, self.method, task)[0]

    def chosen_method(self, task: str) -> Method:
        """The preset for the task with the flags that were given.

        Args:
          task: as `preset`.

        Raises:
          InputError: if a name is unknown, a value out of its range, the file of a seed unusable,
            or a flag means nothing for the method.
        """
        method = preset(self.preset, method=self.method, task=task)
        every = {name: getattr(self, field) for name, field in self._fields().items()}
        # None, or False of a switch, is not given; 0 is.
        given = {name: one for name, one in every.items() if one is not None and one is not False}
        for name, value in given.items():
            self._require_meaning(method, name, value)
        if "seed" in given:
            given["seed"] = read_image(given["seed"]).image
        # Total variation comes first: with a weight fewer iterations are enough.
        for name in sorted(given, key=lambda name: name != "regularizer_weight"):
            try:
                method = method.adjusted(**{name: given[name]})
            except InputError as error:
                raise InputError(f"{_flag(name)}: {error}") from None
        return method

    def _fields(self) -> dict[str, str]:
        """Those of `_FIELDS` that this command has."""
        return {name: field for name, field in _FIELDS.items() if hasattr(self, field)}

    def _require_meaning(self, method: Method, name: str, value: Any) -> None:
        """Raises InputError unless the method takes what is called `name` there."""
        taken = method.adjustments()
        if name not in taken:
            accepted = ", ".join(_flag(known) for known in self._fields() if known in taken)
            raise InputError(
                f"{_flag(name)} is {value}, and method {method.name} takes none; accepted: "
                f"{accepted}, or another method"
            )


@dataclasses.dataclass(frozen=True)
class PhotographFiles:
    """The pictures that are restored, and where to; `image` is the one of them that is at work."""

    images: tuple[pathlib.Path, ...] = options.files(
        "A degraded image, gray or RGB, at least 8 x 8 pixels; a folder of images; or a pattern "
        "like 'photos/*.jpg'. May be repeated; a path without the flag is the same.",
        flag="image",
        shown="a bundled photograph that is degraded first",
    )
    output: pathlib.Path | None = options.file(
        "Where to write the restored image.", shown="<name>_restored.png beside the input"
    )
    output_dir: pathlib.Path | None = options.file(
        "The folder to write the restored images to, sub-folders kept.", shown="beside each input"
    )
    overwrite: bool = options.flag(
        "Of several images, restore also those whose result is there already."
    )
    reference: pathlib.Path | None = options.file(
        "The clean image, if known, or a folder of them with the names of the images: reports PSNR "
        "and SSIM, before and after.",
        shown="none",
    )
    range: tuple[float, float] | None = options.option(
        values.pair,
        "LOW,HIGH",
        "two numbers, the smaller first, like -1000,3000",
        "The values of the file that are black and white.",
        shown="0 to 1 of floats, all of 8 or 16 bits, else the least and the greatest value",
    )
    pages: tuple[int, ...] | None = options.option(
        values.places,
        "N,N",
        "whole numbers from 0 up, like 0 or 0,1,2",
        "Of a file with several pages or frames, which, from 0: one, or gray ones that are "
        "restored together.",
        shown="none, and such a file is refused",
    )
    quality: int | None = options.whole(
        "Of a .jpg, .webp or .avif that is written, from 1 to 100.",
        shown="that of the input if both are JPEG, else 95",
        least=1,
        most=100,
    )
    image: pathlib.Path | None = None
    companions: ClassVar[tuple[str, ...]] = ("reference",)
    """The fields with what goes with one picture: a file, or a folder with one of each name."""

    def of_one(self, path: pathlib.Path, name: pathlib.Path) -> Self:
        """The same for one picture alone.

        Args:
          path: the picture.
          name: its place among all that are restored, by which what goes with it is found.

        Raises:
          InputError: if a folder does not hold what goes with it.
        """
        found: dict[str, Any] = {
            one: companion(getattr(self, one), name, one) for one in self.companions
        }
        return dataclasses.replace(self, image=path, **found)


@dataclasses.dataclass(frozen=True)
class RestoreArguments(MethodArguments, PhotographFiles):
    """The flags of a command that restores a photograph; it adds its own.

    Those of the class named last come first in the help.
    """

    figure: pathlib.Path | None = options.file(
        "Where to draw the images side by side, and the curves of the run, as PNG; of several "
        "images, the folder for all the drawings.",
        shown="none",
    )
    metrics: pathlib.Path | None = options.file(
        "Where to write scores, times and settings as JSON; of several images, a line each.",
        shown="none",
    )
    ray: str | None = options.option(
        str,
        "ADDRESS",
        "an address",
        "Restore several images on this Ray cluster: auto, HOST:PORT, ray://HOST:PORT, or local to "
        "start one here.",
        shown="in this process",
    )
    memory: int | None = options.option(
        in_bytes,
        "BYTES",
        "a number of bytes above 0, like 500M or 4G",
        "Most memory to take, like 500M or 4G: a filter restores what is too large for it in "
        "tiles, and a network refuses it.",
        shown="half of what is free; of a network all",
    )
    checkpoint: pathlib.Path | None = options.file(
        "Where to keep the run of a network as it goes, so that the same command goes on after a "
        "crash; removed when the image is written.",
        shown="none",
    )
    checkpoint_every: float = options.number(
        "Seconds between two states that are kept, above 0.", 60.0
    )


def presets_of(task: str) -> str:
    """The presets that every method has for a task, as lines for the end of a help."""
    known, methods = names(), methods_of(task)
    longest = max(map(len, methods))
    lines = [
        f"--method {method:<{longest}} --preset {', '.join(known[method][task])}"
        for method in methods
    ]
    # The mark tells click to keep the lines as they are.
    return "\n".join(("\b", "Presets of the methods:", *lines))


def _flag(name: str) -> str:
    """The flag of what a method's `adjusted` calls so."""
    return f"--{_FIELDS[name].replace('_', '-')}"
