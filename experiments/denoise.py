"""Denoise a photograph: `python -m experiments.denoise --image x.png`.

The same as `drp-jax denoise --image x.png`.
"""

import sys

from drp_jax.commands.denoise import main

if __name__ == "__main__":
    sys.exit(main())
