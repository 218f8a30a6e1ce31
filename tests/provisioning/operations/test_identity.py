from __future__ import annotations

import dataclasses

from provisioning.operations.archive import Archive, Verdict
from provisioning.operations.arrivals import Arrival
from tests.provisioning.operations.played import NOW, Card


def alarms(archive: Archive, gate: str) -> list[str]:
    return [what for what, _ in archive.register.alarms(gate)]


def nested(arrival: Arrival) -> Arrival:
    """As a recorder of before has stored it."""
    return dataclasses.replace(arrival, body=arrival.body[:-1] + b',"nest":' + b"[" * 988 + b"]" * 988 + b"}")


def test_a_boot_that_began_behind_what_another_has_sent_was_rolled_back(archive: Archive) -> None:
    card = Card()
    card.decide()
    copied = card.stolen()
    card.decide()
    archive.store([card.birth(), card.sent(1), card.sent(2), copied.birth()], received_at=NOW)
    assert alarms(archive, "g-a") == ["rolled_back"]


def test_a_body_that_is_too_deep_to_be_read_accuses_nobody_and_stops_nothing(archive: Archive) -> None:
    card = Card()
    card.decide()
    copied = card.stolen()
    card.decide()
    verdicts = archive.store([nested(card.sent(2)), card.birth(), copied.birth()], received_at=NOW)
    assert (verdicts[1:], "rolled_back" in alarms(archive, "g-a")) == ([Verdict.NOTED] * 2, False)
