from __future__ import annotations

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.decide import decide
from device.admission.history import History
from device.admission.policy import Policy
from device.credentials import Trust, read
from device.credentials.kd1 import issuer_key_id
from device.demo.payloads import GATE, ISSUER_SEED, payloads
from device.demo.scenes import ROLES, presentations
from device.domain import ClockTrust, Direction, Instant, Reason

NOW = Instant(datetime(2026, 11, 21, tzinfo=UTC), ClockTrust.TRUSTED)
POLICY = Policy(GATE, "main", Direction.ENTRY)
STORY = {Reason.ONE_AT_A_TIME, Reason.USED_UP}
"""Reasons that no payload has by itself: they come from what else is shown, and from what was before."""


def test_every_role_has_a_payload_and_it_is_the_same_in_every_run() -> None:
    assert set(ROLES) <= set(payloads())
    assert payloads() == payloads()


def test_every_payload_by_itself_leads_to_the_decision_that_the_table_expects() -> None:
    key = Ed25519PrivateKey.from_private_bytes(ISSUER_SEED).public_key()
    issuers = {issuer_key_id(key.public_bytes_raw()): key}
    rows = [row for row in presentations(payloads()) if row.expected.reason not in STORY]
    decided = {row.name: decide(read(row.payloads[0], Trust(passes=issuers)), POLICY, History(), NOW) for row in rows}
    assert decided == {row.name: row.expected for row in rows}


def test_all_persons_are_synthetic() -> None:
    people = [payloads()[role].decode().split("|") for role in ("cccd7", "cccd11", "mic")]
    assert all(fields[0].startswith("999") for fields in people)
