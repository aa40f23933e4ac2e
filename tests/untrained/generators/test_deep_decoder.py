import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from drp_jax import InputError
from drp_jax.untrained import DeepDecoderConfig, NormAffine, Upsampling, Weight
from drp_jax.untrained.generators import seed_size
from drp_jax.untrained.generators.deep_decoder import DecoderBlock

SMALL = DeepDecoderConfig(width=4, upsamplings=2)


def draw_seed(config, height, width, channels=3):
    shape = (*seed_size(config, (height, width, channels)), channels)
    return jax.random.uniform(jax.random.key(1), shape)


def generate(config, height, width, channels=3, key=0):
    seed = draw_seed(config, height, width)
    generator = config(seed.shape, (height, width, channels), rngs=nnx.Rngs(key))
    return jax.jit(lambda seed: generator(seed))(seed)


def decode(generator, config, seed):
    """The formula in the module's docstring, in NumPy and float64."""

    def norm(image, affine):
        mean, variance = image.mean(axis=(0, 1)), image.var(axis=(0, 1))
        scale, bias = (np.asarray(one[...], np.float64) for one in (affine.scale, affine.bias))
        return (image - mean) / np.sqrt(variance + 1e-5) * scale + bias

    image = np.asarray(seed, np.float64)
    for block in [*generator.blocks, generator.last_block]:
        image = image @ np.asarray(block.conv.kernel[...], np.float64)[0, 0]
        if block is not generator.last_block:
            if config.upsampling is Upsampling.NEAREST:
                image = np.kron(image, np.ones((2, 2, 1)))
            else:
                height, width, channels = image.shape
                doubled = (2 * height, 2 * width, channels)
                image = np.asarray(jax.image.resize(image, doubled, "bilinear"), np.float64)
        if config.norm_first:
            image = np.maximum(norm(image, block.norm), 0)
        else:
            image = norm(np.maximum(image, 0), block.norm)
    return image @ np.asarray(generator.output.kernel[...], np.float64)[0, 0]


@pytest.mark.parametrize(
    ("size", "upsamplings"),
    [((8, 8), 5), ((9, 8), 0), ((33, 31), 5), ((45, 51), 2)],
)
def test_any_size_keeps_its_size(size, upsamplings):
    image = generate(DeepDecoderConfig(width=4, upsamplings=upsamplings), *size)
    assert image.shape == (*size, 3)
    assert np.isfinite(image).all()


@pytest.mark.parametrize("upsampling", Upsampling)
@pytest.mark.parametrize("norm_first", [False, True])
def test_the_output_is_that_of_the_formula(upsampling, norm_first):
    config = DeepDecoderConfig(width=4, upsamplings=2, upsampling=upsampling, norm_first=norm_first)
    generator = config((4, 3, 3), (13, 10, 2), rngs=nnx.Rngs(0))
    for block in generator.blocks:
        block.norm.scale[...] = jnp.array([0.5, 1.0, 1.5, 2.0])
        block.norm.bias[...] = jnp.array([0.1, -0.1, 0.2, -0.2])
    seed = draw_seed(config, 13, 10)
    assert seed.shape == (4, 3, 3)
    # Made at 16 x 12 and cut to 13 x 10, the odd row of the surplus at the end.
    expected = decode(generator, config, seed)[1:14, 1:11]
    image = jax.jit(lambda seed: generator(seed))(seed)
    np.testing.assert_allclose(image, expected, atol=1e-5)


def test_nearest_and_bilinear_upsampling_differ_in_blocks():
    seed = draw_seed(SMALL, 8, 8)

    def block_range(upsampling):
        config = DeepDecoderConfig(width=4, upsamplings=2, upsampling=upsampling)
        generator = config(seed.shape, (8, 8, 3), rngs=nnx.Rngs(0))
        image = jax.jit(lambda seed: generator(seed))(seed)
        return np.ptp(np.asarray(image).reshape(2, 4, 2, 4, 3), axis=(1, 3)).max()

    assert block_range(Upsampling.NEAREST) == 0
    assert block_range(Upsampling.BILINEAR) > 0.01


