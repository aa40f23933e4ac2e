"""The command denoise, with the network that is fastest to compile."""

import functools

import command_line

from drp_jax.commands import denoise

SMALL = ["--method", "drp-dd", "--width", "4", "--iterations", "3"]
run = functools.partial(command_line.run, denoise)
refused = functools.partial(command_line.refused, denoise)
