"""The command line: a dataclass whose fields are flags becomes a command of click.

    @dataclasses.dataclass(frozen=True)
    class Arguments:
        image: pathlib.Path | None = options.file("The image.", shown="a photograph")
        size: int = options.whole("Its side in pixels.", 256, least=8)

    @options.command("measure", Arguments, help=__doc__)
    def measure(parsed: Arguments) -> int:
        "Measure something."

    def main(argv: Sequence[str] | None = None) -> int:
        return options.run(measure, argv, program="measure")

A field `learning_rate` is the flag `--learning-rate`. What is not accepted is answered in one line.
"""

import dataclasses
import errno
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from drp_jax.commands import values
from drp_jax.errors import InputError, meant

Parsed = TypeVar("Parsed")

WIDEST_HELP = 100
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says of an output that takes no more."""
_OPTION = "option"
_NAMED = "named"
_CALLED = f"{__name__}.called"
_ALIKE = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST_HELP}


def option(
    convert: Callable[[str], Any],
    metavar: str,
    kind: str,
    help: str,
    default: Any = None,
    *,
    shown: str | None = None,
) -> Any:
    """A field that is a flag with a value.

    Args:
      convert: makes the value from its text, or raises ValueError.
      metavar: the value's name in the help.
      kind: what is accepted, for the error message.
      help: what the flag does, with units.
      default: the value where the flag is left out.
      shown: words for the default where it is no fixed value.
    """
    return _field(values.Value(convert, metavar, kind), help, default, shown)


def file(help: str, default: pathlib.Path | None = None, *, shown: str | None = None) -> Any:
    return option(values.path, "PATH", "a path", help, default, shown=shown)


def files(help: str, *, flag: str, shown: str) -> Any:
    """A field that is a tuple of paths: those of a flag that may be repeated, and all else given.

    Args:
      help: what is done with them.
      flag: the flag's name.
      shown: words for the default, which is none.
    """
    made = _field(values.Value(values.path, "PATH", "a path"), help, (), shown, multiple=True)
    return dataclasses.field(default=(), metadata={**made.metadata, _NAMED: flag})


def whole(
    help: str,
    default: int | None = None,
    *,
    shown: str | None = None,
    least: int | None = None,
    most: int | None = None,
) -> Any:
    return _field(values.Number(int, "N", "a whole number", least, most), help, default, shown)


def number(
    help: str,
    default: float | None = None,
    *,
    shown: str | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    return _field(values.Number(float, "X", "a number", least, most), help, default, shown)


def random_seed() -> Any:
    return option(
        values.seed,
        "N",
        f"a whole number from 0 to {values.MOST_SEED}",
        "Number that fixes all random draws, from 0 up.",
        0,
    )


def choice(
    names: Iterable[str],
    help: str,
    default: str | None = None,
    *,
    shown: str | None = None,
    metavar: str | None = None,
) -> Any:
    """A field that is one of some names, which the help lists unless there is a `metavar`."""
    return _field(values.Name([str(name) for name in names]), help, default, shown, metavar=metavar)


def flag(help: str, default: bool = False) -> Any:
    """A field that is a flag to be given or not, or given as `--no-...`."""
    return _field(click.BOOL, help, default, "yes" if default else "no", is_flag=True)


def command(
    name: str, kind: type[Parsed], *, help: str | None, epilog: str | None = None
) -> Callable[[Callable[[Parsed], int]], click.Command]:
    """Decorator: a function of an instance of the dataclass `kind` becomes a command.

    Args:
      name: what the command is called.
      kind: a dataclass whose fields are made by the functions above.
      help: what `--help` says above the flags.
      epilog: what it says below them.

    Fields without a flag keep their defaults. The docstring of the function is what a list of
    commands says of it.
    """
    fields = [field for field in dataclasses.fields(kind) if _OPTION in field.metadata]  # type: ignore[arg-type]
    takes_paths = [field.name for field in fields if _NAMED in field.metadata]

    def decorate(action: Callable[[Parsed], int]) -> click.Command:
        def call(**given: Any) -> int:
            context = click.get_current_context()
            others = context.args
            unknown = [one for one in others if one.startswith("-") or not takes_paths]
            if unknown:
                known = [flag for param in context.command.params for flag in param.opts]
                raise InputError(
                    f"Unrecognized options: {', '.join(unknown)}{meant(unknown[0], known)}; "
                    f"accepted: {_accepted(context)}"
                )
            for name in takes_paths:
                given[name] += tuple(map(pathlib.Path, others))
            return action(kind(**given))

        return _Command(
            name,
            callback=call,
            params=[
                click.Option(_declarations(field), **field.metadata[_OPTION]) for field in fields
            ],
            help=help,
            epilog=epilog,
            short_help=action.__doc__,
            options_metavar="[flags] [PATH]..." if takes_paths else "[flags]",
            context_settings={
                **_ALIKE,
                # Kept, so that one message names all of what is unknown.
                "ignore_unknown_options": True,
                "allow_extra_args": True,
            },
        )

    return decorate


class _Command(click.Command):
    """A command that all of its usage errors know, so that they can name its flags."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class _Group(click.Group):
    """Commands in the order given, one of which has to be named; see `group`."""

    def __init__(self, noun: str, **settings: Any):
        super().__init__(**settings)
        self._noun = noun

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        accepted = f"accepted: {', '.join(self.commands)}"
        if not args:
            raise InputError(f"no {self._noun} is named; {accepted}")
        name, *others = args
        if any(name in param.opts for param in self.get_params(ctx)):  # like --help
            return super().parse_args(ctx, args)
        command = name.replace("_", "-")  # as a module is called
        if command not in self.commands:
            guess = meant(name, self.commands)
            raise InputError(f"unknown {self._noun}: {name!r}{guess}; {accepted}")
        # Contexts of groups within groups share it.
        ctx.meta.setdefault(_CALLED, []).append(command)
        return super().parse_args(ctx, [command, *others])


