import dataclasses
import functools
import json
import shutil
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from conftest import make_photograph
from descent import Descent

from drp_jax import (
    Gaussian,
    InputError,
    Loop,
    Problem,
    Status,
    load,
    preset,
    record,
    restore,
    resume,
    save,
)
from drp_jax.checkpoint import described
from drp_jax.operators import Mask
from drp_jax.stopping import ExponentialVariance
from drp_jax.untrained import Jitter, Objective, Seed, anisotropic_tv, isotropic_tv, mse

KEY = jax.random.key(5)
PICTURE = make_photograph(12, 15, 3)
PROBLEM = Problem(PICTURE, reference=np.clip(PICTURE + 0.05, 0, 1))
# Everything that a run carries: draws at every iteration, an average, a rule's state.
METHOD = dataclasses.replace(
    preset("paper").adjusted(width=4),
    loop=Loop(8, ema_decay=0.5, stopping=ExponentialVariance(decay=0.5, patience=100)),
    jitters=(Jitter(Seed, 0.05),),
)
SHORT = METHOD.adjusted(iterations=5)


@record
class KeyKeeper(Descent):
    """Draws at every iteration from a key that it keeps."""

    def init(self, problem, key):
        return {"key": key, "image": super().init(problem, key)}

    def step(self, problem, state):
        key, now = jax.random.split(state["key"])
        return {"key": key, "image": jax.random.uniform(now, problem.image.shape)}

    def image(self, problem, state):
        return state["image"]

    def measured(self, problem, state):
        return {"residual": jnp.mean(state["image"])}


def assert_equal(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if jax.dtypes.issubdtype(jnp.result_type(a), jax.dtypes.prng_key):
            assert a.dtype == b.dtype
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(jnp.asarray(a), jnp.asarray(b))


@pytest.fixture(scope="module")
def short():
    return restore(PROBLEM, key=KEY, method=SHORT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, short):
    path = tmp_path_factory.mktemp("checkpoints") / "run"
    save(path, short)
    return path


def test_what_is_loaded_is_what_was_saved(folder, short):
    loaded = load(folder, problem=PROBLEM, method=SHORT)
    assert_equal(loaded, short)
    assert loaded.message == short.message
    assert loaded.iterate == "best by the stopping rule"
    assert loaded.iterations == 5
    assert set(loaded.history) == set(short.history)


def test_going_on_equals_one_run_bit_for_bit(folder):
    whole = restore(PROBLEM, key=KEY, method=METHOD)
    loaded = load(folder, problem=PROBLEM, method=SHORT)
    resumed = resume(loaded, iterations=8)
    assert resumed.iterations == 8
    assert resumed.status == Status.ITERATION_LIMIT
    assert_equal(resumed.run.state, whole.run.state)
    assert_equal(resumed.history, whole.history)
    assert_equal(resumed.image, whole.image)


def test_the_limit_is_that_of_the_run_whatever_is_given(folder):
    loaded = load(folder, problem=PROBLEM, method=METHOD)
    assert loaded.run.method.loop.iterations == 5
    assert loaded.history["loss"].shape == (5,)


def test_keys_of_jax_survive(tmp_path):
    """Old and new, of any kind."""
    problem, method = Problem(PICTURE[..., :1]), KeyKeeper()
    for key in (KEY, jax.random.key(3, impl="rbg"), jax.random.PRNGKey(7)):
        saved = restore(problem, key=key, method=method)
        save(tmp_path / "run", saved)
        loaded = load(tmp_path / "run", problem=problem, method=method)
        assert_equal(loaded.run.state.method, saved.run.state.method)
        assert_equal(resume(loaded, iterations=9).image, resume(saved, iterations=9).image)


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        (preset("fast"), Problem(PICTURE)),
        (
            preset("fast", task="inpaint").adjusted(iterations=1),
            Problem(PICTURE, Mask(np.ones((12, 15, 1)))),
        ),
    ],
    ids=["denoise", "inpaint"],
)
def test_filters_are_kept_too(tmp_path, method, problem):
    done = restore(problem, key=KEY, method=method)
    save(tmp_path / "run", done)
    loaded = load(tmp_path / "run", problem=problem, method=method)
    assert_equal(loaded, done)
    assert loaded.status == Status.COMPLETED
    assert_equal(resume(loaded, iterations=int(done.iterations)).image, done.image)


