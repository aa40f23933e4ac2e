"""Sharpen a photograph: `python -m experiments.deblur --image x.png --kernel gaussian:1.6`.

The same as `drp-jax deblur --image x.png --kernel gaussian:1.6`.
"""

import sys

from drp_jax.commands.deblur import main

if __name__ == "__main__":
    sys.exit(main())
