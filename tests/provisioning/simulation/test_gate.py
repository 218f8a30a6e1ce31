from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.domain import StoredEvent
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.events.topics import Topics
from device.uplink.inbox import Letter
from device.uplink.timing import Timing
from provisioning.authority.keys import read_signing_key
from provisioning.simulation.gate import TURN_NS, PlayedGate
from provisioning.simulation.province import Province, own


@pytest.fixture
def province(tmp_path: Path) -> Province:
    return own(tmp_path / "fleet", 1, 2000, lambda _: None)


@pytest.fixture
def gate(province: Province) -> Iterator[PlayedGate]:
    made = PlayedGate(province.gates[0], Ed25519PrivateKey.generate(), Timing(), 0)
    yield made
    made.leave()


def letter(province: Province, gate: PlayedGate, events: tuple[StoredEvent, ...], key: Ed25519PrivateKey | None = None) -> Letter:
    """The recorder's word on ``events``, signed with ``key`` where that is not the recorder's own."""
    signer = key or read_signing_key(province.folder / "recorder" / "confirmation.key")
    told = Confirmation(gate.name, gate.epoch, events[0].sequence, events[-1].sequence, range_digest(each.body for each in events))
    site = province.gates[0].site
    topic = Topics(site.province, site.site, gate.name).confirmation
    return Letter(1, 1, topic, sign1(signer, confirmation.encode(told), context=confirmation.CONTEXT))


def test_a_gate_without_a_broker_keeps_what_happens_and_has_its_turns(gate: PlayedGate) -> None:
    gate.record(1)
    gate.step(2)
    assert (gate.connected, len(gate.outbox)) == (False, 1)
    assert 2 <= gate.due_ns <= 2 + TURN_NS


def test_a_delay_is_from_the_event_to_the_recorders_word(province: Province, gate: PlayedGate) -> None:
    gate.record(10)
    gate.record(20)
    gate.step(100)
    assert gate.take(letter(province, gate, gate.outbox.after(0, 2)))
    assert (gate.delays_ns, len(gate.outbox)) == ([90, 80], 0)


def test_a_forged_word_of_the_recorder_lets_nothing_go(province: Province, gate: PlayedGate) -> None:
    gate.record(10)
    assert gate.take(letter(province, gate, gate.outbox.after(0, 1), Ed25519PrivateKey.generate()))
    assert (gate.delays_ns, len(gate.outbox)) == ([], 1)
