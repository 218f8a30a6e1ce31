from __future__ import annotations

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundles import strict
from device.commands import order
from device.commands.deeds import Deed, Diagnose
from device.commands.order import MESSAGE_MAX, WHY_MAX, Order, Signature, decode, encode, message, read_message, sign, unproven_id
from device.errors import VerificationError
from device.events.cose import verify1
from tests.device.commands.orders import DEEDS, ID, key, ordered, signed

ORDER = ordered(Diagnose())
PAYLOAD = encode(ORDER)
MESSAGE = signed(ORDER, 1, 2)
SEEDED = settings(derandomize=True, deadline=None, max_examples=300)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_an_order_is_read_as_it_was_written(deed: Deed) -> None:
    told = ordered(deed)
    assert decode(encode(told)) == told


def test_a_message_holds_the_signatures_in_their_order_over_one_payload() -> None:
    found = read_message(MESSAGE)
    assert [each.key_id for each in found] == [order.key_id(key(number).public_key().public_bytes_raw()) for number in (1, 2)]
    assert [verify1(each.envelope, key(number).public_key(), context=order.CONTEXT) for number, each in enumerate(found, 1)] == [PAYLOAD] * 2


def test_a_second_signer_signs_what_the_first_has_signed() -> None:
    (first,) = read_message(signed(ORDER, 1))
    assert message([first, sign(key(2), order.unproven(first))]) == MESSAGE


def spelt(**changes: Any) -> bytes:
    """An order as a careless writer could spell it; ``None`` leaves a field out."""
    return strict.encode({name: value for name, value in (strict.decode(PAYLOAD) | changes).items() if value is not None})


WRONG: dict[str, bytes] = {
    "nothing": b"",
    "no table": strict.encode([]),
    "another version": spelt(v=2),
    "an unknown field": spelt(until=1),
    "no arguments, where none are needed": spelt(args=None),
    "arguments that are no table": spelt(args=[]),
    "an unknown verb": spelt(verb="destroy"),
    "a short id": spelt(id=b"i" * 15),
    "a long challenge": spelt(challenge=b"c" * 17),
    "a gate that is a pattern": spelt(gate="+"),
    "a boot that is a line": spelt(boot="boot\n"),
    "no time at all": spelt(within_s=0),
    "an hour": spelt(within_s=3600),
    "an actor with blanks": spelt(actor="Nguyễn Thử Nghiệm"),
    "a reason of two lines": spelt(why="one\ntwo"),
    "a reason with a hidden turn": spelt(why="a\u202eb"),
    "a long reason": spelt(why="w" * (WHY_MAX + 1)),
    "no reason": spelt(why=None),
    "another spelling": cbor2.dumps(dict(reversed(strict.decode(PAYLOAD).items()))),
    "bytes behind it": PAYLOAD + b"\x00",
}


@pytest.mark.parametrize("payload", WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_no_order(payload: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(payload)


def test_the_office_signs_no_order_that_a_gate_would_not_read() -> None:
    with pytest.raises(VerificationError):
        encode(ordered(Diagnose(), actor="a b"))


PAIR = [b"k" * 8, b"e"]
NO_MESSAGE: dict[str, bytes] = {
    "nothing": b"",
    "no list": strict.encode({}),
    "nobody": strict.encode([]),
    "three": strict.encode([PAIR] * 3),
    "a short key id": strict.encode([[b"k" * 7, b"e"]]),
    "texts": strict.encode([["kkkkkkkk", "e"]]),
    "a long envelope": strict.encode([[b"k" * 8, b"e" * 9000]]),
    "too long": b"\x82" + b"\x00" * MESSAGE_MAX,
    "a longer spelling": b"\x98\x01" + strict.encode([PAIR])[1:],
    "a nest": b"\x81" * 5000,
}


@pytest.mark.parametrize("data", NO_MESSAGE.values(), ids=NO_MESSAGE.keys())
def test_anything_else_is_no_message(data: bytes) -> None:
    with pytest.raises(VerificationError):
        read_message(data)
    assert unproven_id(data) is None


def test_the_longest_reason_and_every_letter_of_viet_nam_are_taken() -> None:
    told = ordered(Diagnose(), why="ộ" * WHY_MAX)
    assert decode(encode(told)) == told


def test_where_an_answer_is_waited_for_is_known_before_anything_is_proven() -> None:
    assert unproven_id(MESSAGE) == ID
    assert unproven_id(message([Signature(b"k" * 8, b"\xd2\x84nonsense")])) is None


hostile = st.binary(max_size=600) | st.builds(
    lambda at, new: MESSAGE[:at] + new + MESSAGE[at + 1 :], st.integers(0, len(MESSAGE)), st.binary(max_size=3)
)


@SEEDED
@given(hostile)
def test_any_bytes_are_one_message_or_none(data: bytes) -> None:
    unproven_id(data)
    with suppress(VerificationError):
        assert message(read_message(data)) == data


@SEEDED
@given(st.builds(lambda at, new: PAYLOAD[:at] + new + PAYLOAD[at + 1 :], st.integers(0, len(PAYLOAD)), st.binary(max_size=3)))
def test_any_payload_is_one_order_or_none(payload: bytes) -> None:
    with suppress(VerificationError):
        told: Order = decode(payload)
        assert encode(told) == payload
