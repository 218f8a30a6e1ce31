"""A gate that is played: a card with a key and a chain of events, which can be copied as a thief would."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.domain import ClockTrust, EventType, Instant
from device.events import head, void
from device.events.cloudevents import Stamp, body_hash, encode, event_id
from device.events.head import Head
from device.events.topics import Topics
from device.events.void import Void
from provisioning.operations import arrivals, births
from provisioning.operations.archive import Archive
from provisioning.operations.arrivals import Arrival
from provisioning.operations.births import Birth
from tests.provisioning.live import PROVINCE, SITE, provision

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EPOCH = "e1"  # also hex digits, as a gate makes them


def key(seed: int = 1) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


@dataclass
class Card:
    """``bodies`` by sequence, as the gate's store has them; ``hashes`` is the chain, which a void does not change."""

    gate: str = "g-a"
    epoch: str = EPOCH
    boot: str = "boot-1"
    key: Ed25519PrivateKey = field(default_factory=key)
    bodies: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=lambda: [b""])

    @property
    def topics(self) -> Topics:
        return Topics(PROVINCE, SITE, self.gate)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def stolen(self) -> Card:
        """Another device with a copy of this card, which has started since."""
        other = copy.copy(self)
        other.bodies, other.hashes, other.boot = list(self.bodies), list(self.hashes), "boot-of-the-copy"
        return other

    def decide(self, **data: Any) -> Arrival:
        return self.write(EventType.DECISION, data)

    def write(self, kind: EventType, data: dict[str, Any]) -> Arrival:
        stamp = Stamp(self.gate, self.boot, self.epoch, len(self.bodies) + 1, self.hashes[-1])
        body = encode(kind, data, subject="gate", time=Instant(NOW, ClockTrust.TRUSTED), stamp=stamp)
        self.bodies.append(body)
        self.hashes.append(body_hash(body))
        return self.sent(len(self.bodies))

    def sent(self, sequence: int) -> Arrival:
        """What arrives when the gate sends this place of its store."""
        body = self.bodies[sequence - 1]
        found = arrivals.read(self.topic(sequence), body, province=PROVINCE)
        assert isinstance(found, Arrival)
        return found

    def topic(self, sequence: int) -> str:
        kind = json.loads(self.bodies[sequence - 1])["type"].removeprefix("qrgate.")
        return f"qg/v1/{PROVINCE}/{SITE}/{self.gate}/event/{kind}"

    def give_up(self, sequence: int, *, signer: Ed25519PrivateKey | None = None, why: str = "refused_153") -> Arrival:
        """The broker refuses this one: a void takes its place."""
        original = self.bodies[sequence - 1]
        lost = Void(self.gate, self.epoch, sequence, sequence, why, body_hash(original))
        self.bodies[sequence - 1] = void.in_place_of(original, lost, void.sign(signer or self.key, lost))
        return self.sent(sequence)

    def give_up_range(self, epoch: str, first: int, last: int) -> Arrival:
        """After a damaged store: what is missing of the epoch before."""
        lost = Void(self.gate, epoch, first, last, "damaged")
        return self.write(EventType.VOID, void.data(lost, void.sign(self.key, lost)))

    def birth_body(self, **changes: Any) -> bytes:
        told = Head(self.gate, self.epoch, len(self.bodies), self.hashes[-1])
        content = {"state": "ready", "gate": self.gate, "boot": self.boot, "epoch": self.epoch, "last_sequence": len(self.bodies), "version": "1"}
        content |= {"capabilities": ["void", "commands"]}
        content |= {"key": self.public.hex(), "head": head.sign(self.key, told).hex()}
        return json.dumps(content | changes).encode()

    def birth(self, *, fresh: bool = True, **changes: Any) -> Birth:
        found = births.read(self.topics.said("state"), self.birth_body(**changes), province=PROVINCE, fresh=fresh)
        assert isinstance(found, Birth)
        return found

    def id(self, sequence: int) -> str:
        return event_id(self.gate, self.epoch, sequence)


def recorder_of_a_known_gate(out: Path) -> Path:
    """Settings of a recorder whose archive knows one gate: with a gap, a void, a conflict and a new key."""
    folder = provision(out).recorder
    card = Card()
    for _ in range(4):
        card.decide()
    copied = Card()
    copied.decide(other=True)
    card.give_up(4)
    anew = Card(key=key(2), epoch="e2", boot="boot-2")
    with Archive(folder / "events.sqlite") as archive:
        archive.store([card.birth(), card.sent(1), card.sent(4), copied.sent(1), anew.birth()], received_at=NOW)
    return folder / "recorder.toml"
