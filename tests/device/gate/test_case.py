from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from device.admission.history import History
from device.admission.presence import Moment
from device.admission.presentations import Presentation
from device.domain import (
    ClockTrust,
    Credential,
    CredentialKind,
    Decision,
    Direction,
    Instant,
    Misread,
    NotACredential,
    Proof,
    Reason,
    Track,
    TrackState,
)
from device.gate.case import Case, facts_of, line, open_grant_of
from device.gate.memory import OpenGrant
from device.gate.recall import Recalled

NOW = Moment(Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED), "boot-1", 100)
TRACK = Track("cafe-1", TrackState.APPEARED, b"x", 7, 10, 20, 30, "half")
PASS = Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:999", uses=1)
PERSON = {"person": "0123456789abcdef"}


def case(shown: Credential | NotACredential = PASS, recalled: Recalled | None = None) -> Case:
    return Case(Presentation("cafe-1", TRACK, shown, several=False, tracks=(TRACK,)), NOW, 30, recalled or Recalled(History(), b"key", b"person"))


WHERE = {"frame": 7, "frame_ns": 10, "decoded_ns": 20, "stage": "half"}


def test_an_event_says_what_was_shown_and_what_follows_and_by_what_frame() -> None:
    admitted = Decision(admit=True, reason=Reason.OK, direction=Direction.ENTRY)
    assert facts_of(case(), admitted, person=PERSON, trip="") == {
        "presentation": "cafe-1",
        "direction": "entry",
        "admit": True,
        "reason": "ok",
        "credential": "kd1",
        "proof": "proven",
        **PERSON,
        **WHERE,
    }


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"people": 3}, {"people": 3}),
        ({"hint": Reason.NOT_DECLARED}, {"hint": "not_declared"}),
        ({"alert": "denied_person"}, {"alert": "denied_person"}),
        ({"rules": ("VR-1",)}, {"rules": ["VR-1"]}),
    ],
)
def test_what_only_some_decisions_have_to_say_stands_only_there(changes: dict[str, Any], more: dict[str, Any]) -> None:
    plain = Decision(admit=True, reason=Reason.OK, direction=Direction.ENTRY)
    before, after = (facts_of(case(), each, person=PERSON, trip="") for each in (plain, replace(plain, **changes)))
    assert after == before | more


def test_on_board_the_trip_is_told() -> None:
    facts = facts_of(case(), Decision.refused(Reason.EXPIRED, direction=Direction.ENTRY), person=PERSON, trip="999-1")
    assert facts["trip"] == "999-1"


def test_what_is_no_credential_is_told_by_what_it_is_and_names_nobody() -> None:
    facts = facts_of(case(NotACredential(Misread.LINK)), Decision.refused(Reason.LINK, direction=Direction.ENTRY), person=PERSON, trip="")
    assert facts == {"presentation": "cafe-1", "direction": "entry", "admit": False, "reason": "link", "shown": "link", **WHERE}
    assert line(facts) == "REFUSE link link"


def test_a_line_for_the_log_holds_a_part_of_the_days_pseudonym() -> None:
    facts = facts_of(case(), Decision(admit=True, reason=Reason.OK, direction=Direction.ENTRY), person=PERSON, trip="")
    assert line(facts) == "ADMIT ok kd1 person 01234567"


@pytest.mark.parametrize(
    ("shown", "direction", "pass_key"),
    [
        (PASS, Direction.ENTRY, b"key"),
        (PASS, Direction.EXIT, None),  # it lets in: who goes out does not use it up
        (replace(PASS, direction=Direction.EXIT), Direction.EXIT, b"key"),
        (replace(PASS, uses=None), Direction.ENTRY, None),
        (NotACredential(Misread.OTHER), Direction.EXIT, None),
    ],
)
def test_a_grant_uses_up_a_pass_only_in_its_own_direction(shown: Credential | NotACredential, direction: Direction, pass_key: bytes | None) -> None:
    admitted = Decision(admit=True, reason=Reason.OK, direction=direction, people=2)
    assert open_grant_of("id", case(shown), admitted) == OpenGrant("id", "cafe-1", pass_key, b"person", direction, 2)
