"""Orders as the tests give them: synthetic keys, one gate, and what each verb asks for."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles.delegations import Delegation, Role
from device.bundles.envelope import Place
from device.commands import order
from device.commands.deeds import (
    Announce,
    Deed,
    Diagnose,
    Drill,
    Erase,
    LaneMode,
    Open,
    Replay,
    Restart,
    SetMode,
    SetTime,
)
from device.commands.order import Order
from device.domain import Direction

HERE = Place("p-999", "s-999", "g-999")
BOOT = "boot-1"
CHALLENGE = b"c" * 16
ID = b"i" * 16
EPOCH = "9990000000000000"

DEEDS: dict[str, Deed] = {
    "open": Open(Direction.ENTRY),
    "open for exit": Open(Direction.EXIT),
    "normal": SetMode(LaneMode.NORMAL),
    "free": SetMode(LaneMode.FREE),
    "locked": SetMode(LaneMode.LOCKED),
    "drill": Drill(10),
    "bundle": Announce("policy", 100, b"h" * 32),
    "list": Announce("deny", 100_000, b"h" * 32),
    "replay": Replay(EPOCH, ((1, 5), (7, 7))),
    "diagnostics": Diagnose(),
    "time": SetTime(1_795_000_000_000),
    "restart": Restart(),
    "erase": Erase(EPOCH, 3, 9),
}


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def holder(number: int, *roles: Role, **limits: Any) -> Delegation:
    return Delegation(key(number).public_key().public_bytes_raw(), frozenset(roles), **limits)


def ordered(deed: Deed, **changes: Any) -> Order:
    return Order(
        **{"id": ID, "deed": deed, "gate": HERE.gate, "boot": BOOT, "challenge": CHALLENGE, "within_s": 60, "actor": "op-1", "why": "test"} | changes
    )


def signed(told: Order, *numbers: int) -> bytes:
    """The message, signed by the keys of these ``numbers``."""
    payload = order.encode(told)
    return order.message([order.sign(key(number), payload) for number in numbers or (1,)])
