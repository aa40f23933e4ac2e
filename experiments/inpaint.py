"""Fill in missing pixels: `python -m experiments.inpaint --image x.png`.

The same as `drp-jax inpaint --image x.png`.
"""

import sys

from drp_jax.commands.inpaint import main

if __name__ == "__main__":
    sys.exit(main())
