import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_stripes
from flax import struct

from drp_jax import (
    Gaussian,
    InputError,
    NoiseFree,
    Poisson,
    Problem,
    Status,
    advance,
    begin,
    preset,
    restore,
)
from drp_jax.metrics import psnr
from drp_jax.non_local import CollaborativeDenoiser, Filtered, PlugAndPlay
from drp_jax.non_local.plug_and_play import observed_noise
from drp_jax.operators import Blur, Downsample, Mask, filled_back_projection

KEY = jax.random.key(0)
STRIPES = make_stripes()
KNOWN = np.random.default_rng(0).random((32, 32, 1)) < 0.5
MASK = Mask(KNOWN.astype(np.float32))
HOLES = np.where(KNOWN, STRIPES, 0)
PROBLEM = Problem(HOLES, MASK, reference=STRIPES)


def blurred(image, level):
    """A denoiser that is cheap: a mean over 3 x 3 pixels, however much noise there is."""
    return Blur(jnp.ones((3, 3)) / 9)(image)


CHEAP = PlugAndPlay(blurred, steps=6)


@pytest.fixture(scope="module")
def filled():
    """Gaps in stripes, by the preset."""
    return restore(PROBLEM, key=KEY, method=preset(task="inpaint"))


def test_known_pixels_stay_and_are_certain(filled):
    where = np.broadcast_to(KNOWN, STRIPES.shape)
    np.testing.assert_allclose(np.asarray(filled.image)[where], STRIPES[where], atol=1e-6)
    certain = np.asarray(filled.uncertainty)[KNOWN[..., 0]]
    np.testing.assert_array_equal(certain, np.zeros_like(certain))
    assert np.asarray(filled.uncertainty)[~KNOWN[..., 0]].max() > 0
    start = filled_back_projection(MASK, HOLES, PROBLEM.image)
    assert filled.history["psnr"][-1] > psnr(start, STRIPES) + 5
    assert filled.status == Status.COMPLETED
    assert filled.iterations == 20


def test_the_history_has_the_noise_levels_which_fall_geometrically(filled):
    levels = filled.history["noise_level"]
    first = 0.3 * np.sqrt(np.mean(KNOWN))
    np.testing.assert_allclose(levels, np.geomspace(first, 0.01, 20), rtol=1e-4)
    np.testing.assert_allclose(filled.history["residual"], 0, atol=1e-6)


def test_a_smooth_image_is_filled_in_smoothly():
    rows, columns = np.mgrid[:32, :32]
    ramp = (0.2 + 0.01 * rows + 0.005 * columns)[..., None].astype(np.float32)
    ramp = np.repeat(ramp, 3, axis=-1)
    known = np.random.default_rng(0).random((32, 32, 1)) < 0.3
    mask = Mask(known.astype(np.float32))
    problem = Problem(np.where(known, ramp, 0), mask, reference=ramp)
    result = restore(problem, key=KEY, method=preset(task="inpaint"))
    assert psnr(result.image, ramp) > 45


def test_super_resolution_fits_the_observation_better_and_better():
    operator = Downsample(2)
    small = operator(jnp.asarray(STRIPES))
    result = restore(small, key=KEY, operator=operator, method=preset("fast", task="super-resolve"))
    assert result.image.shape == (32, 32, 3)
    residual = np.asarray(result.history["residual"])
    assert residual[-1] < 0.3 * residual[0]


def test_a_blur_without_noise_gets_plug_and_play_by_default():
    blur = Blur(np.ones((3, 3)) / 9)
    problem = Problem(
        blur(jnp.asarray(STRIPES)), blur, noise=NoiseFree(), reference=jnp.asarray(STRIPES)
    )
    fewer = preset(task="super-resolve").adjusted(iterations=4)
    result = restore(problem, key=KEY, method=fewer)
    assert result.history["psnr"][-1] > psnr(problem.observation, STRIPES) + 1


def test_it_begins_at_the_image_filled_in():
    run = begin(PROBLEM, method=CHEAP, key=KEY)
    start = filled_back_projection(MASK, HOLES, PROBLEM.image)
    np.testing.assert_allclose(run.state.method.image, start, atol=1e-6)


