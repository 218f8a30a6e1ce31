"""A presentation on its way to its record: what was known of it when it was decided, and what its event says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.admission.presence import Moment
from device.admission.presentations import Presentation
from device.domain import Credential, Decision, Direction
from device.gate.memory import OpenGrant
from device.gate.recall import NOTHING, Recalled


@dataclass(frozen=True, slots=True)
class Case:
    """Decided on what was ``recalled`` at ``now``; its bearer was there at ``fresh_ns``, from which a grant ages."""

    presentation: Presentation
    now: Moment
    fresh_ns: int
    recalled: Recalled = NOTHING

    @property
    def credential(self) -> Credential | None:
        shown = self.presentation.shown
        return shown if isinstance(shown, Credential) else None


def facts_of(case: Case, decision: Decision, *, person: Mapping[str, Any], trip: str) -> dict[str, Any]:
    """What the event of ``decision`` says. ``person`` is how the bearer is called there; nothing for what is no credential."""
    shown, track = case.presentation.shown, case.presentation.track
    facts: dict[str, Any] = {
        "presentation": case.presentation.id,
        "direction": decision.direction,
        "admit": decision.admit,
        "reason": decision.reason,
    }
    if isinstance(shown, Credential):
        facts |= {"credential": shown.kind, "proof": shown.proof, **person}
    else:
        facts |= {"shown": shown.what}
    facts |= _more(decision) | ({"trip": trip} if trip else {})
    return facts | {"frame": track.frame, "frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns, "stage": track.stage}


def _more(decision: Decision) -> dict[str, Any]:
    """What only some decisions have to say."""
    more: dict[str, Any] = {"hint": decision.hint, "alert": decision.alert, "rules": list(decision.rules)}
    if decision.people > 1:
        more["people"] = decision.people
    return {name: value for name, value in more.items() if value}


def open_grant_of(id_: str, case: Case, decision: Decision) -> OpenGrant:
    """Who comes in uses up a pass, and who goes out on one that is good for nothing else."""
    shown = case.credential
    counted = shown is not None and shown.uses is not None and (decision.direction is Direction.ENTRY or shown.direction is Direction.EXIT)
    pass_key = case.recalled.pass_key if counted else None
    return OpenGrant(id_, case.presentation.id, pass_key, case.recalled.person, decision.direction, decision.people)


def line(facts: Mapping[str, Any]) -> str:
    """A decision for the log: nothing in it names a person, and a part of the day's pseudonym finds the event."""
    words = ["ADMIT" if facts["admit"] else "REFUSE", facts["reason"]]
    words += [facts["credential"], "person", facts["person"][:8]] if "person" in facts else [facts["shown"]]
    return " ".join(words)
