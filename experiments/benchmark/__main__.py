"""Chooses the measurement: `python -m experiments.benchmark speed [flags]`."""

import sys
from collections.abc import Sequence

from drp_jax.commands import options
from experiments.benchmark.ablations import ablations
from experiments.benchmark.batch import batch, slices, vmap
from experiments.benchmark.deblurring import deblurring
from experiments.benchmark.filters import filters
from experiments.benchmark.large import large
from experiments.benchmark.noise_spectra import noise_spectra
from experiments.benchmark.noisy import noisy
from experiments.benchmark.profile import convolutions, profile, projection
from experiments.benchmark.reconstruction import reconstruction
from experiments.benchmark.speed import speed
from experiments.benchmark.sweep import sweep
from experiments.benchmark.units import units

COMMANDS = (
    *(speed, filters, noise_spectra, noisy, ablations, batch, vmap, profile),
    *(convolutions, reconstruction, slices, projection, deblurring, large, sweep, units),
)


def main(argv: Sequence[str] | None = None) -> int:
    measurements = options.group(COMMANDS, help="Measurements of this library.", noun="measurement")
    return options.run(measurements, argv, program="benchmark")


if __name__ == "__main__":
    sys.exit(main())
