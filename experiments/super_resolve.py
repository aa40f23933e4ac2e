"""Enlarge a photograph: `python -m experiments.super_resolve --image x.png`.

The same as `drp-jax super-resolve --image x.png`.
"""

import sys

from drp_jax.commands.super_resolve import main

if __name__ == "__main__":
    sys.exit(main())
