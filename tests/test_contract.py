"""What every method promises, at the smallest size that shows it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import compilations, make_photograph

from drp_jax import Gaussian, InputError, Problem, Status, load, preset, restore, resume, save
from drp_jax.non_local import CollaborativeDenoiser, Denoise, HalfQuadratic, PlugAndPlay
from drp_jax.operators import Blur, Downsample, Identity, Mask
from drp_jax.untrained import HourglassConfig, SelfTuned

NETWORKS = ("dip", "dd", "drp-dip", "drp-dd")
METHODS = (*NETWORKS, "non-local")
WITHOUT_NETWORK = ("non-local", "plug-and-play")
TASKS = ("denoise", "inpaint", "super-resolve")
RECONSTRUCTORS = ("drp-dip", "self-guided-dip", "aseqdip", "tv", "plug-and-play")
EVERY = [
    *((method, task) for method in METHODS for task in TASKS),
    *((method, "reconstruct") for method in RECONSTRUCTORS),
]
# Every method and every task is run, though not every pair: a network is the same for all tasks.
# DRP-DIP for measurements has tests of its own, in untrained/test_self_tuned.py.
RUN = [
    ("dip", "denoise"),
    ("dd", "inpaint"),
    ("drp-dip", "inpaint"),
    ("drp-dd", "super-resolve"),
    *(("non-local", task) for task in TASKS),
    *((method, "reconstruct") for method in RECONSTRUCTORS if method != "drp-dip"),
]
# One task of most methods, so that all kinds of problems and both filters are among them.
EACH = [
    ("dd", "inpaint"),
    ("aseqdip", "reconstruct"),
    ("plug-and-play", "reconstruct"),
    ("drp-dd", "super-resolve"),
    ("non-local", "denoise"),
    ("non-local", "inpaint"),
]
# Those that compile fastest of the networks and the filters.
SOME = [("plug-and-play", "reconstruct"), ("drp-dd", "super-resolve")]
KEY = jax.random.key(0)
ITERATIONS = 3
HEIGHT, WIDTH = 12, 10

run, each, some = (pytest.mark.parametrize(("name", "task"), one) for one in (RUN, EACH, SOME))


def small(name, task, preset_name=None):
    """The preset with four channels, one scale and a few iterations."""
    preset_name = preset_name or (None if name == "non-local" or task == "reconstruct" else "paper")
    if (name, task) in FILTERS and preset_name is None:
        return FILTERS[name, task]
    method = preset(preset_name, method=name, task=task).adjusted(iterations=ITERATIONS)
    if name in (*WITHOUT_NETWORK, "tv"):
        return method
    method = method.adjusted(width=4)
    if isinstance(method, SelfTuned):
        return dataclasses.replace(method, weights=(0.4, 0.1), search_iterations=1)
    generator = method.generator
    if isinstance(generator, HourglassConfig):
        widths = ("widths_down", "widths_up", "widths_skip")
        generator = dataclasses.replace(
            generator, **{name: getattr(generator, name)[:1] for name in widths}
        )
    return dataclasses.replace(method, generator=generator)


# The kinds of steps that compile fast; non_local/ has the others.
FILTERS = {
    ("non-local", "denoise"): Denoise(refinements=(), iterations=ITERATIONS),
    ("non-local", "inpaint"): PlugAndPlay(
        (CollaborativeDenoiser(patch=16), CollaborativeDenoiser()), steps=ITERATIONS
    ),
    ("plug-and-play", "reconstruct"): HalfQuadratic(steps=ITERATIONS),
}


def sampled_fourier(image):
    """Every second row of k-space, complex."""
    return jnp.fft.fft2(image, axes=(0, 1), norm="ortho")[::2]


def damaged(task, height=HEIGHT, width=WIDTH, channels=3, seed=0):
    """An image, its observation, and the arguments of `restore` that belong to it."""
    image = make_photograph(height, width, channels, seed)
    if task == "inpaint":
        known = np.random.default_rng(1).random((height, width, 1)) < 0.5
        return image, image, {"operator": Mask(jnp.asarray(known, jnp.float32))}
    if task == "super-resolve":
        operator = Downsample(2)
        return image, np.asarray(operator(jnp.asarray(image))), {"operator": operator}
    if task == "reconstruct":
        about = {"operator": sampled_fourier, "image_shape": image.shape}
        return image, np.asarray(sampled_fourier(jnp.asarray(image))), about
    return image, image, {"operator": Identity()}


@functools.cache
def plain(name, task, seed=0, key=0):
    """A plain call; its programs are compiled once for all tests."""
    image, observation, about = damaged(task)
    observation = damaged(task, seed=seed)[1]
    method = small(name, task)
    key = jax.random.key(key)
    return restore(observation, key=key, method=method, reference=image, **about)


def shown(result):
    """What two ways to call must agree in."""
    return result.image, result.history, result.iterations, result.status, result.uncertainty


def assert_close(one, other, tolerance=2e-3):
    """Equal up to the order of float32 sums, which a few steps of Adam amplify."""
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance, rtol=5e-3),
        shown(one),
        shown(other),
    )


def entry(batch, index):
    return jax.tree.map(lambda leaf: leaf[index], batch)


@pytest.mark.parametrize(("name", "task"), [pair for pair in EVERY if pair not in RUN])
def test_every_method_does_every_task_as_far_as_shapes_tell(name, task):
    image, observation, about = damaged(task)
    observation, reference = jnp.asarray(observation), jnp.asarray(image)
    method = small(name, task)

    def run(key):
        return shown(restore(observation, key=key, method=method, reference=reference, **about))

    result, history, *_ = jax.eval_shape(run, KEY)
    assert (result.shape, result.dtype) == (image.shape, jnp.float32)
    assert set(history) == {*method.measures, "psnr"}


@run
def test_every_method_does_its_task(name, task):
    image, _observation, _about = damaged(task)
    result = plain(name, task)
    method = result.run.method
    assert result.image.shape == image.shape
    assert result.image.dtype == jnp.float32
    assert 0 <= result.image.min() < result.image.max() <= 1
    ended = Status.COMPLETED if name in WITHOUT_NETWORK else Status.ITERATION_LIMIT
    assert result.status == ended
    steps = 2 if (name, task) == ("non-local", "denoise") else method.loop.iterations
    assert result.iterations == result.image_iteration == steps
    assert set(result.history) == {*method.measures, "psnr"}
    for curve in result.history.values():
        assert curve.shape == (steps,)
        assert not np.isnan(curve).any()
    assert (result.trees is None) == (name in WITHOUT_NETWORK)


@run
def test_nothing_compiles_twice_and_the_key_decides(name, task):
    plain(name, task)
    with compilations() as programs:
        again = plain.__wrapped__(name, task)
        other = plain.__wrapped__(name, task, seed=5)
    assert not programs
    jax.tree.map(np.testing.assert_array_equal, shown(again), shown(plain(name, task)))
    assert (other.image != again.image).any()


@some
def test_under_jit_it_equals_the_plain_call(name, task):
    image, observation, about = damaged(task)
    method = small(name, task)
    reference = jnp.asarray(image)

    # The observation is an argument, the reference closed over.
    @jax.jit
    def jitted(observation, key):
        return restore(observation, key=key, method=method, reference=reference, **about)

    assert_close(jitted(observation, KEY), plain(name, task))


@each
def test_under_jit_everything_may_be_closed_over(name, task):
    image, observation, about = damaged(task)
    observation, reference = jnp.asarray(observation), jnp.asarray(image)
    method = small(name, task)

    def run(key):
        return restore(observation, key=key, method=method, reference=reference, **about)

    # That it gives the same is shown of a batch; here it is traced, and not compiled for nothing.
    expected = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), shown(plain(name, task)))
    single = jax.eval_shape(jax.jit(run), KEY)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), shown(single)) == expected
    batch = jax.eval_shape(jax.jit(jax.vmap(run)), jax.random.split(KEY, 2))
    assert batch.image.shape == (2, *single.image.shape)


@some
def test_a_batch_over_observations_equals_single_runs(name, task):
    image, _, about = damaged(task)
    method = small(name, task)
    observations = jnp.stack([jnp.asarray(damaged(task, seed=seed)[1]) for seed in (0, 5)])

    def run(observation):
        return restore(observation, key=KEY, method=method, reference=image, **about)

    batch = jax.vmap(run)(observations)
    for index, seed in enumerate((0, 5)):
        assert_close(entry(batch, index), plain(name, task, seed=seed))


def varied(name, task, method, number):
    """A method and what belongs to the problem with one number set."""
    if name not in WITHOUT_NETWORK:
        return method.adjusted(learning_rate=0.1 * number), {}
    if name == "plug-and-play":
        return dataclasses.replace(method, weight=number), {"noise": Gaussian(0.2 * number)}
    if task == "denoise":
        return method, {"noise": Gaussian(0.2 * number)}
    return dataclasses.replace(method, momentum=number, first=number), {}


@each
def test_a_jitted_batch_equals_single_runs_which_do_not_compile(name, task):
    """A batch over observations, numbers of the method or the noise, and keys."""
    image, _, about = damaged(task)
    method = small(name, task)

    def run(observation, number, key):
        changed, more = varied(name, task, method, number)
        return restore(observation, key=key, method=changed, reference=image, **about, **more)

    observations = [damaged(task, seed=seed)[1] for seed in (0, 5)]
    numbers, keys = np.float32([0.2, 0.7]), [KEY, jax.random.key(1)]
    batch = jax.jit(jax.vmap(run))(jnp.stack(observations), numbers, jnp.stack(keys))
    singles = [run(observations[0], 0.2, keys[0])]
    with compilations() as programs:
        singles.append(run(observations[1], 0.7, keys[1]))
    assert not programs
    for index, single in enumerate(singles):
        assert_close(entry(batch, index), single)


@each
def test_a_continued_run_equals_one_long_run(name, task):
    image, observation, about = damaged(task)
    arguments = {"key": KEY, "reference": image, **about}
    interrupted = restore(
        observation, method=small(name, task), callback=lambda _: True, **arguments
    )
    assert interrupted.status == Status.INTERRUPTED
    assert interrupted.iterations == 1
    expected = plain(name, task)
    whole = resume(interrupted, iterations=int(expected.iterations))
    jax.tree.map(np.testing.assert_array_equal, shown(whole), shown(expected))
    jax.tree.map(
        np.testing.assert_array_equal,
        jax.tree.leaves(whole.run.state.image),
        jax.tree.leaves(expected.run.state.image),
    )


@each
def test_a_saved_run_comes_back(name, task, tmp_path):
    image, observation, about = damaged(task)
    saved = plain(name, task)
    save(tmp_path / "run", saved)
    problem = Problem(observation, reference=image, **about)
    loaded = load(tmp_path / "run", problem=problem, method=small(name, task))
    jax.tree.map(np.testing.assert_array_equal, shown(loaded), shown(saved))


@pytest.mark.parametrize(
    ("name", "task"), [*SOME, ("aseqdip", "reconstruct"), ("non-local", "denoise")]
)
def test_other_units_give_the_same_picture(name, task):
    """Powers of two, so that no rounding differs."""
    _, observation, about = damaged(task)
    expected = plain(name, task)
    if task == "reconstruct":
        about["operator"] = lambda image: 4 * sampled_fourier(image)
        observation = 4 * observation
    result = restore(
        256 * observation, key=KEY, method=small(name, task), value_range=(0, 256), **about
    )
    np.testing.assert_allclose(result.image / 256, expected.image, atol=1e-6)


@pytest.mark.parametrize("name", ["drp-dd", "non-local"])
def test_odd_sizes_and_gray(name):
    image, observation, about = damaged("denoise", 9, 11, channels=1)
    result = restore(observation, key=KEY, method=small(name, "denoise"), **about)
    assert result.image.shape == image.shape
    assert np.isfinite(result.image).all()
    assert 0 <= result.image.min() <= result.image.max() <= 1


@pytest.mark.parametrize(
    "operators",
    [
        lambda number: Mask(jnp.full((HEIGHT, WIDTH, 1), number)),
        lambda number: Blur(jnp.full((3, 3), number)),
    ],
    ids=["mask", "kernel"],
)
def test_another_mask_or_kernel_does_not_compile(operators):
    method = small("drp-dd", "inpaint")
    observation = make_photograph(HEIGHT, WIDTH, 3)
    first = restore(observation, key=KEY, method=method, operator=operators(0.5))
    with compilations() as programs:
        second = restore(observation, key=KEY, method=method, operator=operators(0.25))
    assert not programs
    assert (first.image != second.image).any()


def test_another_iteration_limit_does_not_compile():
    method = small("drp-dd", "denoise")
    observation = make_photograph(HEIGHT, WIDTH, 3)
    restore(observation, key=KEY, method=method)
    with compilations() as programs:
        longer = restore(observation, key=KEY, method=method.adjusted(iterations=1500))
    assert not programs
    assert longer.iterations == 1500
    assert longer.history["loss"].shape == (1500,)
    assert np.isfinite(longer.history["loss"]).all()


def test_a_hole_may_hold_anything():
    """The values at missing pixels do not matter, NaN included."""
    image, observation, about = damaged("inpaint")
    method = small("dd", "inpaint")
    spoiled = np.where(about["operator"].mask > 0, observation, np.nan)
    other = restore(spoiled, key=KEY, method=method, reference=image, **about)
    np.testing.assert_array_equal(plain("dd", "inpaint").image, other.image)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_fast_is_never_longer_or_wider_than_paper(name, task):
    fast, paper = (preset(kind, method=name, task=task) for kind in ("fast", "paper"))
    assert fast.loop.iterations < paper.loop.iterations
    assert fast.trainable == paper.trainable
    assert fast.objective.fidelity == paper.objective.fidelity
    for field in dataclasses.fields(paper.generator):
        if field.name == "width":
            assert fast.generator.width <= paper.generator.width
        if field.name.startswith("widths"):
            narrow, wide = (getattr(one.generator, field.name) for one in (fast, paper))
            assert len(narrow) == len(wide)
            assert all(a <= b for a, b in zip(narrow, wide, strict=True))


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Mask(jnp.ones((12, 9, 1))), r"mask has shape \(12, 9, 1\); accepted: \(12, 10, 1\)"),
        (lambda image: jnp.mean(image), "operator gives shape"),
    ],
)
def test_an_operator_that_does_not_fit_is_named(operator, message):
    image, _, _ = damaged("denoise")
    with pytest.raises(InputError, match=message):
        restore(image, key=KEY, method=small("drp-dd", "denoise"), operator=operator)
