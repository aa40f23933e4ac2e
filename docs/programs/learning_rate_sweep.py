"""Four learning rates at once, under `jax.vmap`.

Numbers that a person varies (learning rates, weights, noise levels, averages) are array leaves of
the method, so a sweep is one compiled program. Keys, masks and observations sweep the same way.
"""

import jax
import jax.numpy as jnp

from drp_jax import Status, preset, restore

rows, columns = jnp.meshgrid(*[jnp.linspace(0, 3, 32)] * 2, indexing="ij")
clean = (0.5 + 0.4 * jnp.sin(rows**2) * jnp.cos(2 * columns))[..., None]
noisy = clean + 0.1 * jax.random.normal(jax.random.key(1), clean.shape)

rates = jnp.array([0.001, 0.01, 0.1, 1.0])


def run(rate):
    method = preset("fast", method="drp-dd").adjusted(learning_rate=rate)
    return restore(noisy, key=jax.random.key(0), method=method, reference=clean)


results = jax.vmap(run)(rates)
for number, rate in enumerate(rates):
    curve = results.history["psnr"][number]
    status = Status(int(results.status[number]))
    print(f"rate {rate:5.3f}: {curve[-1]:.2f} dB, best {curve.max():.2f} dB. {status.message}")
