"""One bad item never ends a batch, whatever it raises, and what is in a slot is delivered."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_photograph

from drp_jax import InputError, Loop, Method, NoiseFree, Problem, Request, restore_many
from drp_jax.non_local import Denoise
from drp_jax.operators import Blur
from drp_jax.pytrees import fixed, record

KEY = jax.random.key(0)
PICTURE = make_photograph(8, 9, 1)


@record
class Fading(Method):
    """Multiplies by a random number at every step: compiles in no time."""

    loop: Loop = Loop(3)
    name: str = fixed(default="fading")

    def init(self, problem, key):
        problem.operator(jnp.asarray(PICTURE))
        return problem.observation, key

    def step(self, problem, state):
        image, key = state
        return image * jax.random.uniform(key), key

    def image(self, problem, state):
        return state[0]


class Silent:
    """Everything that is asked of it raises."""

    def __getattribute__(self, name):
        raise RuntimeError("nothing to\nsay")


class Mute:
    """It cannot even be shown."""

    def __repr__(self):
        raise RuntimeError("no text")


class FailsLater:
    """An operator that raises from its second call on: the first is made when it is checked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        if self.calls > 1:
            raise RuntimeError("at\na call")
        return image


@record
class FailsAtStep(Fading):
    """A method whose program cannot be made."""

    def step(self, problem, state):
        raise RuntimeError("at a step")


@record
class FailsAtEnd(Fading):
    """A method that cannot say what it was asked to say of the result."""

    def uncertainty(self, problem, state):
        raise RuntimeError("at the end")


BAD = [
    (None, "observation is None; accepted: "),
    ("x.png", "observation is 'x.png'; accepted: "),
    (3, "observation is 3; accepted: "),
    (object, "observation is object; accepted: "),
    (Silent(), "RuntimeError: nothing to say"),
    (Mute(), "observation is a Mute; accepted: "),
    (np.full_like(PICTURE, np.nan), "observation has NaN or infinity in"),
    (np.stack([PICTURE, PICTURE]), "observation has shape (2, 8, 9, 1); accepted: "),
    (Request(None), "observation is None; accepted: "),
    (Request(Request(PICTURE)), "observation is Request("),
    (Request(PICTURE, key=0), "key is 0; accepted: "),
    (Request(PICTURE, key="a"), "key is 'a'; accepted: "),
    (
        Request(PICTURE, key=jax.random.split(KEY)),
        "key is an array of type key<fry>",
    ),
    (Request(PICTURE, method="fast"), "method is 'fast'; accepted: "),
    (Request(PICTURE, method=0), "method is 0; accepted: "),
    (Request(PICTURE, method=Denoise), "method is Denoise; accepted: "),
    (Request(PICTURE, method=Silent()), "RuntimeError: nothing to say"),
    (Request(PICTURE, method=FailsAtStep()), "RuntimeError: at a step"),
    (Request(PICTURE, method=FailsAtEnd()), "RuntimeError: at the end"),
    (
        Request(Problem(PICTURE, operator=Blur(np.ones((3, 3)) / 9)), method=Denoise()),
        "method non-local here denoises, and the operator is Blur; accepted: ",
    ),
    (
        Request(Problem(PICTURE, noise=NoiseFree()), method=Denoise()),
        "noise is NoiseFree() and the operator Identity: ",
    ),
]


def run(images, slots=2):
    return restore_many(images, key=KEY, method=Fading(), slots=slots)


def check_is_whole(batch, count):
    """Every image came out once; those that did are finished or have a reason in one line."""
    assert sorted(finished.index for finished in batch) == list(range(count))
    for finished in batch:
        assert (finished.restoration is None) == (finished.error is not None)
        if finished.error is None:
            assert finished.restoration.iterations == 3
        else:
            assert "\n" not in finished.error


@pytest.mark.parametrize(("item", "reason"), BAD, ids=[reason for _, reason in BAD])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_bad_item_has_a_reason_and_the_others_their_image(item, reason, place):
    images = [PICTURE] * 3
    images.insert(place, item)
    batch = list(run(images))
    check_is_whole(batch, 4)
    assert [finished.index for finished in batch if finished.error] == [place]
    [bad] = [finished for finished in batch if finished.error]
    assert bad.error.startswith(reason)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_operator_that_fails_when_its_run_begins(place):
    images = [PICTURE] * 3
    images.insert(place, Problem(PICTURE, operator=FailsLater()))
    batch = list(run(images))
    check_is_whole(batch, 4)
    [bad] = [finished for finished in batch if finished.error]
    assert (bad.index, bad.error) == (place, "RuntimeError: at a call")


def test_nothing_but_bad_items():
    batch = list(run([item for item, _ in BAD]))
    check_is_whole(batch, len(BAD))
    assert all(finished.error for finished in batch)


def test_a_bad_item_does_not_change_the_others():
    alone = {finished.index: finished for finished in run([PICTURE] * 3)}
    among = {finished.index: finished for finished in run([PICTURE, PICTURE, PICTURE, None])}
    for index, finished in alone.items():
        other = among[index].restoration
        np.testing.assert_array_equal(finished.restoration.image, other.image)


def test_old_and_new_keys_in_one_batch():
    keys = [KEY, jax.random.PRNGKey(0), jax.random.key(0, impl="rbg"), None]
    batch = list(run([Request(PICTURE, key=key) for key in keys]))
    check_is_whole(batch, 4)
    assert [finished.error for finished in batch] == [None] * 4
    new, old, *_ = sorted(batch, key=lambda finished: finished.index)
    np.testing.assert_array_equal(new.restoration.image, old.restoration.image)


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_what_came_before_an_exception_of_the_iterable_is_delivered(count, slots):
    def images():
        for number in range(count):
            yield None if number == 2 else PICTURE
        raise RuntimeError("midway")

    batch = []
    with pytest.raises(RuntimeError, match="midway"):
        batch.extend(run(images(), slots))  # extend keeps what came before the exception
    check_is_whole(batch, count)


def test_an_iterable_that_cannot_begin():
    class Images:
        def __iter__(self):
            raise RuntimeError("at once")

    with pytest.raises(RuntimeError, match="at once"):
        list(run(Images()))


def test_an_exception_of_the_one_who_reads_is_his():
    batch = run([PICTURE] * 3, slots=1)
    next(batch)
    with pytest.raises(InputError, match="mine"):
        batch.throw(InputError("mine"))
