"""What a code is, what is proven, and what follows: the gate's own readers and rules, asked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from device import credentials
from device.admission.decide import decide
from device.admission.history import NO_HISTORY
from device.credentials import hc1
from device.domain import Credential, Decision, Instant, NotACredential
from device.explain.question import Question


@dataclass(frozen=True, slots=True)
class Answer:
    """``checks`` are a certificate's, in the order they are made: does each hold, ``None`` where it was not reached."""

    length: int
    shown: Credential | NotACredential
    decision: Decision
    in_time: bool | None
    checks: Mapping[str, bool | None] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def explain(payload: bytes, question: Question) -> Answer:
    shown = credentials.read(payload, question.trust)
    decision = decide(shown, question.policy, NO_HISTORY, question.now)
    if not (question.is_certificate or hc1.detect(payload)):
        return Answer(len(payload), shown, decision, _in_time(shown, question.now))
    examined = hc1.examine(payload, question.trust)
    checks = {check.value: holds for check, holds in examined.checks.items()}
    faults = {check.value: fault for check, fault in examined.faults.items() if fault}
    until_s = None if examined.expires_s is None else examined.expires_s + 1  # refused after that second, not in it
    return Answer(len(payload), shown, decision, _between(examined.issued_s, until_s, question.now), checks, faults)


def _in_time(shown: Credential | NotACredential, now: Instant) -> bool | None:
    return _between(shown.valid_from_s, shown.valid_until_s, now) if isinstance(shown, Credential) else None


def _between(from_s: int | None, until_s: int | None, now: Instant) -> bool | None:
    """Is it good now, by its own dates? ``None`` where it has none."""
    if from_s is None and until_s is None:
        return None
    seconds = now.utc.timestamp()
    return (from_s is None or seconds >= from_s) and (until_s is None or seconds < until_s)
