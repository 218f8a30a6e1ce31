"""What is said before and after an order: who asks the gate for a challenge, and how the gate answers.

``cmd/challenge`` is not signed: a challenge helps nobody who holds no key. Answers are JSON, for people and programs alike; they
come from the gate as far as the broker can be trusted, and nothing may follow from them but what the asker shows or sends next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.bundles import strict
from device.bundles.fields import Fields
from device.commands.order import ALONE_WITHIN_S, BOOT, CHALLENGE_BYTES, ID_BYTES, TOGETHER_WITHIN_S
from device.errors import VerificationError
from device.events import shallow_json

CHALLENGE = "challenge"
"""The verb under which a challenge is asked for."""
ASK_MAX = 64
REPLY_MAX = 16 * 1024
"""Bytes, as the link to the uplink has it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for a challenge that is good for ``lifetime_s``; answered under ``reply/`` and ``id`` in hex."""

    id: bytes
    lifetime_s: int = ALONE_WITHIN_S


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the next order must repeat."""

    boot: str
    challenge: bytes
    lifetime_s: int


def encode_ask(ask: Ask) -> bytes:
    return strict.encode({"v": 1, "id": ask.id, "lifetime_s": ask.lifetime_s})


def decode_ask(data: bytes) -> Ask:
    """Raises VerificationError."""
    if len(data) > ASK_MAX:
        raise VerificationError("too long for a question")
    fields = Fields("a question", strict.decode(data))
    fields.whole("v", range(1, 2))
    ask = Ask(fields.octets("id", (ID_BYTES,)), fields.whole("lifetime_s", range(1, TOGETHER_WITHIN_S + 1)))
    fields.end()
    return ask


def reply_topic(id_: bytes) -> str:
    """The rest of the gate's topic."""
    return f"reply/{id_.hex()}"


def encode_reply(told: Mapping[str, Any]) -> bytes:
    """Raises VerificationError where that is more than an answer holds."""
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    if len(data) > REPLY_MAX:
        raise VerificationError(f"an answer of {len(data)} bytes is longer than {REPLY_MAX}")
    return data


def decode_reply(data: bytes) -> dict[str, Any]:
    """Raises VerificationError where ``data`` is no answer."""
    try:
        told = shallow_json.parse(data) if len(data) <= REPLY_MAX else None
    except ValueError:
        told = None
    if type(told) is not dict:
        raise VerificationError("not an answer of a gate")
    return told


def challenge_reply(challenge: Challenge) -> dict[str, Any]:
    return {"boot": challenge.boot, "challenge": challenge.challenge.hex(), "lifetime_s": challenge.lifetime_s}


def read_challenge(told: Mapping[str, Any]) -> Challenge:
    """Raises VerificationError where the gate has answered something else."""
    fields = Fields("a challenge", {name: told.get(name) for name in ("boot", "challenge", "lifetime_s")})
    challenge = bytes.fromhex(fields.text("challenge", pattern=rf"[0-9a-f]{{{2 * CHALLENGE_BYTES}}}"))
    return Challenge(fields.text("boot", pattern=BOOT), challenge, fields.whole("lifetime_s", range(1, TOGETHER_WITHIN_S + 1)))
