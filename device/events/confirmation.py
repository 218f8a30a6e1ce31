"""The recorder's word that it has stored a range of events: the only thing that lets a row leave the gate.

A PUBACK says that the broker took a message, not that anybody has it (measured: a broker with its defaults lost 2,000 of
2,000 acknowledged messages). So the recorder names a range and a digest of the very bytes it stored, and signs both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import cbor2

from device.cbor import Form, loads
from device.errors import VerificationError

CONTEXT = b"qrgate-confirmation-v1"
RANGE_MAX = 2_000
"""Events in one confirmation: the gate hashes them all, in one turn, before it believes. Recorders of version 0.1 named up to 10,000:
what such a one covers is not let go, and is sent and confirmed again page by page."""
SEQUENCE_END = 2**63
"""Sequences stay below: the store counts in signed 64-bit numbers."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Events ``first`` to ``last`` of ``epoch`` are stored; ``digest`` is ``range_digest`` of their bodies."""

    gate: str
    epoch: str
    first: int
    last: int
    digest: bytes


TYPES = [str, str, int, int, bytes]
FORM = Form(depth_max=1, items_max=1 + len(TYPES), keys=frozenset())


def range_digest(bodies: Iterable[bytes]) -> bytes:
    """SHA-256 over the SHA-256 of each body, in order of sequence."""
    whole = hashlib.sha256()
    for body in bodies:
        whole.update(hashlib.sha256(body).digest())
    return whole.digest()


def encode(confirmation: Confirmation) -> bytes:
    payload: bytes = cbor2.dumps(list(astuple(confirmation)))
    return payload


def decode(payload: bytes) -> Confirmation:
    """Raises VerificationError where ``payload`` is no confirmation of a possible range."""
    try:
        values = loads(payload, FORM)
    except VerificationError:
        raise VerificationError("not a confirmation") from None
    if type(values) is not list or [type(value) for value in values] != TYPES:
        raise VerificationError("not a confirmation")
    confirmation = Confirmation(*values)
    if encode(confirmation) != payload or not _is_possible(confirmation):
        raise VerificationError("not a confirmation")
    return confirmation


def _is_possible(confirmation: Confirmation) -> bool:
    return 1 <= confirmation.first <= confirmation.last < min(confirmation.first + RANGE_MAX, SEQUENCE_END)