def group(
    commands: Sequence[click.Command],
    *,
    help: str,
    name: str | None = None,
    short_help: str | None = None,
    noun: str = "command",
    version: str | None = None,
) -> click.Group:
    """A command that runs the one of several whose name comes first.

    Args:
      commands: what `command` made, or other groups.
      help: what `--help` says above the list of them.
      name: what it is called where it is itself in a group.
      short_help: what the list of commands there says of it.
      noun: what errors call one of them.
      version: what `--version` prints, or None to have no such flag.
    """
    grouped = _Group(
        noun,
        name=name,
        commands=commands,
        help=help,
        short_help=short_help,
        options_metavar="",
        subcommand_metavar=f"{noun.upper()} [flags]",
        context_settings=_ALIKE,
    )
    return grouped if version is None else click.version_option(message=version)(grouped)


def run(command: click.Command, argv: Sequence[str] | None = None, *, program: str) -> int:
    """Runs a command and gives its exit status: 2 after bad input, 130 after Ctrl-C.

    Args:
      command: what `command` made, or a group of such commands.
      argv: its arguments, by default those of this process.
      program: what errors begin with, followed by the command's name within a group.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    context = None
    try:
        # Not click's `main`, which would answer Ctrl-C and a broken pipe in its own way.
        with command.make_context(_called_as(program), arguments) as context:
            status = command.invoke(context)
        sys.stdout.flush()
        return status
    except click.exceptions.Exit as end:  # the help was asked for
        return end.exit_code
    except click.UsageError as error:
        message = f"{error.message.removesuffix('.')}; accepted: {_accepted(error.ctx)}"
        return _refuse(program, context, message)
    except InputError as error:
        return _refuse(program, context, str(error))
    except BrokenPipeError:  # the reader of our output has gone; the files are written
        _drop_output()
        return 0
    except OSError as error:
        # What is written to files fails with their names, and as an InputError.
        if error.filename is not None or error.errno not in _FULL:
            raise
        _drop_output()
        message = f"standard output cannot be written: {error.strerror}"
        return _refuse(program, context, f"{message}; accepted: an output with room")
    except KeyboardInterrupt:
        print(
            f"{_name(program, context)}: interrupted before everything was written",
            file=sys.stderr,
        )
        # An orderly exit would wait for, or crash in, a compilation that is still running.
        sys.stderr.flush()
        os._exit(130)


def _accepted(context: click.Context | None) -> str:
    """What a command takes, with its first flag as the example."""
    if context is None or not context.command.params:
        return "flags and their values (see --help)"
    first = context.command.params[0]
    example = f"{first.opts[0]} {first.make_metavar(context)}"
    return f"flags and their values, like {example} (see --help)"


def _drop_output() -> None:
    """Sends what is kept of the output, and all else, nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(program: str, context: click.Context | None, message: str) -> int:
    line = message.replace("\n", "\\n")
    print(f"{_name(program, context)}: error: {line}", file=sys.stderr)
    return 2


def _name(program: str, context: click.Context | None) -> str:
    """The program, and the command of a group that was called, or the groups down to it."""
    within = [] if context is None else context.meta.get(_CALLED, [])
    return " ".join((program, *within))


def _called_as(program: str) -> str:
    """What the user typed before the flags, for the line of usage."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return program if spec is None else f"python -m {spec.name.removesuffix('.__main__')}"


def _field(kind: click.ParamType, help: str, default: Any, shown: str | None, **more: Any) -> Any:
    words = shown if shown is not None or default is None else str(default)
    described = help if words is None else f"{help} (default: {words})"
    option = {"type": kind, "help": described, "default": default, **more}
    return dataclasses.field(default=default, metadata={_OPTION: option})


def _declarations(field: dataclasses.Field) -> list[str]:
    name = field.metadata.get(_NAMED, field.name).replace("_", "-")
    on_and_off = field.metadata[_OPTION].get("is_flag", False)
    return [f"--{name}/--no-{name}" if on_and_off else f"--{name}", field.name]
