from __future__ import annotations

import time
from ipaddress import ip_network
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cbor import Form, Tagged, loads
from device.errors import VerificationError

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=400)
DEPTH_MAX, ITEMS_MAX = 16, 512
LOOSE = Form(DEPTH_MAX, ITEMS_MAX, frozenset({int, str}), loose=True)
STRICT = Form(DEPTH_MAX, ITEMS_MAX, frozenset({str}))

WRITTEN: dict[str, tuple[str, Any]] = {  # RFC 8949, appendix A, and what it leaves out
    "zero": ("00", 0),
    "23": ("17", 23),
    "24": ("1818", 24),
    "1000": ("1903e8", 1000),
    "a million": ("1a000f4240", 1_000_000),
    "2^64 - 1": ("1bffffffffffffffff", 2**64 - 1),
    "a number longer than it need be": ("1800", 0),
    "-1": ("20", -1),
    "-1000": ("3903e7", -1000),
    "-2^64": ("3bffffffffffffffff", -(2**64)),
    "half": ("f93e00", 1.5),
    "single": ("fa47c35000", 100_000.0),
    "double": ("fb3ff199999999999a", 1.1),
    "false": ("f4", False),
    "true": ("f5", True),
    "null": ("f6", None),
    "no bytes": ("40", b""),
    "bytes": ("4401020304", b"\1\2\3\4"),
    "no text": ("60", ""),
    "a text": ("62c3bc", "ü"),
    "a list": ("83010203", [1, 2, 3]),
    "a map": ("a201020304", {1: 2, 3: 4}),
    "a map of texts": ("a16161a16162f6", {"a": {"b": None}}),
    "bytes in pieces": ("5f42010243030405ff", b"\1\2\3\4\5"),
    "a text in pieces": ("7f657374726561646d696e67ff", "streaming"),
    "a list without a stated length": ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    "an empty list without a stated length": ("9fff", []),
    "a map without a stated length": ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    "a text tagged as a date": ("c06a323032322d30342d3031", "2022-04-01"),
    "a number tagged as a date": ("c11a514b67b0", Tagged(1, 1_363_896_240)),
    "a number tagged as a date in words": ("c000", Tagged(0, 0)),
    "a text tagged as a pattern": ("d8236161", Tagged(35, "a")),
    "a tag of two bytes": ("d90100f6", Tagged(256, None)),
}


@pytest.mark.parametrize(("written", "value"), WRITTEN.values(), ids=WRITTEN.keys())
def test_plain_values_are_read(written: str, value: Any) -> None:
    read = loads(bytes.fromhex(written), LOOSE)
    assert (read, type(read)) == (value, type(value))


EARLY, HEAD, STRANGE = "the CBOR ends too early", "a CBOR head that has no meaning", "a CBOR value that means nothing here"
KEY, TOO_MUCH = "a CBOR key twice, or of another kind than this format has", "more CBOR than this format has"
PIECES = "a CBOR string in pieces that are no strings"
NO_NUMBER, NO_TAG = "a CBOR number that is none", "a CBOR tag, which this format does not have"
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", EARLY),
    "a length of nothing": (b"\x18", EARLY),
    "a text cut short": (b"\x62a", EARLY),
    "a list cut short": (b"\x82\x01", EARLY),
    "an endless list that ends": (b"\x9f\x01", EARLY),
    "an endless map that ends": (b"\xbf\x01\x02", EARLY),
    "a text that claims 2^63 letters": (b"\x7b\x7f" + b"\xff" * 7, EARLY),
    "a list that claims 2^64 items": (b"\x9b" + b"\xff" * 8, EARLY),
    "a map that claims 2^64 items": (b"\xbb" + b"\xff" * 8, EARLY),
    "a break without a list": (b"\xff", STRANGE),
    "undefined": (b"\xf7", STRANGE),
    "a simple value": (b"\xf8\x20", STRANGE),
    "a number of a length that is none": (b"\x1c", HEAD),
    "a number without a stated length": (b"\x1f", HEAD),
    "a negative number without a stated length": (b"\x3f", HEAD),
    "a tag without a stated length": (b"\xdf\x00", HEAD),
    "infinity": (b"\xf9\x7c\x00", NO_NUMBER),
    "not a number": (b"\xfb\x7f\xf8" + bytes(6), NO_NUMBER),
    "a text that is no UTF-8": (b"\x61\xff", "a CBOR text that is no UTF-8"),
    "a surrogate": (b"\x63\xed\xa0\x80", "a CBOR text that is no UTF-8"),
    "bytes in pieces of text": (b"\x5f\x61a\xff", PIECES),
    "a text in pieces of bytes": (b"\x7f\x41a\xff", PIECES),
    "a text in pieces of numbers": (b"\x7f\x01\xff", PIECES),
    "a key twice": (b"\xa2\x01\x02\x01\x03", KEY),
    "a key twice, spelled in two ways": (b"\xa2\x01\x02\x18\x01\x03", KEY),
    "a key that is a truth value": (b"\xa1\xf5\x02", KEY),
    "a key that is a fraction": (b"\xa1\xf9\x3c\x00\x02", KEY),
    "a key of bytes": (b"\xa1\x41a\x02", KEY),
    "a key that is a list": (b"\xa1\x80\x02", KEY),
    "a key that is tagged": (b"\xa1\xc1\x01\x02", KEY),
    "a byte behind it": (b"\x00\x00", "bytes behind the end of the CBOR"),
    "a nest of lists": (b"\x81" * 60_000, TOO_MUCH),
    "a nest of endless lists": (b"\x9f" * 60_000, TOO_MUCH),
    "a nest of maps": (b"\xa1\x01" * 30_000, TOO_MUCH),
    "a nest of tags": (b"\xd2" * 60_000, TOO_MUCH),
    "a nest of pieces": (b"\x5f" * 60_000, TOO_MUCH),
    "many items": (b"\x99\xff\xff" + b"\x80" * 65_535, TOO_MUCH),
    "many pieces": (b"\x5f" + b"\x40" * 60_000, TOO_MUCH),
}


