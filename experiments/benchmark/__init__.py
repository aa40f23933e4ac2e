"""Measurements of this library: `python -m experiments.benchmark --help` lists them."""