def test_a_run_without_measures_is_kept(tmp_path):
    @record
    class Silent(Descent):
        measures: ClassVar[tuple[str, ...]] = ()

        def measured(self, problem, state):
            return {}

    done = restore(PICTURE, key=KEY, method=Silent())
    save(tmp_path / "run", done)
    loaded = load(tmp_path / "run", problem=Problem(PICTURE), method=Silent())
    assert loaded.history == {}
    assert_equal(loaded.image, done.image)


def scaled(factor):
    return lambda image: factor * anisotropic_tv(image)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ({"observation": PICTURE[::-1].copy()}, "problem.observation is .*, and the checkpoint's"),
        ({"reference": None}, "problem.reference is None, and the checkpoint's is .*"),
        ({"noise": Gaussian(0.1)}, "problem.noise is .*Gaussian.*, and the checkpoint's is None"),
        (
            {"value_range": (0.0, 2.0)},
            r"problem.value_range\[1\] is 2\.0, and the .* is 1",
        ),
        ({"operator": Mask(np.ones((12, 15, 1)))}, "problem.operator is 'Mask', and .* 'Identity'"),
    ],
)
def test_another_problem_is_refused_by_the_name_of_what_differs(folder, problem, message):
    with pytest.raises(InputError, match=message):
        load(folder, problem=dataclasses.replace(PROBLEM, **problem), method=SHORT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.2}, r"method.learning_rate is 0\.2, and the checkpoint's is 0\.1"),
        (
            {"generator": SHORT.generator.with_width(5)},
            r"method.generator.widths_down\[0\] is 5, .* 4",
        ),
        ({"jitters": ()}, r"method.jitters is \[\], and the checkpoint's is .*Jitter"),
        (
            {"jitters": (Jitter(Seed, 0.06),)},
            r"method.jitters\[0\].std is 0\.06, and the checkpoint's is 0\.05",
        ),
        (
            {"objective": Objective(mse, anisotropic_tv, 0.45)},
            "method.objective.fidelity is 'mse', and the checkpoint's is 'rmse'",
        ),
        (
            {"objective": dataclasses.replace(SHORT.objective, regularizer=isotropic_tv)},
            "method.objective.regularizer is 'isotropic_tv', and the .* is 'anisotropic_tv'",
        ),
        ({"loop": Loop(5, ema_decay=0.9)}, "method.loop.ema_decay is 0.9, and the checkpoint's"),
        ({"trainable": (Seed,)}, "method.trainable is .*Seed.*, and the checkpoint's is"),
        ({"normalize_seed": False}, "method.normalize_seed is False, and the checkpoint's is True"),
    ],
)
def test_another_method_is_refused_by_the_name_of_what_differs(folder, changes, message):
    with pytest.raises(InputError, match=message):
        load(folder, problem=PROBLEM, method=dataclasses.replace(SHORT, **changes))


def test_another_method_altogether_is_refused(folder):
    with pytest.raises(InputError, match=r"method is 'Descent', and the .* is 'Untrained'"):
        load(folder, problem=PROBLEM, method=Descent())
    with pytest.raises(InputError, match=r"method is 'Denoise', and the .* is 'Untrained'"):
        load(folder, problem=PROBLEM)


@dataclasses.dataclass
class Guided:
    guide: np.ndarray

    def __call__(self, image):
        return jnp.mean(jnp.abs(image - self.guide))


def mutual(factor):
    def one(image):
        return other(image) if factor else 0.0

    def other(image):
        return one(image)

    return one


