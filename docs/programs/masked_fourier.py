"""An image from a third of its noisy Fourier coefficients, by an operator of your own.

Any function of an image will do as the operator, and may be complex. This one holds a mask, so it
is a `flax.struct.dataclass`: masks are then array leaves, and another one compiles nothing again.
The method is Deep Random Projector alone. What `restore` takes by itself goes on from its image
with the non-local filter, which wants more pixels than there are here. The noise level is that of
the complex numbers, and `image_shape` is what the operator cannot tell.
"""

import flax.struct
import jax
import jax.numpy as jnp

from drp_jax import Gaussian, Problem, preset, restore
from drp_jax.metrics import psnr
from drp_jax.operators import back_projection


@flax.struct.dataclass
class MaskedFourier:
    mask: jax.Array

    def __call__(self, image):
        return self.mask * jnp.fft.fft2(image[..., 0], norm="ortho")


size, level = 32, 0.02
rows, columns = jnp.meshgrid(*[jnp.linspace(-1, 1, size)] * 2, indexing="ij")
clean = 0.1 + 0.5 * jax.nn.sigmoid(200 * (0.8 - jnp.hypot(rows, 1.3 * columns)))
clean += 0.3 * jax.nn.sigmoid(200 * (0.3 - jnp.hypot(rows - 0.2, columns + 0.1)))
clean = clean[..., None]

frequencies = jnp.abs(jnp.fft.fftfreq(size, 1 / size))
drawn = jax.random.uniform(jax.random.key(1), (size, 1)) < 0.15
operator = MaskedFourier(jnp.where(drawn | (frequencies[:, None] <= 2), 1.0, 0.0))
real, imaginary = jax.random.normal(jax.random.key(2), (2, size, size)) * level / 2**0.5
measured = operator(clean) + operator.mask * (real + 1j * imaginary)

problem = Problem(measured, operator, Gaussian(level), image_shape=clean.shape)
method = preset(method="drp-dip", task="reconstruct")  # which finds its weight
result = restore(problem, key=jax.random.key(0), method=method)
zero_filled = back_projection(problem.operator, problem.observation, problem.image)
print(f"{operator.mask.mean():.0%} of the rows: {result.run.method.name}")
print(f"PSNR {psnr(zero_filled, clean):.2f} dB -> {psnr(result.image, clean):.2f} dB")
