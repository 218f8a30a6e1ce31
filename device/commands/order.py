"""An order: what is to be done at one gate, once, and whose word that is.

A message is a CBOR list of one or two pairs of key id and envelope. Each envelope is COSE_Sign1 over the very same payload: a map of
``v`` (1), ``id``, ``verb``, ``args``, ``gate``, ``boot``, ``challenge``, ``within_s``, ``actor`` and ``why``. There is one way to
write each. ``gate``, ``boot`` and ``challenge`` make it worthless anywhere else, after a restart, and a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles import strict
from device.bundles.envelope import NAME
from device.bundles.fields import Fields
from device.cbor import Form, Tagged, loads
from device.commands import deeds
from device.commands.deeds import Deed, Verb
from device.credentials.kd1 import KEY_ID_BYTES, issuer_key_id
from device.errors import VerificationError
from device.events.cose import ENVELOPE_MAX, sign1

CONTEXT = b"qrgate-command-v1"
VERSION = 1
SIGNATURES_MAX = 2
MESSAGE_MAX = SIGNATURES_MAX * (ENVELOPE_MAX + 32)
ID_BYTES = CHALLENGE_BYTES = 16
ALONE_WITHIN_S, TOGETHER_WITHIN_S = 60, 600
"""Seconds from the challenge to the order. Two people who sign on two machines need minutes."""
BOOT = r"[a-z0-9-]{1,64}"
ACTOR = r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?"
WHY_MAX = 120
UNPROVEN = Form(depth_max=2, items_max=8, keys=frozenset({int}), loose=True)


@dataclass(frozen=True, slots=True)
class Order:
    """``actor`` is an opaque id and ``why`` a few words, both recorded as they are: no name, no number of a person in either."""

    id: bytes
    deed: Deed
    gate: str
    boot: str
    challenge: bytes
    within_s: int
    actor: str
    why: str = ""

    @property
    def verb(self) -> Verb:
        return deeds.verb_of(self.deed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signer's envelope. ``key_id`` only says which key to try."""

    key_id: bytes
    envelope: bytes


def encode(order: Order) -> bytes:
    """Raises VerificationError: no gate would take it."""
    payload = _spelt(order)
    decode(payload)  # the gate's own reader has the last word
    return payload


def decode(payload: bytes) -> Order:
    """Raises VerificationError where ``payload`` is no order."""
    fields = Fields("an order", strict.decode(payload))
    fields.whole("v", range(VERSION, VERSION + 1))
    order = Order(
        id=fields.octets("id", (ID_BYTES,)),
        deed=deeds.read(Verb(fields.text("verb", pattern="|".join(Verb))), fields.table("args", 16)),
        gate=fields.text("gate", pattern=NAME.pattern),
        boot=fields.text("boot", pattern=BOOT),
        challenge=fields.octets("challenge", (CHALLENGE_BYTES,)),
        within_s=fields.whole("within_s", range(1, TOGETHER_WITHIN_S + 1)),
        actor=fields.text("actor", pattern=ACTOR),
        why=_few_words(fields.text("why")),
    )
    fields.end()
    if _spelt(order) != payload:
        raise VerificationError("an order that is not in its one spelling")
    return order


def key_id(public_key: bytes) -> bytes:
    """The name of a raw Ed25519 key in messages, as everywhere: the first 8 bytes of its SHA-256."""
    return issuer_key_id(public_key)


def sign(key: Ed25519PrivateKey, payload: bytes) -> Signature:
    """``payload`` as ``encode`` made it, or as another signer has signed it already."""
    return Signature(key_id(key.public_key().public_bytes_raw()), sign1(key, payload, context=CONTEXT))


def message(signatures: Iterable[Signature]) -> bytes:
    """What is sent. Raises VerificationError where no gate would read it."""
    data = strict.encode([[each.key_id, each.envelope] for each in signatures])
    read_message(data)
    return data


def read_message(data: bytes) -> tuple[Signature, ...]:
    """The signatures in ``data``, none of them proven. Raises VerificationError where it is no message."""
    if len(data) > MESSAGE_MAX:
        raise VerificationError("the order is too long")
    pairs = strict.decode(data)
    if type(pairs) is not list or not 1 <= len(pairs) <= SIGNATURES_MAX or not all(map(_is_pair, pairs)):
        raise VerificationError("not an order")
    return tuple(Signature(*pair) for pair in pairs)


def unproven(signature: Signature) -> bytes:
    """The payload that ``signature`` is about, whoever made it. Raises VerificationError where it has none."""
    envelope = loads(signature.envelope, UNPROVEN)
    parts = envelope.value if type(envelope) is Tagged else None
    if type(parts) is not list or len(parts) != 4 or type(parts[2]) is not bytes:
        raise VerificationError("not a signed message")
    return parts[2]


def unproven_id(data: bytes) -> bytes | None:
    """Under which id the sender of ``data`` waits for an answer, as far as that can be told."""
    try:
        return decode(unproven(read_message(data)[0])).id
    except VerificationError:
        return None


def _spelt(order: Order) -> bytes:
    return strict.encode(
        {
            "v": VERSION,
            "id": order.id,
            "verb": str(order.verb),
            "args": deeds.arguments(order.deed),
            "gate": order.gate,
            "boot": order.boot,
            "challenge": order.challenge,
            "within_s": order.within_s,
            "actor": order.actor,
            "why": order.why,
        }
    )


def _is_pair(pair: Any) -> bool:
    return type(pair) is list and [type(part) for part in pair] == [bytes, bytes] and len(pair[0]) == KEY_ID_BYTES and len(pair[1]) <= ENVELOPE_MAX


def _few_words(text: str) -> str:
    if len(text) > WHY_MAX or not text.isprintable():
        raise VerificationError(f"the reason of an order is one line of at most {WHY_MAX} characters")
    return text
