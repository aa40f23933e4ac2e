import numpy as np
import pytest

from drp_jax.sweep.store import arrays_in


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
