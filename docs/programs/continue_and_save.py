"""Go on with a run, write it to disk and read it back: all equal one long run, bit for bit on CPU.

A checkpoint holds the arrays. Problem and method may hold functions, so they are given again;
`load` refuses others and names what differs.
"""

import pathlib
import tempfile

import jax
import jax.numpy as jnp

from drp_jax import Problem, load, preset, restore, resume, save

rows, columns = jnp.meshgrid(*[jnp.linspace(0, 3, 32)] * 2, indexing="ij")
clean = (0.5 + 0.4 * jnp.sin(rows**2) * jnp.cos(2 * columns))[..., None]
noisy = clean + 0.1 * jax.random.normal(jax.random.key(1), clean.shape)
problem = Problem(noisy, reference=clean)
method = preset("fast", method="drp-dd").adjusted(iterations=60)
key = jax.random.key(0)

at_once = restore(problem, key=key, method=method)

begun = restore(problem, key=key, method=method.adjusted(iterations=20))
continued = resume(begun, iterations=60)

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "run"
    save(path, begun)
    loaded = load(path, problem=problem, method=method)
from_disk = resume(loaded, iterations=60)

for name, result in {"resumed": continued, "from disk": from_disk}.items():
    is_equal = bool((result.image == at_once.image).all())
    print(f"{name}: {result.iterations} iterations, equal to one run: {is_equal}")
