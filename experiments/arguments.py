"""The command line: flags shared by all commands, and parsing with one-line errors."""

import contextlib
import dataclasses
import io
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Protocol, TypeVar

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from drp_jax import InputError, Precision, Settings, preset
from drp_jax.presets import completed

Parsed = TypeVar("Parsed")


class HasName(Protocol):
    """An entry of a table that `--only` selects from."""

    @property
    def name(self) -> str: ...


Named = TypeVar("Named", bound=HasName)

MOST_SEED = 2**32 - 1


def option(convert: Callable, metavar: str, kind: str, help: str, default: str | None = None):
    """Annotation of an optional flag.

    Args:
      convert: makes the value from its text, or raises ValueError.
      metavar: the value's name in the help.
      kind: what is accepted, for the error message.
      help: what the flag does, with units.
      default: words for the default where it is no fixed value.
    """

    def from_text(texts: list[str]):
        try:
            return convert(texts[0])
        except ValueError:
            raise ValueError(f"{texts[0]!r} is not {kind}") from None

    return (
        PrimitiveConstructorSpec(
            nargs=1,
            metavar=metavar,
            instance_from_str=from_text,
            is_instance=lambda _: True,
            str_from_instance=lambda value: [str(value)],
        ),
        tyro.conf.arg(help=help, help_behavior_hint=f"(default: {default})" if default else None),
    )


def file(help: str, default: str | None = None):
    return option(pathlib.Path, "PATH", "a path", help, default)


def whole(help: str, default: str | None = None):
    return option(int, "N", "a whole number", help, default)


def random_seed():
    return option(
        _seed_in_range,
        "N",
        f"a whole number from 0 to {MOST_SEED}",
        "Number that fixes all random draws, from 0 up.",
    )


def _seed_in_range(text: str) -> int:
    seed = int(text)
    if not 0 <= seed <= MOST_SEED:
        raise ValueError
    return seed


def number(help: str, default: str | None = None):
    return option(float, "X", "a number", help, default)


def flag(help: str):
    """Annotation of a flag that is given or not."""
    return tyro.conf.arg(help=help)


@dataclasses.dataclass(frozen=True)
class FitArguments:
    """Flags of every command that restores an image."""

    image: Annotated[
        pathlib.Path | None,
        *file(
            "The degraded image, gray or RGB, at least 8 x 8 pixels.",
            "a bundled photograph that is degraded first",
        ),
    ] = None
    output: Annotated[
        pathlib.Path | None,
        *file("Where to write the restored image.", "<name>_restored.png beside the input"),
    ] = None
    reference: Annotated[
        pathlib.Path | None,
        *file("The clean image, if known: reports PSNR and SSIM, before and after.", "none"),
    ] = None
    method: Annotated[
        str | None,
        *option(
            str,
            "NAME",
            "a name",
            "The method: non-local, or a network: drp-dip, drp-dd, dip or dd.",
            "non-local; drp-dip with --preset paper",
        ),
    ] = None
    preset: Annotated[
        str | None,
        *option(
            str,
            "NAME",
            "a name",
            "Its settings: fast, default or best; of a network paper (as published) or fast; dip "
            "has variants of paper.",
            "default; fast for a network",
        ),
    ] = None
    iterations: Annotated[
        int | None, *whole("Limit on the iterations, from 1 up.", "of the preset")
    ] = None
    learning_rate: Annotated[
        float | None, *number("Adam's learning rate, above 0.", "of the preset")
    ] = None
    tv_weight: Annotated[
        float | None, *number("Weight of total variation, from 0 up.", "of the preset")
    ] = None
    width: Annotated[
        int | None, *whole("Channels per scale of the network, from 1 up.", "of the preset")
    ] = None
    precision: Annotated[
        str,
        *option(str, "NAME", "a name", "Arithmetic of the network: float32, tf32 or bfloat16."),
    ] = "float32"
    rematerialise: Annotated[
        bool, flag("Compute parts of the network twice instead of keeping them in memory.")
    ] = False
    seed: Annotated[int, *random_seed()] = 0
    figure: Annotated[
        pathlib.Path | None,
        *file("Where to draw the images side by side, and the loss and PSNR curves.", "none"),
    ] = None
    metrics: Annotated[
        pathlib.Path | None,
        *file("Where to write scores, times and settings as JSON.", "none"),
    ] = None
    compilation_cache: Annotated[
        bool, flag("Keep compiled programs in the user's cache folder for the next start.")
    ] = True

    @property
    def preset_name(self) -> str:
        """The preset, also where it was left out."""
        return completed(self.preset, self.method)[0]

    def settings(self, task: str) -> Settings:
        """The preset for the task with the flags that were given.

        Raises:
          InputError: if a name is unknown or a value out of its range.
        """
        return preset(self.preset, method=self.method, task=task).adjusted(
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            regularizer_weight=self.tv_weight,
            width=self.width,
            precision=self._precision(),
            rematerialise=self.rematerialise,
        )

    def _precision(self) -> Precision:
        require_name(self, "precision", Precision)
        return Precision(self.precision)


