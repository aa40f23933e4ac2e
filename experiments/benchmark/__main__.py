"""Chooses the measurement: `python -m experiments.benchmark speed [flags]`."""

import sys
from collections.abc import Sequence

from drp_jax import InputError
from experiments import arguments
from experiments.benchmark import batch, convolutions, ideas, profile, quality, speed

PROGRAM = "benchmark"
MEASUREMENTS = {
    "speed": speed.main,
    "quality": quality.main,
    "ideas": ideas.main,
    "batch": batch.main,
    "profile": profile.main,
    "convolutions": convolutions.main,
}


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    name = given[0] if given else None
    if name in ("-h", "--help"):
        print(f"usage: python -m experiments.benchmark {{{','.join(MEASUREMENTS)}}} [flags]")
        return 0
    if name not in MEASUREMENTS:
        return arguments.run(lambda: _refuse(name), program=PROGRAM)
    return MEASUREMENTS[name](given[1:])


def _refuse(name: str | None) -> int:
    what = "no measurement is named" if name is None else f"unknown measurement: {name!r}"
    raise InputError(f"{what}; accepted: {', '.join(MEASUREMENTS)}")


if __name__ == "__main__":
    sys.exit(main())
