"""An event as CloudEvents 1.0 structured JSON: made once, at commit, and published byte by byte as it was stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.domain import EventType, Instant

CONTENT_TYPE = "application/cloudevents+json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the store adds to the facts: where in the chain this event stands."""

    gate: str
    boot: str
    epoch: str
    sequence: int
    previous: bytes  # SHA-256 of the body before this one; empty for the first of an epoch


def event_id(gate: str, epoch: str, sequence: int) -> str:
    """Unique for ever: a store that was lost starts a new epoch. Consumers drop duplicates by it."""
    return f"{gate}-{epoch}-{sequence:020d}"


def encode(kind: EventType, data: Mapping[str, Any], *, subject: str, time: Instant, stamp: Stamp) -> bytes:
    """The body of one event.

    ``sequence`` is text, zero-padded, as the CloudEvents Sequence extension has it: a 64-bit count that never wraps.
    """
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id(stamp.gate, stamp.epoch, stamp.sequence),
            "source": f"/gates/{stamp.gate}",
            "type": f"qrgate.{kind}",
            "time": time.utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "subject": subject,
            "datacontenttype": "application/json",
            "dataschema": f"urn:qrgate:{kind}:{SCHEMA_VERSION}",
            "sequence": f"{stamp.sequence:020d}",
            "epoch": stamp.epoch,
            "bootid": stamp.boot,
            "clockquality": time.trust,
            "previoushash": stamp.previous.hex(),
            "data": data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def body_hash(body: bytes) -> bytes:
    """The link of the hash chain: SHA-256 of the stored bytes."""
    return hashlib.sha256(body).digest()