def test_a_step_is_its_formula():
    """With a mask back-projection puts back what is known."""
    method = dataclasses.replace(CHEAP, momentum=0.5)
    run = begin(PROBLEM, method=method, key=KEY)
    image = np.asarray(run.state.method.image)
    change = np.zeros_like(image)
    for until in (1, 2, 3):
        run, _ = advance(run, until)
        denoised = np.asarray(blurred(jnp.asarray(image + 0.5 * change), 0))
        after = np.where(KNOWN, HOLES, np.clip(denoised, 0, 1))
        image, change = after, after - image
        np.testing.assert_allclose(run.state.method.image, image, atol=1e-5)
        np.testing.assert_allclose(run.state.method.change, change, atol=1e-5)


def test_a_step_with_noise_adds_less_and_the_last_nothing():
    noise = 0.2
    method = dataclasses.replace(CHEAP, steps=2, momentum=0.0)
    run = begin(Problem(HOLES, MASK, noise=Gaussian(noise)), method=method, key=KEY)
    start = np.asarray(run.state.method.image)
    run, _ = advance(run, 1)
    first = method.first * np.sqrt(KNOWN.mean())
    kept = first**2 / (first**2 + 0.1 * noise**2)
    denoised = np.asarray(blurred(jnp.asarray(start), 0))
    after = np.where(KNOWN, denoised + kept * (HOLES - denoised), denoised)
    np.testing.assert_allclose(run.state.method.image, np.clip(after, 0, 1), atol=1e-5)
    run, _ = advance(run, 2)
    last = np.asarray(blurred(run.state.method.image * 0 + np.clip(after, 0, 1), 0))
    np.testing.assert_allclose(run.state.method.image, np.clip(last, 0, 1), atol=1e-5)
    np.testing.assert_allclose(run.state.method.level, noise * np.sqrt(KNOWN.mean()), rtol=1e-5)
    assert method.remark(run.state.method) == "noise: 51.0 of 255"


@pytest.mark.parametrize("operator", [Mask(np.ones((64, 64, 1), np.float32)), Downsample(2)])
def test_noise_is_told_from_the_observation_and_none_where_there_is_none(operator):
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 64, dtype=np.float32)[:, None, None], (64, 64, 1))
    noisy = ramp + np.float32(0.06) * np.random.default_rng(0).normal(size=ramp.shape)
    told = observed_noise(Problem(noisy.astype(np.float32), operator))
    np.testing.assert_allclose(told, 0.06, rtol=0.1)
    assert observed_noise(Problem(ramp, operator)) == 0
    assert observed_noise(Problem(noisy.astype(np.float32), operator, noise=NoiseFree())) == 0


@struct.dataclass
class Constant:
    """A denoiser with an array of its own, which says how far it is from it."""

    level: jax.Array

    def __call__(self, image, noise):
        spread = jnp.full(image.shape[:2], self.level)
        return Filtered(jnp.full_like(image, self.level), spread)


@pytest.mark.parametrize(
    ("denoisers", "steps", "levels"),
    [
        ((0.2, 0.8), 6, [0.2] * 3 + [0.8] * 3),
        ((0.2, 0.8), 5, [0.2] * 3 + [0.8] * 2),
        ((0.2, 0.8, 0.8), 6, [0.2] * 2 + [0.8] * 4),
        ((0.2, 0.4, 0.8), 2, [0.2, 0.4]),
    ],
)
def test_each_denoiser_has_an_equal_stretch_of_the_steps(denoisers, steps, levels):
    """An image of the first gap's pixel follows what is plugged in."""
    method = PlugAndPlay(tuple(Constant(jnp.float32(one)) for one in denoisers), steps=steps)
    run = begin(PROBLEM, method=method, key=KEY)
    row, column, _ = np.argwhere(~KNOWN)[0]
    for until, level in enumerate(levels, start=1):
        run, _ = advance(run, until)
        np.testing.assert_allclose(run.state.method.image[row, column], level, atol=1e-6)
    np.testing.assert_allclose(
        run.method.uncertainty(PROBLEM, run.state.method)[row, column], np.mean(levels), rtol=1e-5
    )


