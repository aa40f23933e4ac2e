"""The pictures of a command line: one as it is, several each in its turn."""

import pathlib
from collections.abc import Callable
from typing import TypeVar

from drp_jax import InputError, Method
from drp_jax.commands.arguments import RestoreArguments
from drp_jax.commands.inputs import is_one_file
from drp_jax.commands.many import restore_many_pictures
from drp_jax.commands.restoring import Job, run_job

Parsed = TypeVar("Parsed", bound=RestoreArguments)


def restore_pictures(make_job: Callable[[Parsed], Job], parsed: Parsed, method: Method) -> int:
    """Restores all pictures that are asked for; gives the exit status.

    One file alone, without a folder for the result, is restored as it is; so is the bundled
    photograph if no picture is named.

    Args:
      make_job: the restoration of the picture `image` of the flags.
      parsed: the flags.
      method: how to restore.

    Raises:
      InputError: if nothing can be restored so; of several pictures one that cannot only fails.
    """
    if not parsed.images and parsed.output_dir is not None:
        raise InputError(f"--output-dir is {parsed.output_dir}, and no image is given; see --help")
    is_one = len(parsed.images) < 2 and all(map(is_one_file, parsed.images))
    if not is_one or parsed.output_dir is not None:
        return restore_many_pictures(make_job, parsed, method)
    for path in parsed.images:
        parsed = parsed.of_one(path, pathlib.Path(path.name))
    return run_job(make_job(parsed), parsed, method)
