"""What the tables of wrong arguments have in common."""

import jax
import numpy as np
import pytest
from conftest import compilations, make_photograph

from drp_jax import InputError, Problem, restore

KEY = jax.random.key(0)
PICTURE = make_photograph(12, 15, 3)
PROBLEM = Problem(PICTURE)
NAN = np.full_like(PICTURE, np.nan)
NOT_A_NUMBER = float("nan")
GRAY = PICTURE[..., 0]
SMALL = PICTURE[:7, :7]
BATCH = np.stack([PICTURE, PICTURE])
MASK = np.ones((12, 15, 1), np.float32)
BOX = np.full((3, 3), 1 / 9, np.float32)


def restored(observation=PICTURE, *, key=KEY, **options):
    return restore(observation, key=key, **options)


def fails(*arguments, **options):
    """What a user plugs in, with a mistake in it."""
    raise RuntimeError("of the\nuser")


def table(*tables):
    """Parametrizes a test by pairs of the message's beginning and the call."""
    pairs = [pair for table in tables for pair in table]
    return pytest.mark.parametrize(("beginning", "call"), pairs, ids=[pair[0] for pair in pairs])


def check_refused(beginning, call, *arguments):
    """The call ends in one line that names what is wrong and what is accepted, at once."""
    with compilations() as programs, pytest.raises(InputError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.startswith(beginning)
    assert "; accepted: " in message
    assert "\n" not in message
    assert not programs
