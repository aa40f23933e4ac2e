"""Ctrl-C while the program's modules are imported, which takes seconds, ends it in one line.

Only the program is meant: `python -m drp_jax`, or the script `drp-jax`. It has to be the first
import of the package, because the package is imported before the program is.
"""

import os
import signal
import sys
from collections.abc import Sequence

PROGRAM = "drp-jax"
_INTERRUPTED = 130


def is_program(words: Sequence[str]) -> bool:
    """Whether a process with this command line is the program.

    Args:
      words: the interpreter and its arguments, as `sys.orig_argv`.
    """
    for flag, name in zip(words[1:], [*words[2:], ""], strict=False):
        if flag == "-m":
            return name == "drp_jax"
        if not flag.startswith("-"):
            return os.path.splitext(os.path.basename(flag))[0] == PROGRAM
    return False


def end_quietly() -> None:
    """Lets Ctrl-C end the process at once with one line on standard error."""
    signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """Lets Ctrl-C raise `KeyboardInterrupt` again, as Python does."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> None:
    # Not by an exception, which an import that is under way may take for its own.
    os.write(2, f"{PROGRAM}: interrupted before anything was read\n".encode())
    os._exit(_INTERRUPTED)


if is_program(sys.orig_argv) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    end_quietly()
