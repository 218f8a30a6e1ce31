from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.errors import VerificationError
from device.events import confirmation
from device.events.cloudevents import body_hash
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from provisioning.simulation.outbox import Outbox

RECORDER = Ed25519PrivateKey.from_private_bytes(b"\x99" * 32)
GATE, EPOCH = "sim-00001", "e1"


@pytest.fixture
def outbox() -> Outbox:
    """Five events, made at 0, 1, 2, 3 and 4 nanoseconds."""
    made = Outbox(GATE, boot="b1", epoch=EPOCH, recorder=RECORDER.public_key())
    for moment_ns in range(5):
        made.record(moment_ns)
    return made


def sequences(outbox: Outbox, after: int = 0, limit: int = 100) -> list[int]:
    return [each.sequence for each in outbox.after(after, limit)]


def confirmed(outbox: Outbox, first: int, last: int, *, gate: str = GATE, key: Ed25519PrivateKey = RECORDER) -> bytes:
    digest = range_digest(each.body for each in outbox.after(first - 1, last - first + 1))
    return sign1(key, confirmation.encode(Confirmation(gate, EPOCH, first, last, digest)), context=confirmation.CONTEXT)


def test_each_event_names_the_one_before_it(outbox: Outbox) -> None:
    bodies = [each.body for each in outbox.after(0, 100)]
    named = [json.loads(body)["previoushash"] for body in bodies]
    assert named == ["", *(body_hash(body).hex() for body in bodies[:-1])]
    assert outbox.head.hash == body_hash(bodies[-1])


def test_events_are_given_in_order_as_many_as_were_asked_for(outbox: Outbox) -> None:
    assert sequences(outbox, -100) == [1, 2, 3, 4, 5]
    assert sequences(outbox, 1, 2) == [2, 3]
    assert sequences(outbox, 5) == []


def test_what_the_recorder_signed_for_is_let_go_and_nothing_else(outbox: Outbox) -> None:
    assert outbox.confirm(confirmed(outbox, 2, 3), 100) == [99, 98]
    assert (sequences(outbox), len(outbox), outbox.made, outbox.oldest_ns) == ([1, 4, 5], 3, 5, 0)


def test_a_confirmation_that_comes_twice_does_nothing_the_second_time(outbox: Outbox) -> None:
    envelope = confirmed(outbox, 1, 2)
    outbox.confirm(envelope, 100)
    assert outbox.confirm(envelope, 200) == []
    assert sequences(outbox) == [3, 4, 5]


@pytest.mark.parametrize("envelope", ["forged", "another gate's", "of other bytes", "of the future"])
def test_nothing_goes_without_the_recorders_word_on_these_very_bytes(outbox: Outbox, envelope: str) -> None:
    other = Confirmation(GATE, EPOCH, 1, 1 if envelope == "of other bytes" else 6, b"\x99" * 32)
    envelopes = {
        "forged": confirmed(outbox, 1, 2, key=Ed25519PrivateKey.from_private_bytes(b"\x11" * 32)),
        "another gate's": confirmed(outbox, 1, 2, gate="sim-00002"),
    }
    with pytest.raises(VerificationError):
        outbox.confirm(envelopes.get(envelope) or sign1(RECORDER, confirmation.encode(other), context=confirmation.CONTEXT), 100)
    assert sequences(outbox) == [1, 2, 3, 4, 5]
