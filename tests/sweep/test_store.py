import functools
import sqlite3
from types import SimpleNamespace

import numpy as np
import pytest

from drp_jax.sweep.store import Store, arrays_in


@pytest.fixture
def stored(tmp_path):
    np.savez(tmp_path / "one.npz", image=np.arange(3.0))
    return tmp_path / "one.npz"


def encrypt(path):
    """Sets the bit of an archive that says that its entry is encrypted."""
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def save_one_array(path):
    with open(path, "wb") as opened:
        np.save(opened, np.arange(3.0))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"\xf0?", b"\xf1?")),
        encrypt,
        save_one_array,
    ],
    ids=["deleted", "empty", "cut off", "changed", "encrypted", "npy"],
)
def test_a_file_that_cannot_be_read_has_no_arrays(stored, damage):
    arrays = arrays_in(stored.parent, "one")
    np.testing.assert_array_equal(arrays["image"], np.arange(3.0))
    damage(stored)
    assert arrays_in(stored.parent, "one") is None


def test_a_table_that_another_process_makes_meanwhile_is_of_this_version(tmp_path, monkeypatch):
    others = []

    class Interrupted(sqlite3.Connection):
        """Between its first look at the table and its second another process makes it."""

        def execute(self, statement, *arguments):
            cursor = super().execute(statement, *arguments)
            if others:
                return cursor
            (row,) = cursor.fetchall()
            others.append(True)
            with Store(tmp_path):
                pass
            return SimpleNamespace(fetchone=lambda: row)

    connect = functools.partial(sqlite3.connect, factory=Interrupted)
    monkeypatch.setattr("drp_jax.sweep.store.sqlite3.connect", connect)
    with Store(tmp_path) as store:
        assert store.rows() == []
    assert others
