"""Every rule of admission as a row of a table: what is shown, what the policy asks, what is remembered, what is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission.decide import ENTRY_RULES, EXIT_RULES, REASON_OF_MISREAD, decide
from device.admission.history import NO_HISTORY, History
from device.admission.hours import Opening
from device.admission.lists import DECLARED, MUST_STAY, NOT_DECLARED, RELEASED, ListKind
from device.admission.policy import PASSES, Declaration, Mode, Outcome, Policy, Unsure
from device.domain import Alert, ClockTrust, Credential, CredentialKind, Decision, Direction, Instant, Misread, NotACredential, Proof, Reason

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)  # Friday, 15:00 in Viet Nam
NOW_S = int(NOW.timestamp())
SECOND_NS = 1_000_000_000
Asked = dict[str, Any]  # keys of a policy
TRUSTED, UNTRUSTED = Instant(NOW, ClockTrust.TRUSTED), Instant(NOW, ClockTrust.UNTRUSTED)
IN, OUT, EITHER = Direction.ENTRY, Direction.EXIT, Direction.BOTH

ENTRY = Policy(gate="g1", zone="main", direction=IN, site="s1")
EXIT, BOTH = replace(ENTRY, direction=OUT), replace(ENTRY, direction=EITHER)

OK, RECORDED = Decision.admitted(), Decision.admitted(Reason.RECORDED)
OUT_OK, OUT_FREE = Decision.admitted(direction=OUT), Decision.admitted(Reason.EXIT_FREE, direction=OUT)
refused = Decision.refused

DENY, ALLOW, REVOKED, EXPECTED, DECLARED_LIST = ListKind.DENY, ListKind.ALLOW, ListKind.REVOKED, ListKind.EXPECTED, ListKind.DECLARED


def a_pass(kind: CredentialKind = CredentialKind.KD1, proof: Proof = Proof.PROVEN, **limits: Any) -> Credential:
    return Credential(kind, proof, b"kd1:00000007", b"key-id::00000007", **limits)


def rotating(step: int, **limits: Any) -> Credential:
    """A rotating pass in its window of time, unless told otherwise."""
    window = {"valid_from_s": NOW_S - 30, "valid_until_s": NOW_S + 30}
    return a_pass(CredentialKind.KD2, step=step, **(window | limits))


def a_claim(kind: CredentialKind = CredentialKind.CCCD, proof: Proof = Proof.CLAIMED, **limits: Any) -> Credential:
    return Credential(kind, proof, b"cccd:999090000001", **limits)


def listed(*kinds: ListKind, **more: Any) -> History:
    return History(listed=dict.fromkeys(kinds, 1), **more)


class Row(NamedTuple):
    shown: Credential | NotACredential
    policy: Policy
    history: History
    now: Instant
    expected: Decision


def row(
    expected: Decision,
    shown: Credential | NotACredential | None = None,
    policy: Policy = ENTRY,
    history: History = NO_HISTORY,
    now: Instant = TRUSTED,
    **asked: Any,
) -> Row:
    """``asked`` are the keys in which the policy differs from ``policy``."""
    return Row(a_pass() if shown is None else shown, replace(policy, **asked), history, now, expected)


# --- what is shown ---------------------------------------------------------------------------------------------

RECORD: Asked = {"mode": Mode.RECORD}
LIST: Asked = {"mode": Mode.LIST}

PROOFS = {
    "a proven pass": row(OK),
    "a claim where a proof is asked": row(refused(Reason.NOT_PROVEN), a_claim()),
    "a printed pass, accepted by its kind": row(refused(Reason.NOT_PROVEN), a_pass(proof=Proof.CLAIMED)),
    "a claim where it is recorded": row(RECORDED, a_claim(), **RECORD),
    "a proof where claims are recorded": row(OK, **RECORD),
    "a claim on the allow list": row(RECORDED, a_claim(), history=listed(ALLOW), **LIST),
    "a claim on the allow list that needs a proof": row(refused(Reason.NOT_PROVEN), a_claim(), history=listed(ALLOW), list_needs_proof=True, **LIST),
    "a proof on the allow list that needs one": row(OK, history=listed(ALLOW), list_needs_proof=True, **LIST),
    "a claim, and a list that needs a proof elsewhere": row(RECORDED, a_claim(), list_needs_proof=True, **RECORD),
    "a claim not on the allow list": row(refused(Reason.NOT_LISTED), a_claim(), **LIST),
    "a proof not on the allow list": row(refused(Reason.NOT_LISTED), **LIST),
    "on every list but that one": row(refused(Reason.NOT_LISTED), history=listed(EXPECTED, DECLARED_LIST), **LIST),
    "not on a list that nobody asks for": row(OK, history=NO_HISTORY),
    "forged": row(refused(Reason.FORGED), a_pass(proof=Proof.FORGED)),
    "forged, where claims are recorded": row(refused(Reason.FORGED), a_pass(proof=Proof.FORGED), **RECORD),
    "forged, on the allow list": row(refused(Reason.FORGED), a_pass(proof=Proof.FORGED), history=listed(ALLOW), **LIST),
    "of an unknown issuer": row(refused(Reason.UNKNOWN_ISSUER), a_pass(proof=Proof.UNKNOWN_ISSUER)),
    "of an unknown issuer, recorded": row(refused(Reason.UNKNOWN_ISSUER), a_pass(proof=Proof.UNKNOWN_ISSUER), **RECORD),
    "signed for another use": row(refused(Reason.WRONG_USE), a_pass(proof=Proof.WRONG_USE)),
    "signed for another use, recorded": row(refused(Reason.WRONG_USE), a_pass(proof=Proof.WRONG_USE), **RECORD),
    "revoked": row(refused(Reason.REVOKED), history=listed(REVOKED)),
    "revoked, where claims are recorded": row(refused(Reason.REVOKED), history=listed(REVOKED), **RECORD),
}

HEALTH_PROOF = a_claim(CredentialKind.HC1, Proof.PROVEN)

KINDS = {
    "a rotating pass": row(OK, rotating(1)),
    "a proven health certificate is no pass": row(refused(Reason.NOT_ACCEPTED), HEALTH_PROOF),
    "unless the province says so": row(OK, HEALTH_PROOF, accepts=frozenset({CredentialKind.HC1})),
    "then a pass is not asked for": row(refused(Reason.NOT_ACCEPTED), accepts=frozenset({CredentialKind.HC1})),
    "recorded it may be": row(OK, HEALTH_PROOF, **RECORD),
    "listed it may be": row(OK, HEALTH_PROOF, history=listed(ALLOW), **LIST),
    "an empty choice accepts nothing": row(refused(Reason.NOT_ACCEPTED), a_claim(), accepts=frozenset(), **RECORD),
}

# --- where and when --------------------------------------------------------------------------------------------

BUS, MAIN = ("bus",), ("bus", "main")

PLACES = {
    "no zone on the pass": row(OK),
    "the gate's zone among others": row(OK, a_pass(zones=MAIN)),
    "other zones": row(refused(Reason.WRONG_ZONE), a_pass(zones=BUS)),
    "zones whose names look alike": row(refused(Reason.WRONG_ZONE), a_pass(zones=("main2", "mai", "MAIN"))),
    "entry at the entry": row(OK, a_pass(direction=IN)),
    "exit at the entry": row(refused(Reason.WRONG_DIRECTION), a_pass(direction=OUT)),
    "entry at a gate for both": row(OK, a_pass(direction=IN), BOTH),
}


def at(moment: datetime, trust: ClockTrust = ClockTrust.TRUSTED) -> Instant:
    return Instant(moment, trust)


JUST_BEFORE = at(NOW - timedelta(microseconds=1))
OVERLOOKED: Asked = {"untrusted_clock": Unsure.OVERLOOK}
NO_CLOCK = refused(Reason.CLOCK_UNTRUSTED)

TIMES = {
    "not before now": row(OK, a_pass(valid_from_s=NOW_S)),
    "not before the next second": row(refused(Reason.NOT_YET), a_pass(valid_from_s=NOW_S + 1)),
    "not before a moment that is near": row(refused(Reason.NOT_YET), a_pass(valid_from_s=NOW_S), now=JUST_BEFORE),
    "until the next second": row(OK, a_pass(valid_until_s=NOW_S + 1)),
    "until exactly now": row(refused(Reason.EXPIRED), a_pass(valid_until_s=NOW_S)),
    "until the last moment before": row(OK, a_pass(valid_until_s=NOW_S), now=JUST_BEFORE),
    "within both": row(OK, a_pass(valid_from_s=NOW_S - 1, valid_until_s=NOW_S + 1)),
    "from the beginning of time": row(OK, a_pass(valid_from_s=0)),
    "until the beginning of time": row(refused(Reason.EXPIRED), a_pass(valid_until_s=0)),
    "over before it began": row(refused(Reason.NOT_YET), a_pass(valid_from_s=NOW_S + 1, valid_until_s=NOW_S - 1)),
    "no dates, clock not believed": row(OK, now=UNTRUSTED),
    "a beginning, clock not believed": row(NO_CLOCK, a_pass(valid_from_s=0), now=UNTRUSTED),
    "an end, clock not believed": row(NO_CLOCK, a_pass(valid_until_s=2**39), now=UNTRUSTED),
    "an end long ago, clock not believed": row(NO_CLOCK, a_pass(valid_until_s=0), now=UNTRUSTED),
    "the same, overlooked": row(OK, a_pass(valid_until_s=0), now=UNTRUSTED, **OVERLOOKED),
    "a clock that is believed is not overlooked": row(refused(Reason.EXPIRED), a_pass(valid_until_s=0), **OVERLOOKED),
    "a rotating pass never overlooks the clock": row(NO_CLOCK, rotating(5), now=UNTRUSTED, **OVERLOOKED),
    "nor its first step": row(NO_CLOCK, rotating(0), now=UNTRUSTED, **OVERLOOKED),
}

AFTERNOON, MORNING = (Opening(13 * 60, 18 * 60),), (Opening(6 * 60, 13 * 60),)
FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)
NIGHT = at(datetime(2026, 11, 20, 17, 0, tzinfo=UTC))  # midnight in Viet Nam: Saturday has begun
BEFORE_NIGHT = at(datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC))
SHUT = refused(Reason.CLOSED)

HOURS = {
    "within the hours": row(OK, hours=AFTERNOON),
    "outside the hours": row(SHUT, hours=MORNING),
    "within one of several": row(OK, hours=MORNING + AFTERNOON),
    "on the first day": row(OK, first_day=FRIDAY),
    "before the first day": row(SHUT, first_day=SATURDAY),
    "on the last day": row(OK, last_day=FRIDAY),
    "after the last day": row(SHUT, last_day=FRIDAY - timedelta(days=1)),
    "the last day's last second": row(OK, now=BEFORE_NIGHT, last_day=FRIDAY),
    "the last day is over at midnight in Viet Nam": row(SHUT, now=NIGHT, last_day=FRIDAY),
    "the first day begins at midnight in Viet Nam": row(OK, now=NIGHT, first_day=SATURDAY),
    "within the days, outside the hours": row(SHUT, first_day=FRIDAY, last_day=FRIDAY, hours=MORNING),
    "hours, clock not believed": row(NO_CLOCK, now=UNTRUSTED, hours=AFTERNOON),
    "a first day, clock not believed": row(NO_CLOCK, now=UNTRUSTED, first_day=FRIDAY),
    "a last day, clock not believed": row(NO_CLOCK, now=UNTRUSTED, last_day=FRIDAY),
    "outside the hours, overlooked": row(OK, now=UNTRUSTED, hours=MORNING, **OVERLOOKED),
    "outside the hours by a clock that is believed": row(SHUT, hours=MORNING, **OVERLOOKED),
}

# --- health ----------------------------------------------------------------------------------------------------


class Fails:
    """Health rules that find always the same."""

    def __init__(self, *rules: str) -> None:
        self.rules = rules

    def failed(self, credential: Credential, now: Instant) -> tuple[str, ...]:
        assert (credential.health, now.trust) == ({"v": 1}, ClockTrust.TRUSTED)
        return self.rules


VACCINATED = a_pass(health={"v": 1})
BROKEN: Asked = {"health": Fails("VR-VN-0001", "VR-VN-0004")}
NOT_WELL = refused(Reason.HEALTH_RULE, rules=("VR-VN-0001", "VR-VN-0004"))

HEALTH = {
    "rules that hold": row(OK, VACCINATED, health=Fails()),
    "rules that do not": row(NOT_WELL, VACCINATED, **BROKEN),
    "no rules": row(OK, VACCINATED),
    "no rules, clock not believed": row(OK, VACCINATED, now=UNTRUSTED),
    "nothing for the rules to look at": row(OK, a_pass(), **BROKEN),
    "rules, clock not believed": row(NO_CLOCK, VACCINATED, now=UNTRUSTED, **BROKEN),
    "rules, clock overlooked": row(OK, VACCINATED, now=UNTRUSTED, **(BROKEN | OVERLOOKED)),
    "rules by a clock that is believed": row(NOT_WELL, VACCINATED, **(BROKEN | OVERLOOKED)),
    "another objection names no rules": row(refused(Reason.EXPIRED), replace(VACCINATED, valid_until_s=0), **BROKEN),
}

# --- lists -----------------------------------------------------------------------------------------------------

STALE_DENY = History(stale=frozenset({DENY}))
DENIED = refused(Reason.DENIED, alert=Alert.DENIED_PERSON)


def needs(unsure: Unsure, *kinds: ListKind) -> Asked:
    return {"lists": dict.fromkeys(kinds, unsure)}


LISTS = {
    "denied": row(DENIED, history=listed(DENY)),
    "denied by an old list": row(DENIED, history=replace(STALE_DENY, listed={DENY: 1}), **needs(Unsure.OVERLOOK, DENY)),
    "denied and allowed": row(DENIED, history=listed(DENY, ALLOW), **LIST),
    "an old list that is needed": row(refused(Reason.LIST_STALE), history=STALE_DENY, **needs(Unsure.REFUSE, DENY)),
    "an old list that is overlooked": row(OK, history=STALE_DENY, **needs(Unsure.OVERLOOK, DENY)),
    "an old list that is not needed": row(OK, history=STALE_DENY, **needs(Unsure.REFUSE, ALLOW)),
    "one old list of two": row(refused(Reason.LIST_STALE), history=STALE_DENY, **needs(Unsure.REFUSE, ALLOW, DENY)),
    "a new list": row(OK, **needs(Unsure.REFUSE, DENY)),
    "a list of unknown age": row(NO_CLOCK, now=UNTRUSTED, **needs(Unsure.REFUSE, DENY)),
    "a list of unknown age that may be old": row(OK, now=UNTRUSTED, **needs(Unsure.OVERLOOK, DENY)),
    "a list of unknown age, clock overlooked": row(OK, now=UNTRUSTED, **(needs(Unsure.REFUSE, DENY) | OVERLOOKED)),
    "an old list, clock overlooked": row(refused(Reason.LIST_STALE), history=STALE_DENY, now=UNTRUSTED, **(needs(Unsure.REFUSE, DENY) | OVERLOOKED)),
}

HAS, HAS_NOT = History(listed={DECLARED_LIST: DECLARED}), History(listed={DECLARED_LIST: NOT_DECLARED})
OLD_HAS, OLD_HAS_NOT = replace(HAS, stale=frozenset({DECLARED_LIST})), replace(HAS_NOT, stale=frozenset({DECLARED_LIST}))


def asks(not_declared: Outcome, unknown: Outcome) -> Asked:
    return {"declaration": Declaration(not_declared, unknown)}


STRICT, LENIENT = asks(Outcome.REFUSE, Outcome.ADMIT), asks(Outcome.ADMIT, Outcome.REFUSE)
REMINDS, NOBODY = asks(Outcome.REMIND, Outcome.REMIND), asks(Outcome.REFUSE, Outcome.REFUSE)
NOT_DECLARED_HINT, UNKNOWN_HINT = Decision.admitted(hint=Reason.NOT_DECLARED), Decision.admitted(hint=Reason.DECLARATION_UNKNOWN)

DECLARATIONS = {
    "not asked": row(OK, history=HAS_NOT),
    "declared": row(OK, history=HAS, **NOBODY),
    "not declared, refused": row(refused(Reason.NOT_DECLARED), history=HAS_NOT, **STRICT),
    "not declared, reminded": row(NOT_DECLARED_HINT, history=HAS_NOT, **REMINDS),
    "not declared, admitted": row(OK, history=HAS_NOT, **LENIENT),
    "unknown, refused": row(refused(Reason.DECLARATION_UNKNOWN), **LENIENT),
    "unknown, reminded": row(UNKNOWN_HINT, **REMINDS),
    "unknown, admitted": row(OK, **STRICT),
    "declared by an old list is unknown": row(UNKNOWN_HINT, history=OLD_HAS, **REMINDS),
    "not declared by an old list is unknown": row(OK, history=OLD_HAS_NOT, **STRICT),
    "declared, and another list is old": row(OK, history=replace(HAS, stale=frozenset({DENY})), **NOBODY),
    "a recorded claim is reminded too": row(Decision.admitted(Reason.RECORDED, hint=Reason.DECLARATION_UNKNOWN), a_claim(), **(RECORD | REMINDS)),
    "whoever is refused is not reminded": row(refused(Reason.EXPIRED), a_pass(valid_until_s=0), **REMINDS),
    "the usual outcome of not declared": row(refused(Reason.NOT_DECLARED), history=HAS_NOT, declaration=Declaration()),
    "the usual outcome of unknown": row(UNKNOWN_HINT, declaration=Declaration()),
}

# --- what was before -------------------------------------------------------------------------------------------


def counted(uses: int, at: str | None = "g1") -> Credential:
    return a_pass(uses=uses, counted_at=at)


USED = refused(Reason.USED_UP)
SITE_COUNTER: Asked = {"counts_for_site": True}

USES = {
    "not counted": row(OK, history=History(1000)),
    "the first of one": row(OK, counted(1)),
    "the second of one": row(USED, counted(1), history=History(1)),
    "the last of three": row(OK, counted(3), history=History(2)),
    "more than ever allowed": row(USED, counted(3), history=History(9)),
    "none at all": row(USED, counted(0)),
    "counted at another gate": row(refused(Reason.WRONG_ZONE), counted(3, "g2")),
    "counted nowhere": row(refused(Reason.WRONG_ZONE), counted(3, None)),
    "not counted, though it says where": row(OK, a_pass(counted_at="g2"), history=History(1000)),
    "counted for the site, elsewhere": row(refused(Reason.WRONG_ZONE), counted(1, "s1")),
    "counted for the site, here": row(OK, counted(1, "s1"), **SITE_COUNTER),
    "used up for the site, here": row(USED, counted(1, "s1"), history=History(1), **SITE_COUNTER),
    "counted for another site": row(refused(Reason.WRONG_ZONE), counted(1, "s2"), **SITE_COUNTER),
    "counted here, where the site is counted too": row(OK, counted(1), **SITE_COUNTER),
}

STEPS = {
    "a first step": row(OK, rotating(5)),
    "a later step": row(OK, rotating(6), history=History(step=5)),
    "the same step again": row(refused(Reason.REPLAYED), rotating(5), history=History(step=5)),
    "an earlier step": row(refused(Reason.REPLAYED), rotating(4), history=History(step=5)),
    "the very first step again": row(refused(Reason.REPLAYED), rotating(0), history=History(step=0)),
    "a pass that does not rotate": row(OK, history=History(step=5)),
}


def ago(seconds: float, **more: Any) -> History:
    return History(admitted_ago_ns=round(seconds * SECOND_NS), **more)


AGAIN: Asked = {"again_after_s": 10}
ONCE: Asked = {"reentry": False}
INSIDE = History(inside=True)

AGAINS = {
    "let in just now": row(refused(Reason.JUST_SHOWN), history=ago(0), **AGAIN),
    "let in a moment ago": row(refused(Reason.JUST_SHOWN), history=ago(9.999999999), **AGAIN),
    "let in long enough ago": row(OK, history=ago(10), **AGAIN),
    "never let in": row(OK, **AGAIN),
    "no time asked": row(OK, history=ago(0)),
    "inside, and may come again": row(OK, history=INSIDE),
    "inside, and may not": row(refused(Reason.ALREADY_INSIDE), history=INSIDE, **ONCE),
    "outside again": row(OK, **ONCE),
}

FOUR = a_pass(party=4)
UP_TO_FOUR: Asked = {"party_max": 4}

PARTIES = {
    "alone, whatever the gate allows": row(OK, **UP_TO_FOUR),
    "a party where none is allowed": row(OK, FOUR),
    "a party as large as allowed": row(Decision.admitted(people=4), FOUR, **UP_TO_FOUR),
    "a party larger than allowed": row(Decision.admitted(people=3), FOUR, party_max=3),
    "a party smaller than allowed": row(Decision.admitted(people=4), FOUR, party_max=9),
    "a claimed party counts as one": row(RECORDED, a_claim(party=4), **(RECORD | UP_TO_FOUR)),
    "a refused party is one refusal": row(refused(Reason.EXPIRED), a_pass(party=4, valid_until_s=0), **UP_TO_FOUR),
}

CAPACITY = {
    "no capacity": row(OK, history=History(occupied=10_000)),
    "the last place": row(OK, history=History(occupied=9), capacity=10),
    "no place": row(refused(Reason.FULL), history=History(occupied=10), capacity=10),
    "more inside than places": row(refused(Reason.FULL), history=History(occupied=11), capacity=10),
    "a site closed by its capacity": row(refused(Reason.FULL), capacity=0),
    "the last places for a party": row(Decision.admitted(people=4), FOUR, history=History(occupied=6), capacity=10, **UP_TO_FOUR),
    "too few places for a party": row(refused(Reason.FULL), FOUR, history=History(occupied=7), capacity=10, **UP_TO_FOUR),
    "places for as many of a party as may pass": row(OK, FOUR, history=History(occupied=9), capacity=10),
}

PACE = {
    "no limit": row(OK, history=History(grants_last_minute=1000)),
    "the last of a minute": row(OK, history=History(grants_last_minute=29), grants_a_minute=30),
    "one more": row(refused(Reason.TOO_MANY), history=History(grants_last_minute=30), grants_a_minute=30),
    "none a minute": row(refused(Reason.TOO_MANY), grants_a_minute=0),
    "a party that just fits": row(replace(OK, people=4), FOUR, history=History(grants_last_minute=26), grants_a_minute=30, **UP_TO_FOUR),
    "a party that does not": row(refused(Reason.TOO_MANY), FOUR, history=History(grants_last_minute=27), grants_a_minute=30, **UP_TO_FOUR),
    "a party beyond the cap has a minute for itself": row(replace(OK, people=4), FOUR, grants_a_minute=3, **UP_TO_FOUR),
    "and waits for it": row(refused(Reason.TOO_MANY), FOUR, history=History(grants_last_minute=1), grants_a_minute=3, **UP_TO_FOUR),
}

# --- whoever leaves --------------------------------------------------------------------------------------------

DENIED_OUT = replace(OUT_FREE, alert=Alert.DENIED_PERSON)
ROLL_CALL: Asked = {"roll_call": (7 * 60,)}
STAYS, MAY_GO = History(listed={EXPECTED: MUST_STAY}), History(listed={EXPECTED: RELEASED})
LEFT = Alert.LEFT_WITHOUT_RELEASE

EXITS = {
    "a good pass": row(OUT_OK, policy=EXIT),
    "a pass for the exit": row(OUT_OK, a_pass(direction=OUT), EXIT),
    "a pass for both": row(OUT_OK, a_pass(direction=EITHER), EXIT),
    "a pass for the entry": row(OUT_FREE, a_pass(direction=IN), EXIT),
    "a claim where a proof is asked": row(OUT_FREE, a_claim(), EXIT),
    "a claim that is recorded": row(Decision.admitted(Reason.RECORDED, direction=OUT), a_claim(), EXIT, **RECORD),
    "forged": row(OUT_FREE, a_pass(proof=Proof.FORGED), EXIT),
    "of an unknown issuer": row(OUT_FREE, a_pass(proof=Proof.UNKNOWN_ISSUER), EXIT),
    "signed for another use": row(OUT_FREE, a_pass(proof=Proof.WRONG_USE), EXIT),
    "revoked": row(OUT_FREE, policy=EXIT, history=listed(REVOKED)),
    "another kind": row(OUT_FREE, HEALTH_PROOF, EXIT),
    "another zone": row(OUT_FREE, a_pass(zones=BUS), EXIT),
    "expired while inside": row(OUT_FREE, a_pass(valid_until_s=NOW_S), EXIT),
    "not valid yet": row(OUT_FREE, a_pass(valid_from_s=NOW_S + 1), EXIT),
    "valid, clock not believed": row(OUT_FREE, a_pass(valid_until_s=NOW_S + 1), EXIT, now=UNTRUSTED),
    "not on the allow list": row(OUT_FREE, policy=EXIT, **LIST),
    "a rotating pass shown before": row(OUT_FREE, rotating(5), EXIT, History(step=5)),
    "denied": row(DENIED_OUT, policy=EXIT, history=listed(DENY)),
    # rules for coming in say nothing about leaving
    "after the hours": row(OUT_OK, policy=EXIT, hours=MORNING),
    "after the last day": row(OUT_OK, policy=EXIT, last_day=date(2026, 11, 1)),
    "hours, clock not believed": row(OUT_OK, policy=EXIT, now=UNTRUSTED, hours=MORNING),
    "health rules": row(OUT_OK, VACCINATED, EXIT, **BROKEN),
    "an old list": row(OUT_OK, policy=EXIT, history=STALE_DENY, **needs(Unsure.REFUSE, DENY)),
    "not declared": row(OUT_OK, policy=EXIT, history=HAS_NOT, **NOBODY),
    "nor reminded": row(OUT_OK, policy=EXIT, history=HAS_NOT, **REMINDS),
    "its only use was the entry": row(OUT_OK, counted(1), EXIT, History(1)),
    "let in a moment ago": row(OUT_OK, policy=EXIT, history=ago(1, inside=True), **AGAIN),
    "inside, where nobody may come twice": row(OUT_OK, policy=EXIT, history=INSIDE, **ONCE),
    "a full house": row(OUT_OK, policy=EXIT, history=History(occupied=10), capacity=10),
    "too many a minute": row(OUT_OK, policy=EXIT, history=History(grants_last_minute=9), grants_a_minute=1),
    "a party": row(replace(OUT_OK, people=4), FOUR, EXIT, **UP_TO_FOUR),
    "an expired party": row(replace(OUT_FREE, people=4), a_pass(party=4, valid_until_s=0), EXIT, **UP_TO_FOUR),
    # quarantine
    "must stay": row(replace(OUT_OK, alert=LEFT), policy=EXIT, history=STAYS, **ROLL_CALL),
    "must stay, with a claim": row(replace(OUT_FREE, alert=LEFT), a_claim(), EXIT, STAYS, **ROLL_CALL),
    "was released": row(OUT_OK, policy=EXIT, history=MAY_GO, **ROLL_CALL),
    "was never expected": row(OUT_OK, policy=EXIT, **ROLL_CALL),
    "must stay elsewhere: no roll-call here": row(OUT_OK, policy=EXIT, history=STAYS),
    "must stay and is denied": row(DENIED_OUT, policy=EXIT, history=History(listed={EXPECTED: MUST_STAY, DENY: 1}), **ROLL_CALL),
    "must stay, at a gate for both": row(replace(OUT_OK, alert=LEFT), policy=BOTH, history=replace(STAYS, inside=True), **ROLL_CALL),
    "must stay, and comes back": row(OK, history=STAYS, **ROLL_CALL),
}

BOTH_WAYS = {
    "outside: comes in": row(OK, policy=BOTH),
    "inside: goes out": row(OUT_OK, policy=BOTH, history=INSIDE),
    "inside, shown again within a moment": row(refused(Reason.JUST_SHOWN), policy=BOTH, history=ago(9.999999999, inside=True), **AGAIN),
    "inside, after the moment": row(OUT_OK, policy=BOTH, history=ago(10, inside=True), **AGAIN),
    "went out, comes back": row(OK, policy=BOTH, history=ago(10), **AGAIN),
    "inside, entry not recorded in time": row(OUT_OK, policy=BOTH, history=INSIDE, **AGAIN),
    "inside, expired since": row(OUT_FREE, a_pass(valid_until_s=0), BOTH, INSIDE),
    "inside, revoked since": row(OUT_FREE, policy=BOTH, history=listed(REVOKED, inside=True)),
    "inside, denied since": row(DENIED_OUT, policy=BOTH, history=listed(DENY, inside=True)),
    "inside, pass for the entry": row(OUT_FREE, a_pass(direction=IN), BOTH, INSIDE),
    "inside, forged": row(refused(Reason.FORGED), a_pass(proof=Proof.FORGED), BOTH, INSIDE),
    "inside, forged and recorded": row(refused(Reason.FORGED), a_pass(proof=Proof.FORGED), BOTH, INSIDE, **RECORD),
    "inside, of an unknown issuer": row(refused(Reason.UNKNOWN_ISSUER), a_pass(proof=Proof.UNKNOWN_ISSUER), BOTH, INSIDE),
    "inside, a claim where a proof is asked": row(refused(Reason.NOT_PROVEN), a_claim(), BOTH, INSIDE),
    "inside, a claim that is recorded": row(Decision.admitted(Reason.RECORDED, direction=OUT), a_claim(), BOTH, INSIDE, **RECORD),
    "inside, a claim on the list": row(Decision.admitted(Reason.RECORDED, direction=OUT), a_claim(), BOTH, listed(ALLOW, inside=True), **LIST),
    "inside, a claim where the list needs a proof": row(
        refused(Reason.NOT_PROVEN), a_claim(), BOTH, listed(ALLOW, inside=True), list_needs_proof=True, **LIST
    ),
    # a photograph of a rotating pass lets nobody in by letting its bearer out
    "inside, the rotating pass goes on": row(OUT_OK, rotating(6), BOTH, History(inside=True, step=5)),
    "inside, the step that was shown": row(refused(Reason.REPLAYED), rotating(5), BOTH, History(inside=True, step=5)),
    "inside, a step that is over": row(refused(Reason.EXPIRED), rotating(6, valid_until_s=NOW_S), BOTH, History(inside=True, step=5)),
    "inside, a step to come": row(refused(Reason.NOT_YET), rotating(6, valid_from_s=NOW_S + 1), BOTH, History(inside=True, step=5)),
    "inside, a rotating pass and no clock": row(OUT_FREE, rotating(6), BOTH, History(inside=True, step=5), UNTRUSTED),
    # a pass that is for nothing but leaving
    "a pass for the exit": row(OUT_OK, a_pass(direction=OUT), BOTH),
    "a pass for the exit, let through a moment ago": row(refused(Reason.WRONG_DIRECTION), a_pass(direction=OUT), BOTH, ago(0), **AGAIN),
    "a pass for one exit": row(OUT_OK, a_pass(direction=OUT, uses=1, counted_at="g1"), BOTH),
    "a pass for one exit, used up": row(refused(Reason.WRONG_DIRECTION), a_pass(direction=OUT, uses=1, counted_at="g1"), BOTH, History(1)),
    "a pass for the exit, from outside, forged": row(refused(Reason.FORGED), a_pass(direction=OUT, proof=Proof.FORGED), BOTH),
    "a pass for the exit, from outside, revoked": row(refused(Reason.REVOKED), a_pass(direction=OUT), BOTH, listed(REVOKED)),
    "a pass for the exit, from outside, expired": row(refused(Reason.WRONG_DIRECTION), a_pass(direction=OUT, valid_until_s=0), BOTH),
    "a pass for the exit, inside, expired": row(OUT_FREE, a_pass(direction=OUT, valid_until_s=0), BOTH, INSIDE),
}

MISREADS = {
    Misread.PAYMENT: Reason.PAYMENT_CODE,
    Misread.PLACE: Reason.PLACE_CODE,
    Misread.APP_STORE: Reason.APP_STORE,
    Misread.HEALTH_LINK: Reason.HEALTH_LINK,
    Misread.WIFI: Reason.WIFI,
    Misread.CONTACT: Reason.CONTACT,
    Misread.LINK: Reason.LINK,
    Misread.SET_UP: Reason.SET_UP_CODE,
    Misread.PARTIAL: Reason.PARTIAL,
    Misread.UNSUPPORTED: Reason.UNSUPPORTED,
    Misread.MALFORMED: Reason.MALFORMED,
    Misread.OTHER: Reason.NOT_A_PASS,
}

NO_CREDENTIAL = {f"{misread}": row(refused(reason), NotACredential(misread)) for misread, reason in MISREADS.items()} | {
    "nothing to record by": row(refused(Reason.LINK), NotACredential(Misread.LINK), **RECORD),
    "at a gate for both": row(refused(Reason.LINK), NotACredential(Misread.LINK), BOTH),
    "at the exit": row(refused(Reason.LINK, direction=OUT), NotACredential(Misread.LINK), EXIT),
}

TABLES: dict[str, dict[str, Row]] = {
    "proof": PROOFS,
    "kind": KINDS,
    "place": PLACES,
    "time": TIMES,
    "hours": HOURS,
    "health": HEALTH,
    "lists": LISTS,
    "declaration": DECLARATIONS,
    "uses": USES,
    "step": STEPS,
    "again": AGAINS,
    "party": PARTIES,
    "capacity": CAPACITY,
    "pace": PACE,
    "exit": EXITS,
    "both ways": BOTH_WAYS,
    "no credential": NO_CREDENTIAL,
}
ROWS = {f"{table}: {name}": row for table, rows in TABLES.items() for name, row in rows.items()}


@pytest.mark.parametrize("case", ROWS.values(), ids=ROWS.keys())
def test_each_case_has_its_decision(case: Row) -> None:
    assert decide(case.shown, case.policy, case.history, case.now) == case.expected


def test_every_reason_but_three_is_decided_here() -> None:
    """Two codes at once are no question of policy, nor is how the lane is: who asks the policy says so himself."""
    told = {reason for case in ROWS.values() for reason in (case.expected.reason, case.expected.hint)}
    assert set(Reason) - told == {Reason.ONE_AT_A_TIME, Reason.LANE_BUSY, Reason.OUT_OF_SERVICE}


def test_every_misread_has_a_reason_of_its_own() -> None:
    assert (REASON_OF_MISREAD, len(set(MISREADS.values()))) == (MISREADS, len(Misread))


# --- the order of the rules ------------------------------------------------------------------------------------

HISTORY_OF_FAULTS = History(
    uses=1,
    step=5,
    inside=True,
    admitted_ago_ns=0,
    occupied=1,
    grants_last_minute=1,
    listed={REVOKED: 1, DENY: 1},
    stale=frozenset({EXPECTED}),
)
SHOWN_OF_FAULTS: Asked = {
    "proof": Proof.FORGED,
    "kind": CredentialKind.KD2,
    "zones": BUS,
    "direction": OUT,
    "valid_until_s": NOW_S,
    "health": {"v": 1},
    "uses": 1,
    "counted_at": "g1",
    "step": 5,
}
POLICY_OF_FAULTS: Asked = {
    "mode": Mode.LIST,
    "accepts": frozenset({CredentialKind.KD1}),
    "hours": MORNING,
    "lists": {EXPECTED: Unsure.REFUSE},
    "declaration": Declaration(Outcome.REFUSE, Outcome.REFUSE),
    "health": Fails("VR-VN-0001"),
    "again_after_s": 10,
    "reentry": False,
    "capacity": 1,
    "grants_a_minute": 1,
}

CURES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], Reason]] = [
    # what is mended: of the credential, of the policy, of the history; which reason is told after that
    ({}, {}, {}, Reason.FORGED),
    ({"proof": Proof.PROVEN}, {}, {}, Reason.REVOKED),
    ({}, {}, {"listed": {DENY: 1}}, Reason.DENIED),
    ({}, {}, {"listed": {}}, Reason.NOT_ACCEPTED),
    ({"kind": CredentialKind.KD1}, {}, {}, Reason.WRONG_ZONE),
    ({"zones": ()}, {}, {}, Reason.WRONG_DIRECTION),
    ({"direction": IN}, {}, {}, Reason.CLOSED),
    ({}, {"hours": ()}, {}, Reason.EXPIRED),
    ({"valid_until_s": None}, {}, {}, Reason.HEALTH_RULE),
    ({"health": None}, {}, {}, Reason.LIST_STALE),
    ({}, {}, {"stale": frozenset()}, Reason.NOT_LISTED),
    ({}, {}, {"listed": {ALLOW: 1}}, Reason.DECLARATION_UNKNOWN),
    ({}, {"declaration": None}, {}, Reason.USED_UP),
    ({"uses": None}, {}, {}, Reason.REPLAYED),
    ({"step": 6}, {}, {}, Reason.JUST_SHOWN),
    ({}, {}, {"admitted_ago_ns": None}, Reason.ALREADY_INSIDE),
    ({}, {}, {"inside": False}, Reason.FULL),
    ({}, {}, {"occupied": 0}, Reason.TOO_MANY),
    ({}, {}, {"grants_last_minute": 0}, Reason.OK),
]


def test_the_first_rule_that_objects_gives_the_reason() -> None:
    """Each row mends what the row before it was refused for."""
    shown, policy, history, reasons = dict(SHOWN_OF_FAULTS), dict(POLICY_OF_FAULTS), HISTORY_OF_FAULTS, []
    for of_shown, of_policy, of_history, _ in CURES:
        shown |= of_shown
        policy |= of_policy
        history = replace(history, **of_history)
        reasons.append(decide(a_pass(**shown), replace(ENTRY, **policy), history, TRUSTED).reason)
    assert reasons == [reason for *_, reason in CURES]


def test_every_rule_of_entry_has_its_place_in_that_order() -> None:
    assert len(CURES) - 1 == len(ENTRY_RULES)


@pytest.mark.parametrize("faults", range(len(CURES) - 1))
def test_an_officer_is_told_of_a_denied_person_whatever_else_is_wrong(faults: int) -> None:
    """At the lane the reason may be another one; nobody there learns of the list."""
    shown, policy, history = dict(SHOWN_OF_FAULTS), dict(POLICY_OF_FAULTS), HISTORY_OF_FAULTS
    for of_shown, of_policy, of_history, _ in CURES[: faults + 1]:
        shown |= of_shown
        policy |= of_policy
        history = replace(history, **of_history)
    denied = replace(history, listed={**history.listed, DENY: 1})
    assert decide(a_pass(**shown), replace(ENTRY, **policy), denied, TRUSTED).alert is Alert.DENIED_PERSON


# --- what holds for everybody ----------------------------------------------------------------------------------

times = st.none() | st.integers(0, 2**41)
ids = st.sampled_from(["g1", "s1", "g2"])
credentials = st.builds(
    Credential,
    kind=st.sampled_from(CredentialKind),
    proof=st.sampled_from(Proof),
    person_key=st.just(b"cccd:999090000001"),
    valid_from_s=times,
    valid_until_s=times,
    zones=st.sampled_from([(), BUS, MAIN]),
    direction=st.sampled_from(Direction),
    uses=st.none() | st.integers(0, 3),
    counted_at=st.none() | ids,
    party=st.integers(1, 9),
    step=st.none() | st.integers(0, 3),
    health=st.none() | st.just({"v": 1}),
)
days = st.none() | st.dates(date(2026, 11, 18), date(2026, 11, 22))
openings = st.builds(Opening, st.integers(0, 1439), st.integers(1, 1440), st.frozensets(st.integers(0, 6), min_size=1))
policies = st.builds(
    Policy,
    gate=st.just("g1"),
    zone=st.just("main"),
    direction=st.sampled_from(Direction),
    site=st.just("s1"),
    mode=st.sampled_from(Mode),
    accepts=st.none() | st.frozensets(st.sampled_from(CredentialKind)),
    list_needs_proof=st.booleans(),
    counts_for_site=st.booleans(),
    first_day=days,
    last_day=days,
    hours=st.lists(openings, max_size=2).map(tuple),
    capacity=st.none() | st.integers(0, 20),
    grants_a_minute=st.none() | st.integers(0, 5),
    party_max=st.integers(1, 9),
    again_after_s=st.integers(0, 20),
    reentry=st.booleans(),
    declaration=st.none() | st.builds(Declaration, st.sampled_from(Outcome), st.sampled_from(Outcome)),
    health=st.none() | st.just(Fails("VR-VN-0001")),
    lists=st.dictionaries(st.sampled_from(ListKind), st.sampled_from(Unsure)),
    untrusted_clock=st.sampled_from(Unsure),
    roll_call=st.sampled_from([(), (420,)]),
)
histories = st.builds(
    History,
    uses=st.integers(0, 5),
    step=st.none() | st.integers(0, 3),
    inside=st.booleans(),
    admitted_ago_ns=st.none() | st.integers(0, 30 * SECOND_NS),
    occupied=st.integers(0, 30),
    grants_last_minute=st.integers(0, 10),
    listed=st.dictionaries(st.sampled_from(ListKind), st.integers(0, 1)),
    stale=st.frozensets(st.sampled_from(ListKind)),
)
instants = st.builds(
    Instant,
    st.just(NOW) | st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.sampled_from(ClockTrust),
)


@given(credentials, policies, histories, instants)
def test_nobody_comes_in_unproven_denied_revoked_or_in_too_large_a_party(shown: Credential, policy: Policy, history: History, now: Instant) -> None:
    decision = decide(shown, policy, history, now)
    if decision.admit and decision.direction is IN:
        assert shown.proof is Proof.PROVEN or (shown.proof is Proof.CLAIMED and policy.mode is not Mode.VERIFY)
        assert not {DENY, REVOKED} & set(history.listed)
        assert policy.capacity is None or history.occupied + decision.people <= policy.capacity
        assert 1 <= decision.people <= policy.party_max


@given(credentials, policies, histories, instants)
def test_whoever_leaves_may_leave(shown: Credential, policy: Policy, history: History, now: Instant) -> None:
    decision = decide(shown, replace(policy, direction=OUT), history, now)
    assert (decision.admit, decision.direction, decision.hint, decision.rules) == (True, OUT, None, ())
    assert decision.reason in {Reason.OK, Reason.RECORDED, Reason.EXIT_FREE}


@given(credentials, policies, histories, instants)
def test_a_gate_for_both_ways_never_opens_for_what_is_not_believed(shown: Credential, policy: Policy, history: History, now: Instant) -> None:
    decision = decide(shown, replace(policy, direction=EITHER), history, now)
    if decision.admit:
        assert shown.proof is Proof.PROVEN or (shown.proof is Proof.CLAIMED and policy.mode is not Mode.VERIFY)
        assert shown.step is None or history.step is None or shown.step > history.step


@given(credentials, policies, policies, histories, instants)
def test_a_policy_that_is_not_in_force_changes_nothing(shown: Credential, policy: Policy, shadow: Policy, history: History, now: Instant) -> None:
    assert decide(shown, replace(policy, shadow=shadow), history, now) == decide(shown, policy, history, now)


@given(policies)
def test_where_a_proof_is_asked_only_passes_pass_unless_the_province_says_otherwise(policy: Policy) -> None:
    usual = PASSES if policy.mode is Mode.VERIFY else frozenset(CredentialKind)
    assert policy.kinds == (usual if policy.accepts is None else policy.accepts)


def test_rules_of_leaving_are_about_the_credential() -> None:
    """All but one of them hold for coming in as well: the direction."""
    assert (len(EXIT_RULES), len(set(EXIT_RULES) - set(ENTRY_RULES))) == (9, 1)