def require_range(parsed: object, name: str, least: int, most: int | None = None) -> None:
    """Raises InputError unless a parsed flag lies in a range."""
    value = getattr(parsed, name)
    if value < least or (most is not None and value > most):
        accepted = f"from {least} up" if most is None else f"from {least} to {most}"
        raise InputError(f"--{name.replace('_', '-')} is {value}; accepted: {accepted}")


def require_name(parsed: object, name: str, accepted: Iterable[str]) -> None:
    """Raises InputError unless a parsed flag is None or one of the names."""
    value, names = getattr(parsed, name), list(accepted)
    if value is not None and value not in names:
        raise InputError(f"--{name} is {value!r}; accepted: {', '.join(names)}")


def given(*paths: pathlib.Path | None) -> tuple[pathlib.Path, ...]:
    """Those of the paths that are not None."""
    return tuple(path for path in paths if path is not None)


def select(entries: Sequence[Named], only: str | None) -> list[Named]:
    """The entry called `only`, or all of them if it is None.

    Raises:
      InputError: if no entry has that name.
    """
    chosen = [entry for entry in entries if only in (None, entry.name)]
    if not chosen:
        names = ", ".join(entry.name for entry in entries)
        raise InputError(f"--only is {only!r}; accepted: {names}")
    return chosen


def parse(
    kind: type[Parsed], arguments: Sequence[str] | None, *, program: str, description: str
) -> Parsed:
    """The command line as an instance of a dataclass.

    Raises:
      InputError: if an argument is unknown or malformed, in one line.
      SystemExit: after printing the help that was asked for.
    """
    # Plain streams, so that the frame around tyro's complaint has one form on any terminal.
    help_text, complaint = _plain_stream(), _plain_stream()
    try:
        with contextlib.redirect_stdout(help_text), contextlib.redirect_stderr(complaint):
            return tyro.cli(
                kind,
                args=arguments,
                prog=f"python -m experiments.{program}",
                description=description,
            )
    except SystemExit as end:
        if end.code in (None, 0):
            print(_content(help_text))
            raise
        raise InputError(_one_line(_content(complaint))) from None


def run(command: Callable[[], int], *, program: str) -> int:
    """Runs a command and gives its exit status: 2 after bad input, 130 after Ctrl-C."""
    try:
        return command()
    except InputError as error:
        line = str(error).replace("\n", "\\n")
        print(f"{program}: error: {line}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone; the files are written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"{program}: interrupted before everything was written", file=sys.stderr)
        # An orderly exit would wait for, or crash in, a compilation that is still running.
        sys.stderr.flush()
        os._exit(130)


def _plain_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _content(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _one_line(box: str) -> str:
    """The text of tyro's framed error message up to its first rule or empty line."""
    words: list[str] = []
    for line in box.splitlines()[1:]:
        content = line.strip("│╭╰╮╯ ")
        if not content.strip("─"):
            break
        words += content.split()
    return " ".join(words) + "; accepted: flags and their values, like --image x.png (see --help)"
