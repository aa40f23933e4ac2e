"""`python -m drp_jax` is the program `drp-jax`."""

import sys

from drp_jax.commands.program import main

if __name__ == "__main__":
    sys.exit(main())
