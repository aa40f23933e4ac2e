"""The two trees of a network: what trains, and what stays as it was drawn.

`trees` is there before a run, during it in the callback, and after it. Gradients and the
optimiser's state exist for the trained tree alone.
"""

import dataclasses

import jax
import jax.numpy as jnp

from drp_jax import Problem, begin, preset, restore

noisy = jax.random.uniform(jax.random.key(1), (32, 32, 1))
problem, key = Problem(noisy), jax.random.key(0)
method = preset(method="drp-dd").adjusted(width=16, iterations=30)

before = begin(problem, method=method, key=key).trees
print(f"the filter of what trains: {[kind.__name__ for kind in method.trainable]}")
print(before.summary())


def loss(trained):
    model = dataclasses.replace(before, trained=trained).model()
    return jnp.mean((jax.nn.sigmoid(model()) - noisy) ** 2)


gradient = jax.grad(loss)(before.trained)
same = jax.tree.structure(gradient) == jax.tree.structure(before.trained)
print(f"the gradient has the structure of the trained tree: {same}")


def moved(trees):
    """The largest change of a value since the start, frozen and trained."""
    changes = jax.tree.map(lambda new, old: float(abs(new - old).max()), trees, before)
    return {name: max(jax.tree.leaves(getattr(changes, name))) for name in ("frozen", "trained")}


during = []  # numbers alone: the arrays of `progress.run` are used up when the run goes on
result = restore(
    problem,
    key=key,
    method=method,
    callback=lambda progress: during.append(moved(progress.run.trees)),
)
print(f"after the first iteration: {during[0]}")
print(f"after the run: {moved(result.trees)}")
