"""Chooses the measurement: `python -m experiments.benchmark speed [flags]`."""

import sys
from collections.abc import Sequence

import click

from drp_jax import InputError
from drp_jax.commands import options
from experiments.benchmark.ablations import ablations
from experiments.benchmark.batch import batch, slices, vmap
from experiments.benchmark.filters import filters
from experiments.benchmark.large import large
from experiments.benchmark.noisy import noisy
from experiments.benchmark.profile import convolutions, profile, projection
from experiments.benchmark.quality import quality
from experiments.benchmark.real_noise import real_noise
from experiments.benchmark.reconstruction import reconstruction
from experiments.benchmark.speed import speed
from experiments.benchmark.sweep import sweep

COMMANDS = (
    *(speed, filters, quality, noisy, real_noise, ablations, batch, vmap, profile),
    *(convolutions, reconstruction, slices, projection, large, sweep),
)


class Measurements(click.Group):
    """A group that keeps the order of its commands, and names them where none is known."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            what = f"unknown measurement: {args[0]!r}" if args else "no measurement is named"
            raise InputError(f"{what}; accepted: {', '.join(self.commands)}")
        return super().parse_args(ctx, args)


def main(argv: Sequence[str] | None = None) -> int:
    context = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    usage = "MEASUREMENT [flags]"
    group = Measurements(commands=COMMANDS, subcommand_metavar=usage, context_settings=context)
    return options.run(group, argv, program="benchmark")


if __name__ == "__main__":
    sys.exit(main())