@pytest.mark.parametrize(
    "make",
    [
        scaled,
        mutual,
        lambda factor: functools.partial(scaled(1), factor=factor),
        lambda factor: scaled(np.full(100, factor)),
        lambda factor: Guided(np.full((12, 15, 3), factor)),
        lambda factor: jax.tree_util.Partial(jnp.vdot, jnp.full(100, factor)),
    ],
)
def test_functions_with_other_numbers_are_others(make):
    one, same, other = (
        described(dataclasses.replace(SHORT.objective, regularizer=make(factor)))
        for factor in (0.5, 0.5, 0.25)
    )
    assert one == same != other
    json.dumps(one)


def test_optimisers_with_other_numbers_are_others():
    one, same, other = (
        described(dataclasses.replace(SHORT, optimizer=optimizer))
        for optimizer in (optax.lbfgs(0.1), optax.lbfgs(0.1), optax.lbfgs(0.2))
    )
    assert one == same != other


def test_a_function_is_refused_by_the_name_of_its_number(tmp_path):
    method = Descent()
    problem = Problem(PICTURE, lambda image, factor=0.5: factor * image)
    save(tmp_path / "run", restore(problem, key=KEY, method=method))
    other = Problem(PICTURE, lambda image, factor=0.6: factor * image)
    message = r"problem.operator.function.factor is 0\.6, and the checkpoint's is 0\.5"
    with pytest.raises(InputError, match=message):
        load(tmp_path / "run", problem=other, method=method)


def test_a_run_that_ended_at_once_is_kept(tmp_path):
    problem = Problem(PICTURE, lambda image: image * jnp.nan)
    ended = restore(problem, key=KEY, method=Descent())
    assert (ended.status, ended.iterations) == (Status.NON_FINITE, 0)
    save(tmp_path / "run", ended)
    assert_equal(load(tmp_path / "run", problem=problem, method=Descent()), ended)


def test_a_description_is_plain():
    description = described((PROBLEM, METHOD))
    assert json.loads(json.dumps(description)) == description
    # What JAX gives back is described as what a person gave.
    returned = jax.jit(lambda both: both)((PROBLEM, METHOD))
    assert described(returned) == description


def test_an_older_checkpoint_is_replaced_whole(tmp_path, short):
    save(tmp_path / "run", restore(PICTURE, key=KEY, method=Descent()))
    save(tmp_path / "run", short)
    assert_equal(load(tmp_path / "run", problem=PROBLEM, method=SHORT), short)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_with_something_else_is_refused_and_kept(tmp_path, short):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("words")
    (tmp_path / "file").write_text("more words")
    for name in ("thesis", "file"):
        message = f"{name}: holds something else; accepted: a new folder, or an older checkpoint"
        with pytest.raises(InputError, match=message):
            save(tmp_path / name, short)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "words"
    assert (tmp_path / "file").read_text() == "more words"


def test_what_fails_leaves_the_older_checkpoint(tmp_path, short, monkeypatch):
    save(tmp_path / "run", short)

    def full(_, path, *__):
        path.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ocp.Checkpointer, "save", full)
    with pytest.raises(InputError, match=r"run: cannot be written: .*No space left on device"):
        save(tmp_path / "run", short)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    monkeypatch.undo()
    assert_equal(load(tmp_path / "run", problem=PROBLEM, method=SHORT), short)


def test_what_is_no_checkpoint_is_named(tmp_path, folder):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match=": no checkpoint there; accepted: a folder from save"):
            load(path, problem=PROBLEM, method=SHORT)
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    shutil.rmtree(damaged / "state")
    with pytest.raises(InputError, match=r"damaged: cannot be read: .*; accepted: a folder from"):
        load(damaged, problem=PROBLEM, method=SHORT)


def test_bad_arguments_are_named(tmp_path, short):
    with pytest.raises(InputError, match=r"restoration is an array .*; accepted: what restore"):
        save(tmp_path / "run", short.image)
    with pytest.raises(InputError, match="path is 3; accepted: the path of a folder"):
        save(3, short)
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), short)
    with pytest.raises(InputError, match="one entry per image of a batch; accepted: one image's"):
        save(tmp_path / "run", batch)
    assert not (tmp_path / "run").exists()
