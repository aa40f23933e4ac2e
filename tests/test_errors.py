import enum

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax.errors import (
    InputError,
    meant,
    renamed,
    require,
    require_choice,
    require_finite,
    require_kind,
    require_number,
    require_whole,
    shown,
)


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)
    require(True, "never")
    with pytest.raises(InputError, match="as it is"):
        require(False, "as it is")


def test_values_that_are_not_finite_are_counted():
    values = np.ones((3, 4), np.complex64)
    require_finite(values, "it")
    values[0, 1], values[2, 3] = np.nan, 1j * np.inf
    with pytest.raises(InputError) as refused:
        require_finite(values, "it")
    assert (
        str(refused.value) == "it has NaN or infinity in 2 of 12 values; accepted: finite numbers"
    )


def test_what_an_error_is_about_gets_the_name_that_the_user_knows():
    for message, expected in (("a is 3; accepted: 4", "--a is 3; accepted: 4"), ("b is", "b is")):
        with pytest.raises(InputError) as refused, renamed({"a": "--a"}):
            raise InputError(message)
        assert str(refused.value) == expected


@pytest.mark.parametrize("value", [1, 5, np.int64(3), np.uint8(3), jnp.int32(2)])
def test_whole_numbers_are_accepted(value):
    require_whole(value, "count", 1, 5)


@pytest.mark.parametrize("value", [0, 6, 2.0, "2", None, True, np.float32(2), jnp.ones(2, int)])
def test_what_is_no_whole_number_in_the_range_is_named(value):
    with pytest.raises(InputError, match=r"count is .*; accepted: whole numbers from 1 to 5"):
        require_whole(value, "count", 1, 5)


@pytest.mark.parametrize(
    "value", [0.5, 1, np.float64(0.1), jnp.float32(1.0), np.array([0.1, 0.9]), jnp.ones((2, 2))]
)
def test_numbers_and_batches_of_them_are_accepted(value):
    require_number(value, "share", 0, 1, least_allowed=False, accepted="above 0, up to 1")


@pytest.mark.parametrize(
    "value",
    [
        0,
        1.5,
        -1.0,
        np.nan,
        np.inf,
        True,
        "0.5",
        None,
        [0.5],
        np.array([0.5, 2.0]),
        jnp.zeros(2),
        1j,
        1e-50,  # 0 with 32 bits
    ],
)
def test_what_is_no_number_in_the_range_is_named(value):
    with pytest.raises(InputError, match=r"share is .*; accepted: above 0, up to 1"):
        require_number(value, "share", 0, 1, least_allowed=False, accepted="above 0, up to 1")


def test_both_ends_of_a_range_may_belong_to_it_or_not():
    require_number(0, "share", 0, 1, accepted="in [0, 1]")
    require_number(1, "share", 0, 1, accepted="in [0, 1]")
    with pytest.raises(InputError, match=r"share is 1; accepted: in \[0, 1\)"):
        require_number(1, "share", 0, 1, most_allowed=False, accepted="in [0, 1)")


def test_nothing_is_checked_inside_transformations():
    def run(value):
        require_number(value, "share", 0, 1, accepted="in [0, 1]")
        require_whole(value, "count", 1, 5)
        require_kind(value, str, "name", "a string")
        return value

    np.testing.assert_array_equal(jax.jit(run)(7.5), 7.5)
    np.testing.assert_array_equal(jax.vmap(run)(jnp.array([-1.0, 9.0])), [-1, 9])
    jax.eval_shape(run, 7.5)


def test_choices_and_kinds_are_named():
    require_choice(Colour.RED, Colour, "colour")
    with pytest.raises(InputError, match=r"(?i)colour is 'red'; accepted: .*red, .*blue"):
        require_choice("red", Colour, "colour")
    require_kind(3, (int, float), "size", "a number")
    with pytest.raises(InputError, match="size is 'three'; accepted: a number"):
        require_kind("three", (int, float), "size", "a number")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.5, "3.5"),
        ("a\nb", r"'a\nb'"),
        (np.zeros((4, 5)), "an array of type float64 and shape (4, 5)"),
        (np.float32(2), "np.float32(2.0)"),
        (jnp.full((1,), 2.0), "[2.0]"),
        (jnp.ones(()), "1.0"),
        (jax.random.key(0), "an array of type key<fry> and shape ()"),
        (jnp.sin, "sin"),
        (Colour, "Colour"),
    ],
)
def test_a_value_is_shown_in_a_few_words(value, words):
    assert shown(value) == words


def test_what_is_shown_is_one_short_line():
    text = shown([["many words"] * 100, "\n"])
    assert len(text) == 80
    assert text.endswith("...")
    assert "\n" not in text


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert shown(Broken()) == "a Broken"


def test_a_traced_value_is_shown_by_shape():
    seen = []
    jax.jit(lambda value: seen.append(shown(value)))(jnp.ones(1))
    assert seen == ["an array of type float32 and shape (1,)"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("widht", " (did you mean width?)"),
        ("Learning-Rate", " (did you mean learning_rate?)"),
        ("weight", " (did you mean regularizer_weight?)"),
        ("r", ""),
        ("te", ""),
        ("colour", ""),
        (3, ""),
    ],
)
def test_a_misspelled_name_is_guessed(name, words):
    known = ["width", "learning_rate", "regularizer_weight", "iterations", "intermediate"]
    assert meant(name, known) == words
