from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundles.strict import FORM, decode, encode
from device.errors import VerificationError

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=300)
DEPTH_MAX, ITEMS_MAX = FORM.depth_max, FORM.items_max

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=70)
    | st.text(max_size=30)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=30), inner, max_size=5), max_leaves=20)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@SEEDED
@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert decode(encode(value)) == value


@SEEDED
@given(st.binary(max_size=100))
def test_any_bytes_are_a_value_in_its_one_spelling_or_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except VerificationError:
        return
    assert encode(value) == data


def test_the_bounds_themselves_are_within() -> None:
    assert [decode(encode(value)) for value in (nested(DEPTH_MAX), [0] * (ITEMS_MAX - 1))] == [nested(DEPTH_MAX), [0] * (ITEMS_MAX - 1)]


REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "a byte behind it": b"\x01\x00",
    "cut short": b"\x62a",
    "a number in more bytes than it needs": b"\x18\x01",
    "a list without a stated length": b"\x9f\xff",
    "a text in pieces": b"\x7f\x61a\xff",
    "a tag": cbor2.dumps(cbor2.CBORTag(1, 0)),
    "a big number": cbor2.dumps(2**70),
    "undefined": b"\xf7",
    "another simple value": b"\xf8\x20",
    "not a number": b"\xf9\x7e\x00",
    "infinity": b"\xf9\x7c\x00",
    "a fraction in more bytes than it needs": b"\xfb" + b"\x3f\xe0" + bytes(6),
    "a text that is not UTF-8": b"\x61\xff",
    "a key twice": b"\xa2\x61a\x01\x61a\x02",
    "keys out of order": b"\xa2\x61b\x01\x61a\x02",
    "a key that is a number": b"\xa1\x01\x01",
    "a key that is a list": b"\xa1\x80\x01",
    "a text that claims 2^63 bytes": b"\x7b\x7f" + b"\xff" * 7,
    "a list that claims 2^63 values": b"\x9b\x7f" + b"\xff" * 7,
    "a map that claims 2^63 values": b"\xbb\x7f" + b"\xff" * 7,
    "too deep": encode(nested(DEPTH_MAX + 1)),
    "a nest of lists": b"\x81" * 1_000_000,
    "too many": encode([0] * ITEMS_MAX),
    "a length of an unknown form": b"\x5c",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_all_else_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(data)


@pytest.mark.parametrize("value", [object(), {1, object()}])
def test_what_cbor_lacks_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)
