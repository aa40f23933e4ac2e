"""The record of what is written, sound and damaged."""

import pytest

from drp_jax import InputError
from drp_jax.commands.inputs import RECORD
from drp_jax.commands.record import Record, identity


def test_the_last_line_of_a_name_counts(tmp_path):
    record = Record(tmp_path)
    assert record.get("a") is None
    record.add({"name": "a", "seconds": 1.5})
    record.add({"name": "sub/ä", "seconds": 2})
    record.add({"name": "a", "seconds": 3})
    for one in (record, Record(tmp_path)):
        assert one.get("a") == {"name": "a", "seconds": 3}
        assert one.get("sub/ä") == {"name": "sub/ä", "seconds": 2}
    assert len((tmp_path / RECORD).read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "damage", [b'{"name": "b", "sec', b"[1]\n", b"3\n", b"{}\n", b"\xff\x00\n"]
)
def test_a_damaged_line_counts_as_not_there(tmp_path, damage):
    Record(tmp_path).add({"name": "a"})
    with open(tmp_path / RECORD, "ab") as opened:
        opened.write(damage)
    Record(tmp_path).add({"name": "c"})
    record = Record(tmp_path)
    assert [record.get(name) is not None for name in "abc"] == [True, False, True]


def test_a_record_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / RECORD).mkdir()
    with pytest.raises(InputError, match="cannot be read: Is a directory; accepted: the record"):
        Record(tmp_path)
    with pytest.raises(InputError, match="cannot be written: No such file or directory; accepted"):
        Record(tmp_path / "none").add({"name": "a"})


def test_an_identity_changes_with_the_content(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"123")
    first = identity(path)
    assert identity(path) == first
    path.write_bytes(b"1234")
    assert identity(path) != first
