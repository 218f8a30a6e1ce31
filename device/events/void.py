"""A signed void: in place of events that can never be delivered, so that nothing stalls behind them.

Of two kinds. One event that the broker refuses for good: ``first`` is ``last``, and ``hash`` is that of the original body,
through which the chain goes on. Or a range of an epoch that ended with a damaged store: ``hash`` is empty, and whatever of
that range the recorder does not have by then is lost. Such a range may be open: a store that cannot be read does not tell
how far it went, and its void reaches to ``LAST``.
"""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.domain import EventType
from device.errors import VerificationError
from device.events import statement
from device.events.cloudevents import SCHEMA_VERSION, body_hash
from device.events.confirmation import SEQUENCE_END
from device.events.head import HASH_BYTES

CONTEXT = b"qrgate-void-v1"
LAST = SEQUENCE_END - 1
TYPE_PREFIX = "qrgate."
WHY = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Void:
    """Events ``first`` to ``last`` of ``epoch`` will not come. ``why`` is a word, such as ``refused_151`` or ``damaged``."""

    gate: str
    epoch: str
    first: int
    last: int
    why: str
    hash: bytes = b""


TYPES: list[type] = [str, str, int, int, str, bytes]


def sign(key: Ed25519PrivateKey, void: Void) -> bytes:
    return statement.sign(key, list(astuple(void)), context=CONTEXT)


def verify(envelope: bytes, public_key: Ed25519PublicKey) -> Void:
    """Raises VerificationError where it is not a possible void that ``public_key`` has signed.

    A range may have 2^63 places: compare its ends, never walk it.
    """
    void = Void(*statement.verify(envelope, public_key, TYPES, context=CONTEXT))
    if not 1 <= void.first <= void.last <= LAST or WHY.fullmatch(void.why) is None:
        raise VerificationError("not a void")
    if void.hash and (len(void.hash) != HASH_BYTES or void.first != void.last):
        raise VerificationError("not a void")
    return void


def data(void: Void, envelope: bytes, type_: str = "") -> dict[str, Any]:
    """What an event of type ``void`` says. ``type_`` is the type of the one event that it stands for, empty for a range."""
    return {
        "epoch": void.epoch,
        "first": void.first,
        "last": void.last,
        "why": void.why,
        "hash": void.hash.hex(),
        "type": type_,
        "signature": envelope.hex(),
    }


def in_place_of(original: bytes, void: Void, envelope: bytes) -> bytes:
    """The body of an event that stands in the place of ``original``: the same id, time and place in the chain, and nothing of what it said."""
    event = json.loads(original)
    type_ = event["type"].removeprefix(TYPE_PREFIX)
    event |= {
        "type": f"{TYPE_PREFIX}{EventType.VOID}",
        "dataschema": f"urn:qrgate:{EventType.VOID}:{SCHEMA_VERSION}",
        "data": data(void, envelope, type_),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def link(body: bytes) -> bytes:
    """The hash that the next event of the chain carries: that of ``body``, or of the event in whose place this void stands.

    Raises:
        VerificationError: it is no event.
    """
    try:
        event = json.loads(body)
        if event["type"] != f"{TYPE_PREFIX}{EventType.VOID}" or not event["data"]["hash"]:
            return body_hash(body)
        return bytes.fromhex(event["data"]["hash"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise VerificationError("not an event") from None
