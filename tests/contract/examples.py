"""One message of each kind, made by the product's own code for a gate that does not exist. ``docs/mqtt.md`` shows them.

Where a fact can only be made by a whole gate, its data stand here, and the schemas judge them like everything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import Moment
from device.admission.presentations import Presentation
from device.bundles.delegations import Role
from device.commands.deeds import Restart
from device.degraded import Trouble
from device.domain import (
    ClockTrust,
    Credential,
    CredentialKind,
    Decision,
    EventType,
    Instant,
    PassageOutcome,
    Proof,
    Track,
    TrackState,
)
from device.events import head, void
from device.events.cloudevents import Stamp, body_hash, encode, event_id
from device.events.pseudonyms import DayKey
from device.events.topics import Topics
from device.gate.case import Case, facts_of, open_grant_of
from device.gate.condition import Condition
from device.gate.journal import passage
from device.links import Hello
from device.uplink import presence
from device.uplink.presence import State
from provisioning.operations import alarms
from provisioning.operations.alarms import What
from tests.device.gate.command_bench import NUMBER, CommandBench

TOPICS = Topics("p-999", "s-999", "g-999")
BOOT = "99999999-9999-4999-8999-999999999999"
EPOCH = "9990000000000001"
OLD_EPOCH = "9990000000000000"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x99" * 32)
TIME = Instant(datetime(2026, 11, 20, 1, 0, 0, 123_000, tzinfo=UTC), ClockTrust.TRUSTED)
PERSON_KEY = b"kd1:999"
FRAME_NS, DECODED_NS, LOOKED_NS, COMMITTED_NS, OPENED_NS, ENDED_NS = (7_200_000_000_000 + ms * 1_000_000 for ms in (0, 48, 60, 64, 66, 2_866))


@cache
def events() -> dict[str, bytes]:
    """Type -> body; each names the one before it in the hash chain."""
    made: dict[str, bytes] = {}
    previous = b""
    for sequence, (kind, (subject, data)) in enumerate(_facts(), start=1):
        stamp = Stamp(TOPICS.gate, BOOT, EPOCH, sequence, previous)
        made[kind.value] = encode(kind, data, subject=subject, time=TIME, stamp=stamp)
        previous = body_hash(made[kind.value])
    return made


@cache
def messages() -> dict[str, tuple[str, bytes]]:
    """Name of the message in ``docs/asyncapi.yaml`` -> topic and JSON body."""
    reply, _ = _ordered()
    return {
        **{kind: (TOPICS.event(EventType(kind)), body) for kind, body in events().items()},
        "state": (TOPICS.state, _birth()),
        "health": (TOPICS.health, _health()),
        "note": (TOPICS.note, alarms.note(TOPICS.gate, [(What.TWO_BOOTS, TIME.utc.isoformat(timespec="seconds"))])),
        "reply": (TOPICS.said("reply/00000000000000000000000000000002"), reply),
    }


def _facts() -> Iterator[tuple[EventType, tuple[str, dict[str, Any]]]]:
    """In an order that may happen."""
    case, decision = _case(), Decision.admitted()
    id_ = event_id(TOPICS.gate, EPOCH, 2)
    person = {"person": DayKey(TIME.utc.date(), b"\x99" * 32).pseudonym(PERSON_KEY)}
    timing = {"frame_ns": FRAME_NS, "decoded_ns": DECODED_NS, "committed_ns": COMMITTED_NS, "commit_ns": 3_900_000}
    passed = passage(
        open_grant_of(id_, case, decision), PassageOutcome.TURNED, 1, {"timing": timing | {"opened_ns": OPENED_NS, "ended_ns": ENDED_NS}}
    )
    lost = void.Void(TOPICS.gate, OLD_EPOCH, 41, 57, "damaged")
    yield EventType.AUDIT, ("gate", {"what": "started", "boot": BOOT})
    yield EventType.DECISION, (case.presentation.id, facts_of(case, decision, person=person, trip=""))
    yield EventType.PASSAGE, (passed.subject, passed.data)
    yield EventType.ALARM, ("gate", _alarm())
    yield EventType.COMMAND, ("gate", _ordered()[1])
    yield EventType.VOID, ("gate", void.data(lost, void.sign(KEY, lost)))


def _case() -> Case:
    shown = Credential(CredentialKind.KD1, Proof.PROVEN, PERSON_KEY)
    track = Track("0badcafe-999", TrackState.APPEARED, b"KD1.", 216_000, FRAME_NS, DECODED_NS, DECODED_NS, "half")
    return Case(Presentation(track.id, track, shown, several=False, tracks=(track,)), Moment(TIME, BOOT, LOOKED_NS), DECODED_NS)


def _condition(alarm: Callable[[dict[str, Any]], None]) -> Condition:
    """A gate whose clock nobody vouches for."""
    condition = Condition(alarm=alarm, stand=lambda _signal: None, publish=lambda _body: True)
    condition.set(Trouble.CLOCK_UNTRUSTED, on=True)
    condition.tick(LOOKED_NS)
    return condition


def _alarm() -> dict[str, Any]:
    told: list[dict[str, Any]] = []
    _condition(told.append)
    return told[0]


def _health() -> bytes:
    return _condition(lambda _facts: None).body()


def _birth() -> bytes:
    ends = head.Head(TOPICS.gate, EPOCH, len(events()), body_hash(events()["void"]))
    hello = Hello(BOOT, EPOCH, ends.sequence, KEY.public_key().public_bytes_raw(), head.sign(KEY, ends))
    told = json.loads(presence.body(State.READY, TOPICS.gate, hello)) | {"version": "1.0.0"}  # whatever is installed here
    return json.dumps(told, separators=(",", ":")).encode()


@cache
def _ordered() -> tuple[bytes, dict[str, Any]]:
    """A restart that was ordered: the gate's reply, and what it records."""
    with TemporaryDirectory() as state, closing(CommandBench(Path(state))) as bench:
        reply = bench.give(Restart(), NUMBER[Role.TECHNICIAN])
        ((_, facts),) = bench.events
    return json.dumps({"gate": TOPICS.gate} | reply, separators=(",", ":")).encode(), facts
