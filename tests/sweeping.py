"""A folder with a small plan, and what tests compare of a table."""

import numpy as np
from conftest import make_photograph

from drp_jax.sweep import Store
from drp_jax.sweep.store import COLUMNS

WHEN_AND_WHERE = ("seconds", "compile_seconds", "finished", "environment")
COMPARED = [name for name in COLUMNS if name not in WHEN_AND_WHERE]
PLAN = """
images: [a.npy]
degradations: [{operator: "film:measure"}]
methods:
  - {method: tv, iterations: 2, regularizer_weight: {from: 0.1, to: 0.4, count: 4}}
keys: 5
"""
FILM = "def measure(image):\n    return 2 * image[::2]\n"


def make_plan(folder, film=FILM):
    """A plan of 20 runs, with an operator of its own."""
    np.save(folder / "a.npy", make_photograph(8, 9, 1))
    (folder / "film.py").write_text(film)
    (folder / "plan.yaml").write_text(PLAN)


def rows_of(folder):
    with Store(folder) as store:
        return [{name: row[name] for name in COMPARED} for row in store.rows()]
