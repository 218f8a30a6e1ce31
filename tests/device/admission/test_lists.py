from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission.lists import (
    DECLARED,
    ENTRIES_MAX,
    HASH_BYTES,
    KEY_BYTES,
    KEY_ID_BYTES,
    MUST_STAY,
    NOT_DECLARED,
    RECORD,
    RELEASED,
    VALUES,
    ListKind,
    count,
    find,
    hash_of,
    is_sorted,
    key_id,
    place,
    values_of,
)
from tests.lists import body_of, persons, random_body

HASHES = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)
CROWDED = st.integers(0, 40).map(lambda number: number.to_bytes(HASH_BYTES, "big"))  # no keyed hash is so uneven
ENTRIES = st.dictionaries(HASHES | CROWDED, st.integers(0, 255), max_size=60)


@given(ENTRIES, st.lists(HASHES | CROWDED, max_size=20))
def test_a_list_knows_what_a_dictionary_knows(entries: dict[bytes, int], others: list[bytes]) -> None:
    body = body_of(entries)
    asked = [*entries, *others]
    assert [find(body, each) for each in asked] == [entries.get(each) for each in asked]
    assert [find(memoryview(body), each) for each in asked] == [entries.get(each) for each in asked]


@given(ENTRIES, HASHES | CROWDED, st.integers(0, 60))
def test_a_place_is_the_first_that_is_not_below(entries: dict[bytes, int], wanted: bytes, begin: int) -> None:
    begin = min(begin, len(entries))
    hashes = sorted(entries)
    expected = next((at for at in range(begin, len(hashes)) if hashes[at] >= wanted), len(hashes))
    assert place(body_of(entries), wanted, begin) == expected


@pytest.mark.parametrize("first", [b"\x00", b"\x80", b"\xff"])
def test_hashes_that_are_all_alike_are_found_too(first: bytes) -> None:
    """Nothing that an even spread would lead one to expect."""
    hashes = [first * 9 + number.to_bytes(2, "big") for number in range(1, 2000)]
    body = body_of(dict.fromkeys(hashes, 0))
    assert [place(body, each) for each in hashes] == list(range(1999))
    strangers = [first * 9 + b"\0\0", first * 9 + b"\xff\xff", bytes(11), b"\xff" * 11, b"\x40" * 11, b"\xc0" * 11]
    assert [find(body, each) for each in strangers] == [None] * 6


@given(st.binary(max_size=600), HASHES)
def test_any_bytes_are_searched_without_harm(body: bytes, wanted: bytes) -> None:
    found = find(body, wanted)
    assert found is None or wanted + bytes([found]) in body


def test_in_a_large_list_all_are_found_and_nobody_else() -> None:
    body = random_body(20_000)
    records = [body[at : at + RECORD.size] for at in range(0, len(body), RECORD.size)]
    assert all(find(body, each[:HASH_BYTES]) == 0 for each in records)
    strangers = random_body(2_000, seed=2)
    assert all(find(body, hashed) is None for hashed, _ in RECORD.iter_unpack(strangers))
    assert (count(body), count(b"")) == (20_000, 0)


@given(st.lists(st.tuples(CROWDED, st.integers(0, 3)), max_size=8))
def test_sorted_is_sorted_without_doubles(entries: list[tuple[bytes, int]]) -> None:
    hashes = [each for each, _ in entries]
    body = b"".join(RECORD.pack(*each) for each in entries)
    assert is_sorted(body) == (hashes == sorted(set(hashes)))
    assert values_of(body) == {value for _, value in entries}


@pytest.mark.parametrize("rest", [1, 11, 13])
def test_half_a_record_is_not_sorted(rest: int) -> None:
    assert not is_sorted(random_body(3) + bytes(rest))


def test_a_name_is_hidden_by_the_key() -> None:
    one, other = b"\x99" * 32, b"\x98" * 32
    name = persons([1])[0]
    assert hash_of(one, name) == bytes.fromhex("04029b42fce47d3d98d88c")
    assert hash_of(one, name) != hash_of(other, name)
    assert key_id(one) == bytes.fromhex("4a363ff6f3f6ab82")
    assert key_id(one) != key_id(other)


def test_the_words_and_numbers_of_lists_that_are_about_stay_as_they_are() -> None:
    assert [each.value for each in ListKind] == ["deny", "allow", "revoked", "expected", "declared"]
    assert (MUST_STAY, RELEASED, NOT_DECLARED, DECLARED) == (0, 1, 0, 1)
    assert {kind: {0, 1} if kind in {ListKind.EXPECTED, ListKind.DECLARED} else {0} for kind in ListKind} == VALUES
    assert (KEY_BYTES, KEY_ID_BYTES, HASH_BYTES, RECORD.size, ENTRIES_MAX) == (32, 8, 11, 12, 1_000_000)


@pytest.mark.parametrize(("body", "expected"), [(b"", True), (body_of({b"a" * HASH_BYTES: 0}), True), (body_of({b"a" * HASH_BYTES: 0}) * 2, False)])
def test_a_list_without_a_pair_that_is_out_of_order_is_sorted(body: bytes, expected: bool) -> None:
    assert is_sorted(body) is expected
