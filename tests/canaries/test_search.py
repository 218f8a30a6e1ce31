from __future__ import annotations

import hashlib
import random

import pytest

from tests.canaries.people import people
from tests.canaries.search import CHUNK_BYTES, Hit, Search
from tests.canaries.spelling import forms

NAME = "Nguyễn Thị Thử Khuê"


def found(patterns: dict[bytes, str], data: bytes) -> list[Hit]:
    return list(Search(patterns).find(data))


def test_every_form_is_found_wherever_it_stands() -> None:
    chance = random.Random(1)
    patterns = dict.fromkeys(forms(NAME), "the name")
    search = Search(patterns)
    for form in patterns:
        before = chance.randbytes(chance.randrange(100))
        assert Hit("the name", form, len(before)) in list(search.find(before + form + chance.randbytes(20)))


@pytest.mark.parametrize("at", [0, CHUNK_BYTES - 12, CHUNK_BYTES - 8, CHUNK_BYTES - 3, CHUNK_BYTES, 2 * CHUNK_BYTES - 16])
def test_no_border_of_a_chunk_hides_anything(at: int) -> None:
    data = bytearray(2 * CHUNK_BYTES)
    data[at : at + 16] = b"a name of no one"
    assert found({b"a name of no one": "it"}, bytes(data)) == [Hit("it", b"a name of no one", at)]


def test_patterns_with_the_same_middle_are_told_apart() -> None:
    patterns = {b"xxmiddleyy": "first", b"vvmiddleww": "second", b"middle": "both"}
    assert {hit.what for hit in found(patterns, b"..xxmiddleyy..")} == {"first", "both"}
    assert {hit.what for hit in found(patterns, b"..xxmiddleww..")} == {"both"}


def test_a_short_number_counts_only_where_it_stands_alone() -> None:
    patterns = {b"0900012345": "telephone", b"999090000001": "paper"}
    alone = (b"0900012345", b'"0900012345"', b"tel:0900012345;", b"\x000900012345\x00")
    assert [bool(found(patterns, data)) for data in alone] == [True] * len(alone)
    assert found(patterns, b"1790900012345678 a0900012345 0900012345f") == []
    assert [hit.what for hit in found(patterns, b"17999090000001678")] == ["paper"]


def test_too_short_a_pattern_is_refused_rather_than_never_found() -> None:
    with pytest.raises(AssertionError):
        Search({b"short": "five bytes"})


def test_hashes_numbers_and_noise_hold_nobody() -> None:
    """As much as events and sealed rows hold of them, for more people than the long form has."""
    crowd = people(3)
    patterns = {form: "somebody" for _ in range(400) for value in next(crowd).values().values() for form in forms(value)}
    chance = random.Random(4)
    hashes = b"".join(hashlib.sha256(bytes([number % 256, number // 256])).hexdigest().encode() + b'","' for number in range(20_000))
    numbers = b"".join(b'"frame_ns":%d,' % chance.randrange(10**15, 10**16) for _ in range(40_000))
    assert found(patterns, hashes + numbers + chance.randbytes(3_000_000)) == []


def test_nothing_is_found_where_nothing_is_sought() -> None:
    assert found({}, b"anything at all") == []
    assert found({b"anything": "it"}, b"any") == []


def test_what_stood_there_before_anybody_came_is_no_hit() -> None:
    search = Search({b"boilerplate": "a piece", b"a name of no one": "a name"})
    search.ignore(b"-----boilerplate-----")
    assert ([hit.what for hit in search.find(b"boilerplate, a name of no one")], search.ignored) == (["a name"], {b"boilerplate": "a piece"})


def test_of_what_is_ignored_only_what_is_meant_may_be_named() -> None:
    search = Search({b"boilerplate": "a piece", b"a name of no one": "a name"})
    search.ignore(b"boilerplate, a name of no one", only="piece")
    assert search.ignored == {b"boilerplate": "a piece"}
