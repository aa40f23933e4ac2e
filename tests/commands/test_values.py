import pathlib
import re

import pytest

from drp_jax import InputError
from drp_jax.commands import values


@pytest.mark.parametrize(
    ("convert", "text", "expected"),
    [
        (values.pair, "-1,2.5", (-1.0, 2.5)),
        (values.places, "3,0,3", (3, 0, 3)),
        (values.path, "-x.png", pathlib.Path("-x.png")),
        (values.seed, str(2**32 - 1), 2**32 - 1),
    ],
)
def test_texts_become_values(convert, text, expected):
    assert convert(text) == expected


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        *((values.pair, text) for text in ("1", "1,1", "2,1", "0,inf", "nan,1", "0,1,2")),
        *((values.places, text) for text in ("", "0,-1", "1.5")),
        (values.path, "--width"),
        *((values.seed, text) for text in ("-1", "0.5", str(2**32))),
    ],
)
def test_other_texts_are_refused(convert, text):
    value = values.Value(convert, "X", "what is meant")
    with pytest.raises(InputError, match=re.escape(f"the value: {text!r} is not what is meant")):
        value.convert(text, None, None)
