from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundles import strict
from device.commands.asking import (
    REPLY_MAX,
    Ask,
    Challenge,
    challenge_reply,
    decode_ask,
    decode_reply,
    encode_ask,
    encode_reply,
    read_challenge,
    reply_topic,
)
from device.errors import VerificationError
from device.links import SAID, SAID_MAX
from tests.device.commands.orders import ID

ASK = Ask(ID, 600)


def test_a_question_is_read_as_it_was_written() -> None:
    assert decode_ask(encode_ask(ASK)) == ASK


WRONG: dict[str, bytes] = {
    "nothing": b"",
    "no table": strict.encode([1, ID, 60]),
    "another version": strict.encode({"v": 2, "id": ID, "lifetime_s": 60}),
    "a short id": strict.encode({"v": 1, "id": ID[1:], "lifetime_s": 60}),
    "no time": strict.encode({"v": 1, "id": ID, "lifetime_s": 0}),
    "an hour": strict.encode({"v": 1, "id": ID, "lifetime_s": 3600}),
    "more": strict.encode({"v": 1, "id": ID, "lifetime_s": 60, "a": 1}),
    "too long": strict.encode({"v": 1, "id": ID, "lifetime_s": 60, "a": b"a" * 100}),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_no_question(data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode_ask(data)


def test_an_answer_goes_where_the_uplink_lets_it_and_is_no_longer_than_it_takes() -> None:
    assert SAID.fullmatch(reply_topic(ID))
    assert REPLY_MAX == SAID_MAX


def test_a_challenge_is_read_as_it_was_answered() -> None:
    challenge = Challenge("boot-1", b"c" * 16, 60)
    assert read_challenge(decode_reply(encode_reply({"gate": "g-999"} | challenge_reply(challenge)))) == challenge


@pytest.mark.parametrize("changes", [{"challenge": "zz"}, {"challenge": None}, {"boot": 1}, {"lifetime_s": "60"}, {"lifetime_s": 10**9}])
def test_a_broker_that_answers_nonsense_is_not_believed(changes: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        read_challenge(challenge_reply(Challenge("boot-1", b"c" * 16, 60)) | changes)


def test_an_answer_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(VerificationError):
        encode_reply({"a": "a" * REPLY_MAX})


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.binary(max_size=100) | st.sampled_from([b"[" * 10_000, b'{"a":' * 5000, b"1" * 10_000, b" " * (REPLY_MAX + 1), b"NaN", b"\xff"]))
def test_any_bytes_are_an_answer_or_a_typed_error(data: bytes) -> None:
    with suppress(VerificationError):
        assert type(decode_reply(data)) is dict
