"""Answers as text for people, and as one JSON document for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from device.domain import ClockTrust, Credential, Proof
from device.explain.answer import Answer
from device.explain.masked import facts
from device.explain.question import Question
from device.explain.words import KINDS, MISREADS, PROOFS, REASONS

MARK = {True: "yes", False: "NO", None: "-"}


def document(answers: Sequence[Answer], question: Question) -> dict[str, Any]:
    return {
        "at": question.now.utc.isoformat().replace("+00:00", "Z"),
        "clock": question.now.trust.value,
        "picture_read": question.picture_read,
        "mode": question.policy.mode.value,
        "by": question.by,
        "codes": [_entry(answer) for answer in answers],
    }


def _entry(answer: Answer) -> dict[str, Any]:
    shown, decision = answer.shown, answer.decision
    return {
        "bytes": answer.length,
        "kind": shown.kind.value if isinstance(shown, Credential) else None,
        "shown": None if isinstance(shown, Credential) else shown.what.value,
        "proof": shown.proof.value if isinstance(shown, Credential) else None,
        "proven": isinstance(shown, Credential) and shown.proof is Proof.PROVEN,
        "in_time": answer.in_time,
        "checks": dict(answer.checks),
        "faults": dict(answer.faults),
        "claims": facts(shown) if isinstance(shown, Credential) else {},
        "decision": {"admit": decision.admit, "reason": decision.reason.value, "rules": list(decision.rules)},
    }


def lines(answers: Sequence[Answer], question: Question) -> list[str]:
    """One block a code; more than one in a picture are numbered."""
    told: list[str] = []
    for number, answer in enumerate(answers, 1):
        if len(answers) > 1:
            told += [] if number == 1 else [""]
            told.append(f"code {number} of {len(answers)}")
        told += _block(answer)
    believed = "" if question.now.trust is ClockTrust.TRUSTED else ", by a clock that is not believed"
    told += [
        "",
        f"decided for {question.now.utc.isoformat(timespec='seconds')}{believed}, mode {question.policy.mode.value}, without lists or memory,",
        f"by {question.by}:",
    ]
    told.append("how often a pass was used, and who is on a list or inside, only the gate itself knows")
    return told


def _block(answer: Answer) -> list[str]:
    shown, decision = answer.shown, answer.decision
    if isinstance(shown, Credential):
        told = [f"it is      {KINDS[shown.kind]}, {answer.length} bytes", f"proven     {PROOFS[shown.proof]}"]
        told += [f"  {name:<12} {_value(value)}" for name, value in facts(shown).items()]
    else:
        told = [f"it is      {MISREADS[shown.what]}, {answer.length} bytes"]
    told += [f"  {MARK[holds]:<4} {name}{_fault(answer, name)}" for name, holds in answer.checks.items()]
    if answer.in_time is False:
        told.append("  NO   in time: the moment is outside its own dates")
    told.append(f"decision   {'ADMIT' if decision.admit else 'REFUSE'} {decision.reason.value}: {REASONS[decision.reason]}")
    told += [f"  rule {rule} does not hold" for rule in decision.rules]
    return told


def _fault(answer: Answer, name: str) -> str:
    return f": {answer.faults[name]}" if name in answer.faults else ""


def _value(value: Any) -> str:
    return (
        ", ".join(str(each) for each in value)
        if isinstance(value, list)
        else json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict)
        else str(value)
    )