def test_denoisers_that_are_one_program_are_one_stage():
    def stages(*denoisers):
        return [int(stage.end) for stage in PlugAndPlay(denoisers, steps=30).stages(PROBLEM)]

    one, other = CollaborativeDenoiser(), CollaborativeDenoiser(refined=True)
    assert stages(one, *[other] * 4) == [6, 30]
    assert stages(one, CollaborativeDenoiser()) == [30]
    assert stages(one, other, one) == [10, 20, 30]


def test_another_range_is_another_unit():
    plain, _ = advance(begin(PROBLEM, method=CHEAP, key=KEY))
    counts = Problem(1000 * HOLES, MASK, value_range=(0.0, 1000.0), reference=1000 * STRIPES)
    scaled, history = advance(begin(counts, method=CHEAP, key=KEY))
    np.testing.assert_allclose(scaled.image / 1000, plain.image, atol=1e-4)
    assert scaled.state.status == Status.COMPLETED
    assert (history["residual"][:6] < 1e-2).all()


def test_numbers_of_the_method_are_leaves():
    one, other = CHEAP, PlugAndPlay(blurred, steps=9, first=0.2, last=0.02, momentum=0.1)
    assert jax.tree.structure(one) == jax.tree.structure(other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": 0.0}, r"first noise level is 0\.0; accepted: above 0"),
        ({"last": -1.0}, r"last noise level is -1\.0; accepted: above 0"),
        ({"momentum": 1.0}, r"momentum is 1\.0; accepted: in \[0, 1\)"),
        ({"steps": 0}, "steps is 0; accepted: whole numbers from 1"),
        ({"denoiser": ()}, r"denoiser is \(\); accepted: one function or more"),
        ({"denoiser": ("fine",)}, "denoiser is 'fine'; accepted: a function"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        PlugAndPlay(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 99}, "radius is 99; accepted: whole numbers from 4"),
        ({"patch": 3}, "patch is 3; accepted: whole numbers from 4 to 32"),
    ],
)
def test_bad_denoisers_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        CollaborativeDenoiser(**arguments)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem(STRIPES), "the operator is Identity, of which .*; accepted: an operator, like"),
        (
            Problem(HOLES, MASK, noise=Poisson(50.0)),
            r"noise is Poisson, of which plug-and-play knows no level here; accepted: NoiseFree",
        ),
        (Problem(HOLES * 1j, MASK, complex_image=True), "plug-and-play takes real images; acc"),
        (Problem(STRIPES, jnp.abs), "the operator cannot be transposed .*; accepted: a linear"),
    ],
)
def test_what_it_cannot_do_is_named(problem, message):
    with pytest.raises(InputError, match=message):
        begin(problem, method=CHEAP, key=KEY)


@pytest.mark.parametrize(
    ("denoiser", "message"),
    [
        (
            lambda image, level: image[1:],
            r"denoiser gives shape real \(31, 32, 3\) for an image .* and a noise level; "
            r"accepted: shape real \(32, 32, 3\)",
        ),
        (lambda image: image, "denoiser fails for an image .*; accepted: a function of"),
    ],
)
def test_a_denoiser_that_does_not_fit_is_named(denoiser, message):
    with pytest.raises(InputError, match=message):
        begin(PROBLEM, method=PlugAndPlay(denoiser), key=KEY)


def test_it_is_told_the_noise_of_a_whole_for_its_parts():
    draw = np.random.default_rng(0)
    picture = np.clip(0.5 + draw.normal(0, 0.1, (64, 64, 1)), 0, 1).astype(np.float32)
    problem = Problem(picture, operator=Mask(jnp.ones((64, 64, 1))))
    told = PlugAndPlay().informed(problem)
    np.testing.assert_allclose(told.known, 0.1, rtol=0.15)
    part = Problem(np.full((16, 16, 1), 0.5, np.float32), operator=Mask(jnp.ones((16, 16, 1))))
    assert told.init(part, KEY).noise == told.known
    stated = dataclasses.replace(part, noise=Gaussian(0.3))
    np.testing.assert_allclose(told.init(stated, KEY).noise, 0.3, rtol=1e-5)
    assert PlugAndPlay().informed(stated).known is None
