"""Measurements of this library: `python -m experiments.benchmark speed` or `batch`."""