@pytest.mark.parametrize(
    ("upsamplings", "size", "expected"),
    [
        (0, (9, 8), (9, 8)),
        (2, (8, 9), (2, 3)),
        (3, (45, 51), (6, 7)),
        (5, (512, 768), (16, 24)),
        (5, (8, 33), (1, 2)),
    ],
)
def test_the_seed_is_halved_per_upsampling_and_rounded_up(upsamplings, size, expected):
    assert seed_size(DeepDecoderConfig(upsamplings=upsamplings), (*size, 3)) == expected


def test_the_norm_comes_after_the_relu_or_before_it():
    image = jax.random.normal(jax.random.key(0), (6, 5, 3))

    def outputs(norm_first):
        config = DeepDecoderConfig(width=8, norm_first=norm_first)
        block = DecoderBlock(config, 3, Upsampling.BILINEAR, rngs=nnx.Rngs(0))
        return np.asarray(jax.jit(lambda image: block(image))(image))

    first = outputs(norm_first=True)
    assert first.shape == (12, 10, 8)
    assert first.min() == 0 < first.max()
    after = outputs(norm_first=False)
    assert after.min() < -0.1
    np.testing.assert_allclose(after.mean(axis=(0, 1)), 0, atol=1e-5)


def test_output_channels_and_no_range():
    """The sigmoid is the method's."""
    image = generate(SMALL, 8, 9, channels=1)
    assert image.shape == (8, 9, 1)
    assert image.min() < 0 or image.max() > 1


def test_another_width():
    config = DeepDecoderConfig(width=4, upsamplings=2, norm_first=True)
    wider = config.with_width(9)
    assert wider == DeepDecoderConfig(width=9, upsamplings=2, norm_first=True)
    generator = wider((2, 2, 3), (8, 8, 1), rngs=nnx.Rngs(0))
    kernels = [block.conv.kernel[...].shape for block in generator.blocks]
    assert kernels == [(1, 1, 3, 9), (1, 1, 9, 9)]
    assert generator.last_block.conv.kernel[...].shape == (1, 1, 9, 9)
    assert generator.output.kernel[...].shape == (1, 1, 9, 1)


@pytest.mark.parametrize("upsamplings", [0, 3])
def test_its_variables(upsamplings):
    config = DeepDecoderConfig(width=6, upsamplings=upsamplings)
    generator = config((2, 2, 4), (16, 16, 3), rngs=nnx.Rngs(0))
    weights, norms = nnx.state(generator, Weight, NormAffine)
    kernels = [leaf.shape for leaf in jax.tree.leaves(weights)]
    # One kernel per layer and one for the output, and no bias among them.
    assert sorted(kernels) == sorted([(1, 1, 4, 6)] + [(1, 1, 6, 6)] * upsamplings + [(1, 1, 6, 3)])
    affines = [leaf.shape for leaf in jax.tree.leaves(norms)]
    assert affines == [(6,)] * 2 * (upsamplings + 1)
    every = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(generator)))
    assert every == 4 * 6 + 36 * upsamplings + 6 * 3 + 12 * (upsamplings + 1)


def test_two_keys_give_two_networks():
    one, same, other = (generate(SMALL, 8, 8, key=key) for key in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width is 0; accepted: whole numbers from 1 to 4096"),
        ({"upsamplings": -1}, "upsamplings is -1; accepted: whole numbers from 0 to 16"),
        ({"upsampling": "cubic"}, "(?i)upsampling is 'cubic'; accepted: .*bilinear, .*nearest"),
        ({"upsampling": "nearest"}, "(?i)upsampling is 'nearest'; accepted: .*bilinear, .*nearest"),
    ],
)
def test_bad_configurations_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        DeepDecoderConfig(**arguments)


def test_a_bad_width_is_named():
    with pytest.raises(InputError, match="width is 0; accepted: whole numbers from 1 to 4096"):
        SMALL.with_width(0)
