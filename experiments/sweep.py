"""Many runs by one plan: `python -m experiments.sweep run plan.yaml --out results`.

The same as `drp-jax sweep run plan.yaml --out results`.
"""

import sys

from drp_jax.commands.sweep import main

if __name__ == "__main__":
    sys.exit(main())
