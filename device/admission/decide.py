"""May this credential pass? One pure function, one closed list of reasons, no clock, disk or network.

What a code claims, whether that is proven, and whether it may pass are three answers. The first two come with the
credential; here is the third. Whoever leaves is let out, whatever the rules say: they are for coming in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.admission.history import History
from device.admission.lists import DECLARED, MUST_STAY, ListKind
from device.admission.policy import Mode, Outcome, Policy, Unsure
from device.domain import Alert, ClockTrust, Credential, Decision, Direction, Instant, Misread, NotACredential, Proof, Reason
from device.events.pseudonyms import VIET_NAM

NS_PER_S = 1_000_000_000

REASON_OF_MISREAD = {
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
REASON_OF_PROOF = {
    Proof.FORGED: Reason.FORGED,
    Proof.UNKNOWN_ISSUER: Reason.UNKNOWN_ISSUER,
    Proof.WRONG_USE: Reason.WRONG_USE,
}


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at."""

    shown: Credential
    policy: Policy
    history: History
    now: Instant

    @property
    def clock_is_trusted(self) -> bool:
        return self.now.trust is ClockTrust.TRUSTED

    @property
    def clock_is_overlooked(self) -> bool:
        """May a rule that needs the date be left out, because the date is not known here?"""
        return not self.clock_is_trusted and self.policy.untrusted_clock is Unsure.OVERLOOK


def decide(shown: Credential | NotACredential, policy: Policy, history: History, now: Instant) -> Decision:
    """Admit or refuse what was shown. The first rule that objects gives the reason."""
    if isinstance(shown, NotACredential):
        return Decision.refused(REASON_OF_MISREAD[shown.what], direction=Direction.EXIT if policy.direction is Direction.EXIT else Direction.ENTRY)
    case = Case(shown, policy, history, now)
    direction = _direction(case)
    objection = _objection(case, direction)
    passes = Reason.RECORDED if shown.proof is Proof.CLAIMED else Reason.OK
    if direction is Direction.EXIT:
        return Decision.admitted(Reason.EXIT_FREE if objection else passes, direction=direction, people=_people(case), alert=_alert(case, direction))
    if objection:
        rules = _broken_rules(case) if objection is Reason.HEALTH_RULE else ()
        return Decision.refused(objection, alert=_alert(case, direction), rules=rules)
    return Decision.admitted(passes, people=_people(case), hint=_hint(case))


def _objection(case: Case, direction: Direction) -> Reason | None:
    rules = EXIT_RULES if direction is Direction.EXIT else ENTRY_RULES
    return next((reason for rule in rules if (reason := rule(case))), None)


def _direction(case: Case) -> Direction:
    """Which way the bearer is going.

    At a gate for both ways whoever is inside goes out, and so does a good pass that is for nothing else. There the lane that
    lets out may let in as well, so who says so must be believed as much as for coming in. A code that is shown again within
    a moment is no exit.
    """
    if case.policy.direction is not Direction.BOTH:
        return case.policy.direction
    returns = case.history.inside and not _a_moment_ago(case.policy, case.history) and _is_the_bearer(case)
    good = _objection(case, Direction.EXIT) is None and not (_used_up(case) or _just_shown(case))
    sent_out = case.shown.direction is Direction.EXIT and good
    return Direction.EXIT if returns or sent_out else Direction.ENTRY


def _is_the_bearer(case: Case) -> bool:
    """Is it whoever came in, as far as this gate asks? A photograph of a rotating pass shows a moment that is over."""
    photographed = case.shown.step is not None and (_replayed(case) or _wrong_time(case) in (Reason.NOT_YET, Reason.EXPIRED))
    return not (_unproven(case) or photographed)


def _a_moment_ago(policy: Policy, history: History) -> bool:
    return history.admitted_ago_ns is not None and history.admitted_ago_ns < policy.again_after_s * NS_PER_S


def _people(case: Case) -> int:
    """How many may pass: only a proven pass speaks for people without a code, and only as far as the province allows it."""
    return min(case.shown.party, case.policy.party_max) if case.shown.proof is Proof.PROVEN else 1


def _alert(case: Case, direction: Direction) -> Alert | None:
    if ListKind.DENY in case.history.listed:
        return Alert.DENIED_PERSON
    must_stay = bool(case.policy.roll_call) and case.history.listed.get(ListKind.EXPECTED) == MUST_STAY
    return Alert.LEFT_WITHOUT_RELEASE if must_stay and direction is Direction.EXIT else None


# --- the proof -------------------------------------------------------------------------------------------------


def _unproven(case: Case) -> Reason | None:
    if case.shown.proof is Proof.CLAIMED:
        return None if case.policy.takes_claims else Reason.NOT_PROVEN
    return REASON_OF_PROOF.get(case.shown.proof)


def _revoked(case: Case) -> Reason | None:
    return Reason.REVOKED if ListKind.REVOKED in case.history.listed else None


def _not_accepted(case: Case) -> Reason | None:
    return None if case.shown.kind in case.policy.kinds else Reason.NOT_ACCEPTED


# --- who, where, when ------------------------------------------------------------------------------------------


def _denied(case: Case) -> Reason | None:
    return Reason.DENIED if ListKind.DENY in case.history.listed else None


def _wrong_zone(case: Case) -> Reason | None:
    return Reason.WRONG_ZONE if case.shown.zones and case.policy.zone not in case.shown.zones else None


def _only_out(case: Case) -> Reason | None:
    return Reason.WRONG_DIRECTION if case.shown.direction is Direction.EXIT else None


def _only_in(case: Case) -> Reason | None:
    return Reason.WRONG_DIRECTION if case.shown.direction is Direction.ENTRY else None


