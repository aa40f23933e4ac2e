"""The program `drp-jax`: chooses the command, if what the extra `commands` installs is there."""

import importlib.util
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import drp_jax
from drp_jax.starting import PROGRAM, raise_again

if TYPE_CHECKING:
    import click

EXTRA = {
    "click": "click",
    "matplotlib": "matplotlib",
    "rich": "rich",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
"""What the commands import beyond the library, and the names to install it by."""


def main(argv: Sequence[str] | None = None) -> int:
    missing = [name for module, name in EXTRA.items() if importlib.util.find_spec(module) is None]
    if missing:
        print(
            f"{PROGRAM}: error: the commands need {', '.join(missing)}; accepted: after "
            "pip install 'drp_jax[commands]'",
            file=sys.stderr,
        )
        return 2
    from drp_jax.commands import options

    program = commands()
    raise_again()
    return options.run(program, argv, program=PROGRAM)


def commands() -> "click.Group":
    """All commands; what they import may be missing, so that nothing of it is imported above."""
    from drp_jax.commands import options
    from drp_jax.commands.app import app
    from drp_jax.commands.deblur import deblur
    from drp_jax.commands.denoise import denoise
    from drp_jax.commands.inpaint import inpaint
    from drp_jax.commands.reconstruct import reconstruct
    from drp_jax.commands.super_resolve import super_resolve
    from drp_jax.commands.sweep import sweep

    return options.group(
        [denoise, inpaint, super_resolve, deblur, reconstruct, sweep, app],
        help="Restore a photograph or reconstruct a measured image, without any training data.",
        version=f"{PROGRAM} {drp_jax.__version__}",
    )
