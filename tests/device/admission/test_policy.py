from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from device.admission.policy import NO_HISTORY, REASON_OF_MISREAD, History, Policy, decide
from device.domain import ClockTrust, Credential, CredentialKind, Decision, Direction, Instant, Misread, NotACredential, Proof, Reason

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
TRUSTED, UNTRUSTED = Instant(NOW, ClockTrust.TRUSTED), Instant(NOW, ClockTrust.UNTRUSTED)

ENTRY = Policy(gate="g1", zone="main", direction=Direction.ENTRY)
EXIT = Policy(gate="g1", zone="main", direction=Direction.EXIT)
BOTH = Policy(gate="g1", zone="main", direction=Direction.BOTH)
RECORD = Policy(gate="g1", zone="main", direction=Direction.ENTRY, admits_claims=True)

OK, RECORDED = Decision.admitted(), Decision.admitted(Reason.RECORDED)
refused = Decision.refused


def a_pass(**limits: Any) -> Credential:
    return Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:00000007", b"key-id::00000007", **limits)


def a_claim(proof: Proof, kind: CredentialKind = CredentialKind.CCCD) -> Credential:
    return Credential(kind, proof, b"cccd:999090000001", valid_until_s=0)


# --- who is it? ------------------------------------------------------------------------------------------------

WHO = [
    # what is known of the claim, mode verify, mode record
    (a_claim(Proof.CLAIMED, CredentialKind.MIC), refused(Reason.NOT_PROVEN), RECORDED),
    (a_claim(Proof.CLAIMED, CredentialKind.CCCD), refused(Reason.NOT_PROVEN), RECORDED),
    (a_claim(Proof.FORGED, CredentialKind.KD1), refused(Reason.FORGED), refused(Reason.FORGED)),
    (a_claim(Proof.UNKNOWN_ISSUER, CredentialKind.KD1), refused(Reason.UNKNOWN_ISSUER), refused(Reason.UNKNOWN_ISSUER)),
    (a_pass(), OK, OK),
    (a_pass(valid_until_s=NOW_S), refused(Reason.EXPIRED), refused(Reason.EXPIRED)),
    (NotACredential(Misread.PAYMENT), refused(Reason.PAYMENT_CODE), refused(Reason.PAYMENT_CODE)),
    (NotACredential(Misread.LINK), refused(Reason.LINK), refused(Reason.LINK)),
    (NotACredential(Misread.OTHER), refused(Reason.NOT_A_PASS), refused(Reason.NOT_A_PASS)),
    (NotACredential(Misread.MALFORMED), refused(Reason.MALFORMED), refused(Reason.MALFORMED)),
]


@pytest.mark.parametrize(("shown", "verify", "record"), WHO)
def test_only_what_is_proven_passes_unless_the_gate_only_records(shown: Credential | NotACredential, verify: Decision, record: Decision) -> None:
    assert (decide(shown, ENTRY, NO_HISTORY, TRUSTED), decide(shown, RECORD, NO_HISTORY, TRUSTED)) == (verify, record)


def test_every_misread_has_its_reason() -> None:
    assert set(REASON_OF_MISREAD) == set(Misread)


# --- where, when, how often? -----------------------------------------------------------------------------------

BUS, MAIN = ("bus",), ("bus", "main")
IN, OUT, EITHER = Direction.ENTRY, Direction.EXIT, Direction.BOTH

PLACES = {
    "no zone on the pass": ({}, ENTRY, OK),
    "the gate's zone among others": ({"zones": MAIN}, ENTRY, OK),
    "other zones": ({"zones": BUS}, ENTRY, refused(Reason.WRONG_ZONE)),
    "a zone whose name begins alike": ({"zones": ("main2", "mai", "MAIN")}, ENTRY, refused(Reason.WRONG_ZONE)),
    "entry at the entry": ({"direction": IN}, ENTRY, OK),
    "entry at the exit": ({"direction": IN}, EXIT, refused(Reason.WRONG_DIRECTION)),
    "exit at the entry": ({"direction": OUT}, ENTRY, refused(Reason.WRONG_DIRECTION)),
    "exit at the exit": ({"direction": OUT}, EXIT, OK),
    "entry at a gate for both": ({"direction": IN}, BOTH, OK),
    "exit at a gate for both": ({"direction": OUT}, BOTH, OK),
    "both at the exit": ({"direction": EITHER}, EXIT, OK),
}


@pytest.mark.parametrize(("limits", "policy", "expected"), PLACES.values(), ids=PLACES.keys())
def test_a_pass_opens_the_gates_it_is_for(limits: dict[str, Any], policy: Policy, expected: Decision) -> None:
    assert decide(a_pass(**limits), policy, NO_HISTORY, TRUSTED) == expected


