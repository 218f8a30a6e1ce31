from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioning.simulation.outbox import Outbox
from tests.contract.schemas import violations


@pytest.mark.parametrize("number", [1, 2, 3, 40])
def test_what_a_played_gate_records_is_what_the_contract_allows(number: int) -> None:
    outbox = Outbox("sim-00001", boot="b1", epoch="e1", recorder=Ed25519PrivateKey.generate().public_key())
    for _ in range(number):
        outbox.record(10**9)
    event = json.loads(outbox.after(number - 1, 1)[0].body)
    kind = event["type"].removeprefix("qrgate.")
    assert kind == ("decision" if number % 2 else "passage")
    assert violations("event", event, strict=True) + violations(kind, event["data"], strict=True) == []


def test_a_passage_ends_the_grant_of_the_decision_before_it() -> None:
    outbox = Outbox("sim-00001", boot="b1", epoch="e1", recorder=Ed25519PrivateKey.generate().public_key())
    outbox.record(10**9)
    outbox.record(2 * 10**9)
    decision, passage = (json.loads(each.body) for each in outbox.after(0, 10))
    assert passage["data"]["decision"] == decision["id"]
    assert (passage["subject"], passage["data"]["presentation"]) == (decision["subject"], decision["data"]["presentation"])
