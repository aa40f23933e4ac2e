import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import InputError
from drp_jax.untrained import HourglassConfig, Upsampling

ONE_SCALE = HourglassConfig(widths_down=(4,), widths_up=(6,), widths_skip=(2,))
FIVE_SCALES = HourglassConfig(
    widths_down=(4,) * 5, widths_up=(4,) * 5, widths_skip=(0, 2) * 2 + (2,)
)
LARGE_HOLES = HourglassConfig(
    widths_down=(4, 4, 4),
    widths_up=(4, 4, 4),
    widths_skip=(0, 0, 0),
    filter_size_down=5,
    upsampling=Upsampling.NEAREST,
    pointwise_up=False,
)


def generate(config, height, width, *, in_channels=3, out_channels=3):
    seed = jax.random.normal(jax.random.key(1), (height, width, in_channels))
    generator = config(seed.shape, (height, width, out_channels), rngs=nnx.Rngs(0))
    return jax.jit(lambda seed: generator(seed))(seed)


@pytest.mark.parametrize("size", [(8, 8), (9, 11), (17, 8), (33, 31)])
@pytest.mark.parametrize("config", [ONE_SCALE, FIVE_SCALES, LARGE_HOLES])
def test_any_size_from_8_up_keeps_its_size(config, size):
    image = generate(config, *size)
    assert image.shape == (*size, 3)
    assert np.isfinite(image).all()


def test_output_channels_and_no_range():
    """The sigmoid is the method's."""
    image = generate(ONE_SCALE, 8, 8, in_channels=2, out_channels=1)
    assert image.shape == (8, 8, 1)
    assert image.min() < 0 or image.max() > 1


def test_a_filter_size_and_a_width_show_in_the_kernels():
    generator = LARGE_HOLES((8, 8, 3), (8, 8, 3), rngs=nnx.Rngs(0))
    assert generator.scale.down.conv.kernel[...].shape == (5, 5, 3, 4)
    assert generator.scale.up.conv.kernel[...].shape == (3, 3, 4, 4)
    assert generator.scale.pointwise is None
    wider = LARGE_HOLES.with_width(9)((8, 8, 3), (8, 8, 3), rngs=nnx.Rngs(0))
    assert wider.scale.inner.across.conv.kernel[...].shape == (5, 5, 9, 9)


def test_two_keys_give_two_networks_and_vmap_draws_them_together():
    def draw(key):
        generator = ONE_SCALE((8, 8, 3), (8, 8, 3), rngs=nnx.Rngs(key))
        return generator(jnp.ones((8, 8, 3)) * jnp.arange(8.0)[:, None, None])

    keys = jax.random.split(jax.random.key(0), 2)
    together = jax.jit(jax.vmap(draw))(keys)
    np.testing.assert_allclose(together[0], jax.jit(draw)(keys[0]), atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths_down": ()}, r"widths_down is \(\); accepted: one or more whole numbers"),
        ({"widths_up": (8, 8)}, r"widths_up is \(8, 8\); accepted: 5 whole numbers from 1 up"),
        ({"widths_skip": (-1,) * 5}, r"widths_skip is \(-1, .*accepted: 5 whole numbers from 0"),
        ({"filter_size_down": 4}, "filter_size_down is 4; accepted: odd, from 1 up"),
        ({"upsampling": "cubic"}, "(?i)upsampling is 'cubic'; accepted: .*bilinear, .*nearest"),
    ],
)
def test_bad_configurations_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        HourglassConfig(**arguments)
