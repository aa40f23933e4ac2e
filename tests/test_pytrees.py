import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from drp_jax.errors import InputError, require
from drp_jax.pytrees import as_pytree, fixed, record


@record
class Scaled:
    """A record with a check."""

    kind: str = fixed(default="plain")
    level: float | jax.Array = 1.0
    image: jax.Array | None = None

    def __post_init__(self):
        require(not isinstance(self.level, (int, float)) or self.level > 0, "level is not above 0")
        object.__setattr__(self, "checked", True)


def test_a_record_is_a_frozen_dataclass_whose_fields_are_children_but_the_fixed_ones():
    one, other = Scaled("plain", 2.0, jnp.ones(3)), Scaled("fine", 2.0, jnp.ones(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.level = 3.0
    assert len(jax.tree.leaves(one)) == 2
    assert jax.tree.structure(one) != jax.tree.structure(other)
    assert jax.tree.structure(one) == jax.tree.structure(dataclasses.replace(one, level=5.0))
    doubled = jax.tree.map(lambda leaf: 2 * leaf, one)
    assert (doubled.kind, doubled.level) == ("plain", 4.0)
    np.testing.assert_array_equal(doubled.image, [2, 2, 2])


def test_a_record_checks_what_a_person_makes_and_not_what_jax_does():
    with pytest.raises(InputError, match="level is not above 0"):
        Scaled(level=-1.0)
    negative = jax.tree.map(lambda leaf: -leaf, Scaled(level=1.0))
    assert negative.level == -1.0
    assert not hasattr(negative, "checked")
    # JAX makes them of axes, shapes and nothing, too.
    axes = jax.tree.map(lambda _: 0, Scaled(level=1.0))
    swept = jax.vmap(lambda one: 2 * one.level, in_axes=(axes,))(Scaled(level=jnp.ones(2)))
    np.testing.assert_array_equal(swept, [2, 2])
    shapes = jax.eval_shape(lambda one: one, Scaled(image=jnp.ones(3)))
    assert shapes.image.shape == (3,)
    swept = jax.vmap(lambda level: Scaled(level=level).level * 2)(jnp.array([-1.0, 2.0]))
    np.testing.assert_array_equal(swept, [-2, 4])


def test_the_leaves_of_a_record_have_names():
    paths = jax.tree_util.tree_flatten_with_path({"run": Scaled(image=jnp.ones(3))})[0]
    names = [jax.tree_util.keystr(path) for path, _ in paths]
    assert names == ["['run'].level", "['run'].image"]


def test_two_records_of_numbers_are_equal():
    assert Scaled("plain", 2.0) == Scaled("plain", 2.0) != Scaled("plain", 3.0)


# What users plug in.

FACTOR = 2


def scaled(factor, offset=0):
    return lambda image: factor * image + offset


def with_global(image):
    return FACTOR * image


def with_default(factor):
    def apply(image, *, factor=factor):
        return factor * image

    return apply


def nested(factor):
    def outer(image):
        return (lambda one: factor * one)(image)

    return outer


def countdown(factor):
    def step(image, left=2):
        return step(factor * image, left - 1) if left else image

    return step


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def apply(self, image):
        return self.factor * image


@dataclasses.dataclass(frozen=True)
class Config:
    factor: float


MAKERS = {
    "closure": scaled,
    "default": with_default,
    "nested": nested,
    "recursion": countdown,
    "partial": lambda factor: functools.partial(scaled(1), factor),
    "list": lambda factor: scaled([factor, 1]),
    "dictionary": lambda factor: scaled({"factor": factor}),
    "array of NumPy": lambda factor: scaled(np.full(3, factor)),
    "frozen dataclass": lambda factor: scaled(Config(factor)),
    "function": lambda factor: scaled(scaled(factor)),
    "adam": lambda factor: scaled(optax.adam(factor)),
    "chain": lambda factor: scaled(optax.chain(optax.clip(1.0), optax.adamw(factor))),
    "momentum": lambda factor: functools.partial(optax.sgd, momentum=factor),
    "lbfgs": lambda factor: scaled(optax.lbfgs(factor)),
    "schedule": lambda factor: optax.cosine_decay_schedule(factor, 10),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_functions_that_say_the_same_are_equal_and_others_are_not(make):
    one, same, other = (as_pytree(make(factor), "function") for factor in (0.5, 0.5, 0.25))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert jax.tree.leaves(one) == []
    assert jax.tree.structure(one) == jax.tree.structure(same) != jax.tree.structure(other)


def test_numbers_of_other_types_differ():
    assert as_pytree(scaled(1), "function") != as_pytree(scaled(1.0), "function")
    assert as_pytree(scaled(1), "function") != as_pytree(scaled(True), "function")
    one, other = (as_pytree(scaled(np.ones(2, kind)), "function") for kind in (np.int32, np.uint32))
    assert one != other


def test_functions_with_other_code_differ():
    one, other = as_pytree(lambda image: image, "function"), as_pytree(lambda image: -image, "f")
    assert one != other
    assert as_pytree(jnp.sin, "function") == as_pytree(jnp.sin, "function")
    assert as_pytree(jnp.sin, "function") != as_pytree(jnp.cos, "function")


def test_a_changed_global_makes_it_another(monkeypatch):
    before = as_pytree(with_global, "function")
    assert before == as_pytree(with_global, "function")
    monkeypatch.setitem(globals(), "FACTOR", 3)
    after = as_pytree(with_global, "function")
    assert before != after
    evaluate = jax.jit(lambda function, image: function(image))
    assert evaluate(after, 1.0) == 3


def test_objects_that_compare_by_identity_are_equal_to_themselves_alone():
    one, other = Scale(2), Scale(2)
    assert as_pytree(one.apply, "function") == as_pytree(one.apply, "function")
    assert as_pytree(one.apply, "function") != as_pytree(other.apply, "function")
    array = jnp.ones(3)
    assert as_pytree(scaled(array), "function") == as_pytree(scaled(array), "function")
    assert as_pytree(scaled(array), "function") != as_pytree(scaled(jnp.ones(3)), "function")


def test_what_is_equal_does_not_compile_again():
    evaluate = jax.jit(lambda function, image: function(image))
    for factor in (2, 2, 2, 5):
        assert evaluate(as_pytree(scaled(factor), "function"), 1.0) == factor
    assert evaluate._cache_size() == 2


def test_a_function_keeps_its_name_and_what_else_it_has():
    def mirrored(image):
        return image[::-1]

    mirrored.image_shape = (8, 8, 1)
    wrapped = as_pytree(mirrored, "operator")
    assert (wrapped.__name__, wrapped.image_shape) == ("mirrored", (8, 8, 1))
    assert not hasattr(wrapped, "other")
    assert as_pytree(wrapped, "operator") is wrapped


@dataclasses.dataclass
class Plain:
    """A callable dataclass as a user writes one: not frozen, with arrays and other things."""

    guide: jax.Array
    mode: str = "same"
    more: object = None

    def __call__(self, image):
        sign = 1 if self.mode == "same" else -1
        more = sum(jax.tree.leaves(self.more), 0.0)
        return sign * jnp.mean(jnp.square(image - self.guide)) + more


def test_arrays_of_a_plain_dataclass_are_leaves():
    evaluate = jax.jit(lambda function, image: function(image))
    for level in (1.0, 2.0):
        wrapped = as_pytree(Plain(jnp.full(3, level)), "regularizer")
        assert len(jax.tree.leaves(wrapped)) == 1
        assert evaluate(wrapped, jnp.zeros(3)) == level**2
    assert evaluate._cache_size() == 1
    assert evaluate(as_pytree(Plain(jnp.ones(3), "other"), "regularizer"), jnp.zeros(3)) == -1
    assert evaluate._cache_size() == 2
    assert (wrapped.__name__, wrapped.mode) == ("Plain", "same")
    swept = jax.vmap(lambda guide: as_pytree(Plain(guide), "regularizer")(jnp.zeros(3)))
    np.testing.assert_array_equal(swept(jnp.array([[1.0] * 3, [3.0] * 3])), [1, 9])


@pytest.mark.parametrize(
    ("more", "leaves"),
    [
        ((np.float32(2), np.array([4.0])), 2),
        ({"weights": [jnp.ones(()), 5]}, 2),
        ([1, 2.5], 1),
        (Scaled(level=jnp.ones(())), 2),
    ],
)
def test_arrays_within_its_fields_are_leaves_too(more, leaves):
    evaluate = jax.jit(lambda function: function(jnp.zeros(3)))
    total = sum(np.sum(leaf) for leaf in jax.tree.leaves(more))
    for _ in range(2):
        wrapped = as_pytree(Plain(jnp.zeros(3), more=jax.tree.map(lambda x: x, more)), "function")
        assert len(jax.tree.leaves(wrapped)) == leaves
        np.testing.assert_allclose(jnp.sum(evaluate(wrapped)), total)
    assert evaluate._cache_size() == 1


def test_a_function_in_a_dataclass_is_compared_as_functions_are():
    one, same, other = (
        as_pytree(Plain(jnp.ones(3), more=scaled(factor)), "function") for factor in (2, 2, 3)
    )
    assert jax.tree.structure(one) == jax.tree.structure(same) != jax.tree.structure(other)


@struct.dataclass
class OfFlax:
    guide: jax.Array

    def __call__(self, image):
        return image - self.guide


def test_what_is_a_pytree_already_stays():
    for function in (OfFlax(jnp.ones(3)), jax.tree_util.Partial(jnp.add, jnp.ones(3))):
        assert as_pytree(function, "function") is function


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "denoiser is 3; accepted: a function"),
        (None, "denoiser is None; accepted: a function"),
        ("tv", "denoiser is 'tv'; accepted: a function"),
        (Plain, r"denoiser is Plain.*; accepted: a function, as Plain\(\.\.\.\) may be"),
    ],
)
def test_what_cannot_be_called_is_named(value, message):
    with pytest.raises(InputError, match=message):
        as_pytree(value, "denoiser")
