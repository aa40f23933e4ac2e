"""The commands: `python -m experiments.denoise` and its siblings."""

import time

STARTED = time.perf_counter()
"""When the command began: Python has started, nothing of this project is imported yet."""
