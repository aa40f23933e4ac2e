"""What is run from the checkout: `python -m experiments.denoise` and its siblings."""
