"""Signed time: the gate asks on ``request/time`` with a challenge, and the recorder answers with an order of that challenge.

What the answer says was true at some moment between question and answer, which the gate measures on its monotonic clock. An answer
that somebody holds back is worth no more than a slow one.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles import strict
from device.bundles.envelope import NAME
from device.bundles.fields import Fields
from device.commands import order
from device.commands.deeds import SetTime
from device.commands.order import BOOT, CHALLENGE_BYTES, Order
from device.errors import VerificationError

WITHIN_S = 10
"""The time is known no better than the answer took: what takes longer is not taken."""
QUESTION_MAX = 256


@dataclass(frozen=True, slots=True)
class Question:
    gate: str
    boot: str
    challenge: bytes


def encode(question: Question) -> bytes:
    return strict.encode({"v": 1, "gate": question.gate, "boot": question.boot, "challenge": question.challenge})


def decode(data: bytes) -> Question:
    """Raises VerificationError where ``data`` is no such question."""
    if len(data) > QUESTION_MAX:
        raise VerificationError("too long for a question")
    fields = Fields("a question for the time", strict.decode(data))
    fields.whole("v", range(1, 2))
    question = Question(fields.text("gate", pattern=NAME.pattern), fields.text("boot", pattern=BOOT), fields.octets("challenge", (CHALLENGE_BYTES,)))
    fields.end()
    return question


def answer(key: Ed25519PrivateKey, question: Question, *, id_: bytes, utc_ms: int, actor: str = "recorder") -> bytes:
    """What is to be sent under ``cmd/time``: it is ``utc_ms`` now. ``id_`` is 16 fresh bytes. Raises VerificationError."""
    told = Order(id_, SetTime(utc_ms), question.gate, question.boot, question.challenge, WITHIN_S, actor)
    return order.message([order.sign(key, order.encode(told))])