@pytest.mark.parametrize(("data", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused_at_once(data: bytes, fault: str) -> None:
    begin_ns = time.thread_time_ns()
    with pytest.raises(VerificationError) as caught:
        loads(data, LOOSE)
    assert caught.value.what == fault
    assert time.thread_time_ns() - begin_ns < 20e6  # it takes 0.3 ms at most; many times that on a busy machine


STRICTLY_REFUSED: dict[str, tuple[bytes, str]] = {
    "bytes in pieces": (b"\x5f\x41a\xff", HEAD),
    "a text in pieces": (b"\x7f\x61a\xff", HEAD),
    "a list without a stated length": (b"\x9f\x01\xff", HEAD),
    "a map without a stated length": (b"\xbf\x61a\x01\xff", HEAD),
    "a text tagged as a date": (b"\xc0\x60", NO_TAG),
    "a pattern": (cbor2.dumps(cbor2.CBORTag(35, "(a+)+")), NO_TAG),
    "a key that is a number": (b"\xa1\x01\x02", KEY),
}


@pytest.mark.parametrize(("data", "fault"), STRICTLY_REFUSED.values(), ids=STRICTLY_REFUSED.keys())
def test_a_strict_format_has_no_open_lengths_no_tags_and_its_own_keys_only(data: bytes, fault: str) -> None:
    with pytest.raises(VerificationError) as caught:
        loads(data, STRICT)
    assert caught.value.what == fault


@pytest.mark.parametrize("items", [ITEMS_MAX - 1, ITEMS_MAX])
def test_a_message_has_at_most_512_items(items: int) -> None:
    data = cbor2.dumps([0] * items)
    if items < ITEMS_MAX:  # the list is one
        assert loads(data, LOOSE) == [0] * items
    else:
        with pytest.raises(VerificationError):
            loads(data, LOOSE)


@pytest.mark.parametrize("depth", [DEPTH_MAX, DEPTH_MAX + 1])
def test_a_message_has_at_most_16_levels(depth: int) -> None:
    data = b"\x81" * depth + b"\x00"
    if depth == DEPTH_MAX:
        assert repr(loads(data, LOOSE)) == "[" * depth + "0" + "]" * depth
    else:
        with pytest.raises(VerificationError):
            loads(data, LOOSE)


def test_five_bytes_do_not_become_every_address_there_is() -> None:
    assert loads(bytes.fromhex("d836820040"), LOOSE) == Tagged(54, [0, b""])
    assert isinstance(loads(cbor2.dumps(ip_network("::/0")), LOOSE), Tagged)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=30)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(-(2**20), 2**20) | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@SEEDED
@given(VALUES, st.booleans())
def test_what_another_program_writes_is_read_as_it_was_meant(value: Any, endless: bool) -> None:
    assert loads(cbor2.dumps(value, indefinite_containers=endless), LOOSE) == value


@SEEDED
@given(st.binary(max_size=100) | st.lists(st.sampled_from([*range(0, 256, 31), 0x1F, 0x5F, 0x7F, 0x9F, 0xBF, 0xFF]), max_size=40).map(bytes))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    try:
        read = loads(data, LOOSE)
    except VerificationError:
        return
    assert type(read) in {int, float, bytes, str, list, dict, bool, type(None), Tagged}
