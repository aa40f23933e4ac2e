"""The commands: `python -m experiments.denoise` and its siblings."""