def _closed(case: Case) -> Reason | None:
    """A site has hours, and a temporary one its dates, both in Viet Nam."""
    policy = case.policy
    if not (policy.hours or policy.first_day or policy.last_day) or case.clock_is_overlooked:
        return None
    if not case.clock_is_trusted:
        return Reason.CLOCK_UNTRUSTED
    local = case.now.utc.astimezone(VIET_NAM)
    early = policy.first_day is not None and local.date() < policy.first_day
    late = policy.last_day is not None and local.date() > policy.last_day
    shut = bool(policy.hours) and not any(opening.holds(local) for opening in policy.hours)
    return Reason.CLOSED if early or late or shut else None


def _wrong_time(case: Case) -> Reason | None:
    """A credential with dates needs a clock that may be believed; without one nobody can say that it has not expired.

    What a rotating pass shows is nothing but a date: there the clock is never overlooked.
    """
    shown = case.shown
    if shown.valid_from_s is None and shown.valid_until_s is None:
        return None
    if not case.clock_is_trusted:
        return None if case.clock_is_overlooked and shown.step is None else Reason.CLOCK_UNTRUSTED
    seconds = case.now.utc.timestamp()
    if shown.valid_from_s is not None and seconds < shown.valid_from_s:
        return Reason.NOT_YET
    if shown.valid_until_s is not None and seconds >= shown.valid_until_s:
        return Reason.EXPIRED
    return None


def _unhealthy(case: Case) -> Reason | None:
    """Rules ask for dates of vaccinations and tests, so an untrusted clock is no better for them than for any date."""
    if case.policy.health is None or case.shown.health is None or case.clock_is_overlooked:
        return None
    if not case.clock_is_trusted:
        return Reason.CLOCK_UNTRUSTED
    return Reason.HEALTH_RULE if _broken_rules(case) else None


def _broken_rules(case: Case) -> tuple[str, ...]:
    return case.policy.health.failed(case.shown, case.now) if case.policy.health is not None else ()


# --- lists -----------------------------------------------------------------------------------------------------


def _stale(case: Case) -> Reason | None:
    """A list that this gate must have, and has not, or only an old one. Without a clock nobody knows how old one is."""
    strict = {kind for kind, unsure in case.policy.lists.items() if unsure is Unsure.REFUSE}
    if strict & case.history.stale:
        return Reason.LIST_STALE
    return Reason.CLOCK_UNTRUSTED if strict and not case.clock_is_trusted and not case.clock_is_overlooked else None


def _not_listed(case: Case) -> Reason | None:
    return Reason.NOT_LISTED if case.policy.mode is Mode.LIST and ListKind.ALLOW not in case.history.listed else None


def _undeclared(case: Case) -> Reason | None:
    outcome, reason = _declaration(case)
    return reason if outcome is Outcome.REFUSE else None


def _hint(case: Case) -> Reason | None:
    outcome, reason = _declaration(case)
    return reason if outcome is Outcome.REMIND else None


def _declaration(case: Case) -> tuple[Outcome, Reason | None]:
    """What follows from the health declaration, and what to tell the person. An old list knows nothing of today."""
    asked = case.policy.declaration
    if asked is None:
        return Outcome.ADMIT, None
    if ListKind.DECLARED in case.history.stale or ListKind.DECLARED not in case.history.listed:
        return asked.unknown, Reason.DECLARATION_UNKNOWN
    if case.history.listed[ListKind.DECLARED] == DECLARED:
        return Outcome.ADMIT, None
    return asked.not_declared, Reason.NOT_DECLARED


# --- what was before -------------------------------------------------------------------------------------------


def _used_up(case: Case) -> Reason | None:
    """Uses are counted at the one gate that the pass names, or at the one that counts for the site that it names."""
    shown, policy = case.shown, case.policy
    if shown.uses is None:
        return None
    if shown.counted_at != policy.gate and not (policy.counts_for_site and shown.counted_at == policy.site):
        return Reason.WRONG_ZONE
    return Reason.USED_UP if case.history.uses >= shown.uses else None


def _replayed(case: Case) -> Reason | None:
    """A rotating pass is good once a step: a photograph of it is the same step again."""
    before = case.history.step
    return Reason.REPLAYED if case.shown.step is not None and before is not None and case.shown.step <= before else None


def _just_shown(case: Case) -> Reason | None:
    return Reason.JUST_SHOWN if _a_moment_ago(case.policy, case.history) else None


def _already_inside(case: Case) -> Reason | None:
    return Reason.ALREADY_INSIDE if case.history.inside and not case.policy.reentry else None


def _full(case: Case) -> Reason | None:
    capacity = case.policy.capacity
    return Reason.FULL if capacity is not None and case.history.occupied + _people(case) > capacity else None


def _too_many(case: Case) -> Reason | None:
    """A party counts whole; one that is larger than the cap has a minute for itself."""
    most = case.policy.grants_a_minute
    if most is None:
        return None
    return Reason.TOO_MANY if case.history.grants_last_minute + max(min(_people(case), most), 1) > most else None


Rules = tuple[Callable[[Case], Reason | None], ...]

ENTRY_RULES: Rules = (
    *(_unproven, _revoked, _denied, _not_accepted),
    *(_wrong_zone, _only_out, _closed, _wrong_time, _unhealthy),
    *(_stale, _not_listed, _undeclared),
    *(_used_up, _replayed, _just_shown, _already_inside, _full, _too_many),
)
"""In this order: what is wrong with the credential before what is wrong with the moment, so that the person is told what to mend."""

EXIT_RULES: Rules = (_unproven, _revoked, _denied, _not_accepted, _wrong_zone, _only_in, _wrong_time, _not_listed, _replayed)
"""What is wrong with the credential of somebody who leaves. It keeps nobody in; the record says so (``exit_free``)."""
