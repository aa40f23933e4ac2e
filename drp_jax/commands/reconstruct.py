"""Reconstruct an image from a measurement: `drp-jax reconstruct mri`, `ct` or `matrix`."""

from collections.abc import Sequence

from drp_jax.commands import options
from drp_jax.commands.ct import ct
from drp_jax.commands.matrix import matrix
from drp_jax.commands.mri import mri

PROGRAM = "reconstruct"

reconstruct = options.group(
    [mri, ct, matrix],
    name="reconstruct",
    help="Reconstruct an image from what was measured of it, without any training data.",
    short_help="Reconstruct an image from a measurement.",
    noun="measurement",
)


def main(argv: Sequence[str] | None = None) -> int:
    return options.run(reconstruct, argv, program=PROGRAM)
