"""May this credential pass? One pure function, one closed list of reasons, no clock, disk or network."""

from __future__ import annotations

from dataclasses import dataclass

from device.domain import ClockTrust, Credential, Decision, Direction, Instant, Misread, NotACredential, Proof, Reason

REASON_OF_MISREAD = {
    Misread.PAYMENT: Reason.PAYMENT_CODE,
    Misread.LINK: Reason.LINK,
    Misread.OTHER: Reason.NOT_A_PASS,
    Misread.MALFORMED: Reason.MALFORMED,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What this gate asks.

    ``admits_claims`` is the mode *record*: the directives' own purpose is to write down who passes, so a recognised
    claim passes knowingly. Otherwise (mode *verify*) only a proven credential passes: anybody can print the others.
    """

    gate: str
    zone: str
    direction: Direction
    admits_claims: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of the pass: uses that are reserved or consumed."""

    uses: int = 0


NO_HISTORY = History()


def decide(shown: Credential | NotACredential, policy: Policy, history: History, now: Instant) -> Decision:
    """Admit or refuse what was shown. The first rule that objects gives the reason."""
    if isinstance(shown, NotACredential):
        return Decision.refused(REASON_OF_MISREAD[shown.what])
    match shown.proof:
        case Proof.FORGED:
            return Decision.refused(Reason.FORGED)
        case Proof.UNKNOWN_ISSUER:
            return Decision.refused(Reason.UNKNOWN_ISSUER)
        case Proof.CLAIMED:
            return Decision.admitted(Reason.RECORDED) if policy.admits_claims else Decision.refused(Reason.NOT_PROVEN)
        case Proof.PROVEN:
            objection = _wrong_place(shown, policy) or _wrong_time(shown, now) or _used_up(shown, policy, history)
            return Decision.refused(objection) if objection else Decision.admitted()


def _wrong_place(credential: Credential, policy: Policy) -> Reason | None:
    if credential.zones and policy.zone not in credential.zones:
        return Reason.WRONG_ZONE
    if Direction.BOTH not in (credential.direction, policy.direction) and credential.direction is not policy.direction:
        return Reason.WRONG_DIRECTION
    return None


def _wrong_time(credential: Credential, now: Instant) -> Reason | None:
    """A pass with dates needs a clock that may be believed; without one nobody can say that it has not expired."""
    if credential.valid_from_s is None and credential.valid_until_s is None:
        return None
    if now.trust is not ClockTrust.TRUSTED:
        return Reason.CLOCK_UNTRUSTED
    seconds = now.utc.timestamp()
    if credential.valid_from_s is not None and seconds < credential.valid_from_s:
        return Reason.NOT_YET
    if credential.valid_until_s is not None and seconds >= credential.valid_until_s:
        return Reason.EXPIRED
    return None


def _used_up(credential: Credential, policy: Policy, history: History) -> Reason | None:
    """Uses are counted at the one gate that the pass names: two gates without a network could not count together."""
    if credential.uses is None:
        return None
    if credential.counted_at != policy.gate:
        return Reason.WRONG_ZONE
    return Reason.USED_UP if history.uses >= credential.uses else None