TIMES = {
    "not before now": ({"valid_from_s": NOW_S}, TRUSTED, OK),
    "not before the next second": ({"valid_from_s": NOW_S + 1}, TRUSTED, refused(Reason.NOT_YET)),
    "until the next second": ({"valid_until_s": NOW_S + 1}, TRUSTED, OK),
    "until exactly now": ({"valid_until_s": NOW_S}, TRUSTED, refused(Reason.EXPIRED)),
    "until the last moment before": ({"valid_until_s": NOW_S}, Instant(NOW - timedelta(microseconds=1), ClockTrust.TRUSTED), OK),
    "from the last moment before": ({"valid_from_s": NOW_S}, Instant(NOW - timedelta(microseconds=1), ClockTrust.TRUSTED), refused(Reason.NOT_YET)),
    "within both": ({"valid_from_s": NOW_S - 1, "valid_until_s": NOW_S + 1}, TRUSTED, OK),
    "from the beginning of time": ({"valid_from_s": 0}, TRUSTED, OK),
    "until the beginning of time": ({"valid_until_s": 0}, TRUSTED, refused(Reason.EXPIRED)),
    "until before it is valid": ({"valid_from_s": NOW_S + 1, "valid_until_s": NOW_S - 1}, TRUSTED, refused(Reason.NOT_YET)),
    "no dates, clock not believed": ({}, UNTRUSTED, OK),
    "a beginning, clock not believed": ({"valid_from_s": 0}, UNTRUSTED, refused(Reason.CLOCK_UNTRUSTED)),
    "an end, clock not believed": ({"valid_until_s": 2**39}, UNTRUSTED, refused(Reason.CLOCK_UNTRUSTED)),
    "an end long ago, clock not believed": ({"valid_until_s": 0}, UNTRUSTED, refused(Reason.CLOCK_UNTRUSTED)),
}


@pytest.mark.parametrize(("limits", "now", "expected"), TIMES.values(), ids=TIMES.keys())
def test_a_pass_is_valid_in_its_time_by_a_clock_that_is_believed(limits: dict[str, Any], now: Instant, expected: Decision) -> None:
    assert decide(a_pass(**limits), ENTRY, NO_HISTORY, now) == expected


HERE, ELSEWHERE = {"counted_at": "g1"}, {"counted_at": "g2"}

USES = {
    "not counted": ({}, 1000, OK),
    "the first of one": ({"uses": 1} | HERE, 0, OK),
    "the second of one": ({"uses": 1} | HERE, 1, refused(Reason.USED_UP)),
    "the last of three": ({"uses": 3} | HERE, 2, OK),
    "more than ever allowed": ({"uses": 3} | HERE, 9, refused(Reason.USED_UP)),
    "counted at another gate": ({"uses": 3} | ELSEWHERE, 0, refused(Reason.WRONG_ZONE)),
    "counted nowhere": ({"uses": 3}, 0, refused(Reason.WRONG_ZONE)),
    "not counted, though it says where": (ELSEWHERE, 1000, OK),
}


@pytest.mark.parametrize(("limits", "uses", "expected"), USES.values(), ids=USES.keys())
def test_uses_are_counted_at_the_one_gate_that_the_pass_names(limits: dict[str, Any], uses: int, expected: Decision) -> None:
    assert decide(a_pass(**limits), ENTRY, History(uses), TRUSTED) == expected


def test_the_first_rule_that_objects_gives_the_reason() -> None:
    """Each row takes away the objection that the row before it was refused for."""
    faults: dict[str, Any] = {"zones": BUS, "direction": OUT, "valid_until_s": NOW_S, "uses": 1, "counted_at": "g1"}
    cures: list[dict[str, Any]] = [{}, {"zones": ()}, {"direction": IN}, {"valid_until_s": None}, {"uses": None}]
    reasons = []
    for cure in cures:
        faults |= cure
        reasons.append(decide(a_pass(**faults), ENTRY, History(1), TRUSTED).reason)
    assert reasons == [Reason.WRONG_ZONE, Reason.WRONG_DIRECTION, Reason.EXPIRED, Reason.USED_UP, Reason.OK]


def test_every_reason_but_one_comes_from_the_policy() -> None:
    """Two codes at once are no question of policy: presentations say so before it is asked."""
    tables = [*(row[1:] for row in WHO), *(row[2:] for table in (PLACES, TIMES, USES) for row in table.values())]
    told = {decision.reason for row in tables for decision in row}
    assert set(Reason) - told == {Reason.ONE_AT_A_TIME}
