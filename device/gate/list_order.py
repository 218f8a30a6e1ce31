"""What the gate and the process that checks its lists say to each other: JSON in packets, a list's bytes as a sealed memfd.

gate     → checker  an Order, at once
checker  → gate     Handed (with the memfd): this list is proven and on the disk
gate     → checker  IN_FORCE: older ones may go
checker  → gate     Refused: this list is not taken, and why
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from typing import Any

from device.admission.list_file import Unfit
from device.admission.lists import ListKind

PACKET_MAX = 4096
IN_FORCE = b"in force"
KEEP_OLD = b"keep old"
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
"""What was proven stays what it is, for everybody and for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Take the list behind descriptor ``source``, or, where that is ``None``, load what lies in ``folder``.

    ``in_force`` are the versions that the gate works with now. No secret is told: ``key_id`` only names the list key.
    """

    folder: str
    source: int | None
    province: str
    site: str
    public_key: str  # hex
    key_id: str  # hex
    in_force: dict[str, int]
    reserve: int  # bytes of disk to leave free


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    kind: ListKind
    version: int
    entries: int
    issued_s: int
    valid_for_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """``kind`` and ``version`` are ``None`` where nobody can tell."""

    why: Unfit
    kind: ListKind | None
    version: int | None


def encode(said: Order | Handed | Refused) -> bytes:
    return json.dumps({"say": type(said).__name__, **asdict(said)}).encode()


def decode(packet: bytes) -> Order | Handed | Refused:
    """Raises ValueError, TypeError, LookupError on what the other did not make."""
    values: dict[str, Any] = json.loads(packet)
    match values.pop("say"):
        case "Order":
            return Order(**values)
        case "Handed":
            return Handed(**values | {"kind": ListKind(values["kind"])})
        case "Refused":
            kind = values["kind"]
            return Refused(**values | {"why": Unfit(values["why"]), "kind": None if kind is None else ListKind(kind)})
    raise ValueError("nobody says that")
