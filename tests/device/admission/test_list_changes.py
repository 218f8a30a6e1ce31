from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.admission.list_changes import GONE, applied, between
from device.admission.lists import HASH_BYTES, RECORD
from tests.lists import body_of

SMALL = st.dictionaries(st.integers(0, 30).map(lambda number: number.to_bytes(HASH_BYTES, "big")), st.integers(0, 2), max_size=20)


@given(SMALL, SMALL)
def test_what_is_between_two_lists_makes_one_of_the_other(old: dict[bytes, int], new: dict[bytes, int]) -> None:
    before, after = body_of(old), body_of(new)
    changes = b"".join(between(before, after))
    assert b"".join(applied(before, changes)) == after
    assert b"".join(applied(memoryview(before), memoryview(changes))) == after


def test_changes_are_what_is_new_what_differs_and_what_is_gone() -> None:
    a, b, c, d = (bytes([each]) * HASH_BYTES for each in (1, 2, 3, 255))
    old, new = body_of({a: 0, b: 0, c: 0}), body_of({b: 1, c: 0, d: 1})
    assert list(between(old, new)) == [RECORD.pack(a, GONE), RECORD.pack(b, 1), RECORD.pack(d, 1)]


def test_nothing_changes_nothing() -> None:
    body = body_of({b"a" * HASH_BYTES: 0})
    assert (list(between(body, body)), list(applied(body, b"")), list(applied(b"", b""))) == ([], [body], [])


def test_taking_away_who_is_not_there_takes_nobody_away() -> None:
    body = body_of({b"a" * HASH_BYTES: 0})
    assert b"".join(applied(body, RECORD.pack(b"b" * HASH_BYTES, GONE))) == body
