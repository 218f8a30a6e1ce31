from __future__ import annotations

import pytest

from device.bundles import strict
from device.bundles.delegations import Role
from device.clock import NS, SIGNED_WITHIN_NS
from device.commands import signed_time
from device.commands.deeds import SetTime
from device.commands.judge import Ruling, judge
from device.commands.order import Order, key_id
from device.commands.signed_time import WITHIN_S, Question, answer, decode, encode
from device.errors import VerificationError
from tests.device.commands.orders import BOOT, CHALLENGE, HERE, ID, holder, key

QUESTION = Question(HERE.gate, BOOT, CHALLENGE)
UTC_MS = 1_795_000_000_123


def test_a_question_is_read_as_it_was_written() -> None:
    assert decode(encode(QUESTION)) == QUESTION


@pytest.mark.parametrize(
    "data",
    [
        b"",
        strict.encode([]),
        strict.encode({"v": 1, "gate": "+", "boot": BOOT, "challenge": CHALLENGE}),
        strict.encode({"v": 1, "gate": HERE.gate, "boot": BOOT, "challenge": b""}),
        strict.encode({"v": 1, "gate": HERE.gate, "boot": BOOT, "challenge": CHALLENGE, "more": b"m" * signed_time.QUESTION_MAX}),
    ],
    ids=["nothing", "no table", "a pattern for a gate", "no challenge", "too long"],
)
def test_anything_else_is_no_question(data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(data)


def test_the_answer_is_the_recorder_s_order_for_this_question() -> None:
    data = answer(key(1), QUESTION, id_=ID, utc_ms=UTC_MS)
    recorder = holder(1, Role.RECORDER)
    told = Order(ID, SetTime(UTC_MS), HERE.gate, BOOT, CHALLENGE, WITHIN_S, "recorder")
    assert judge(data, "time", place=HERE, boot=BOOT, delegations=(recorder,), passed_s=0) == Ruling(told, (key_id(recorder.key).hex(),))


def test_the_question_is_open_for_as_long_as_the_clock_would_take_the_answer() -> None:
    assert WITHIN_S * NS == SIGNED_WITHIN_NS
