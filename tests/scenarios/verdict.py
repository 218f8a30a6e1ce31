"""Where a played story differs from what it expects, and where it breaks what holds in every story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from device.domain import Reason
from device.turnstile.signals import SIGNAL_OF_REASON
from tests.scenarios.gate import StoryGate
from tests.scenarios.stage import Shown, Stage
from tests.scenarios.story import Expected

PULSE_LATE = timedelta(milliseconds=1)
FILLER = "filler"  # what a full disk was filled up with


def differences(stage: Stage) -> list[str]:
    """Everything that is not as it should be, one a line."""
    found = [f"{_where(shown)}: {each}" for shown in stage.shown for each in _of_step(stage, shown)]
    found += _at_the_end(stage)
    found += [f"{gate.id}: {each}" for gate in stage.gates.values() for each in laws(stage, gate)]
    return found


def _where(shown: Shown) -> str:
    return f"{shown.step.at:%d/%m %H:%M:%S} {shown.gate.id}, {' and '.join(shown.step.shows)}"


# --- one step --------------------------------------------------------------------------------------------------


def _of_step(stage: Stage, shown: Shown) -> Iterator[str]:
    expected = shown.step.expect
    assert expected is not None
    decision = decision_of(stage, shown)
    if (decision is not None) is not expected.decided:
        yield f"expected {'a decision' if expected.decided else 'no decision'}, found {decision and decision['data']}"
        return
    data = decision["data"] if decision else {}
    wanted = _wanted(shown, expected, data)
    opened = decision is not None and decision["id"] in shown.gate.opened_for
    passage = passage_of(stage, shown.gate.id, decision["id"]) if decision else None
    found = {
        **{name: data.get(name) for name in ("admit", "reason", "direction", "proof", "alert", "hint", "trip", "rules", "sealed")},
        "people": data.get("people", 1),
        "sealed": "identity" in data,
        "signal": shown.signals[0] if shown.signals else None,
        "opens": opened,
        "passage": passage and passage["outcome"],
        "passed": passage and passage["people"],
        "pulses": shown.gate.pulses_for.count(decision["id"]) if decision else 0,
    }
    for name, value in wanted.items():
        if found[name] != value:
            yield f"{name} should be {value!r} and is {found[name]!r}"


def _wanted(shown: Shown, expected: Expected, data: dict[str, Any]) -> dict[str, Any]:
    """What the story says, and what follows from it where it says nothing."""
    step = shown.step
    said = {
        name: getattr(expected, name)
        for name in ("reason", "direction", "proof", "signal", "opens", "passage", "passed", "pulses", "trip", "rules", "sealed")
    }
    wanted: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if not expected.decided:
        return {name: wanted[name] for name in ("signal",) if name in wanted} | {"opens": False}
    wanted |= {"admit": expected.admit, "alert": expected.alert, "hint": expected.hint, "people": expected.people}
    wanted.setdefault("opens", expected.admit and step.dies != "before opening")
    if not expected.admit:
        wanted.setdefault("signal", SIGNAL_OF_REASON[Reason(data["reason"])])
        return wanted | {"passage": None}
    if step.dies:
        wanted.setdefault("passage", "unknown")
    elif not shown.gate.fitting.knows_who_passes:
        wanted.setdefault("passage", "assumed")
    else:
        wanted.setdefault("passage", "turned" if step.passes else "unused")
    return wanted


def decision_of(stage: Stage, shown: Shown) -> dict[str, Any] | None:
    events = (line.event for line in stage.lines if line.gate == shown.gate.id)
    return next((each for each in events if each["type"] == "qrgate.decision" and each["subject"] in shown.tracks), None)


def passage_of(stage: Stage, gate: str, decision: str) -> dict[str, Any] | None:
    events = (line.event["data"] for line in stage.lines if line.gate == gate and line.event["type"] == "qrgate.passage")
    return next((each for each in events if each.get("decision") == decision), None)


# --- the end ---------------------------------------------------------------------------------------------------


def _at_the_end(stage: Stage) -> Iterator[str]:
    wanted = {"alarms": [], **stage.story.at_the_end}
    found = {
        "events": counts(stage),
        "alarms": [line.event["data"]["what"] for line in stage.lines if line.event["type"] == "qrgate.alarm"],
        "inside": _inside(stage, wanted.get("inside")),
        "shadow": shadow_counts(stage),
        "folded": dict(sum((Counter(each["counts"]) for each in _audits(stage, "refusals_folded")), Counter())),
    }
    for name, value in wanted.items():
        if found[name] != value:
            yield f"at the end {name} should be {value!r} and is {found[name]!r}"


def shadow_counts(stage: Stage) -> dict[str, int]:
    """What the shadow policies would have decided: told every hour, and what is left of the last one."""
    told = [Counter(each["counts"]) for each in _audits(stage, "shadow_policy")]
    return dict(sum((*told, *(gate.shadow for gate in stage.gates.values())), Counter()))


def _inside(stage: Stage, wanted: Any) -> Any:
    inside = {id_: gate.inside() for id_, gate in stage.gates.items()}
    return inside if isinstance(wanted, dict) else sum(inside.values())


def _audits(stage: Stage, what: str) -> list[dict[str, Any]]:
    data = [line.event["data"] for line in stage.lines if line.event["type"] == "qrgate.audit"]
    return [each for each in data if each["what"] == what]


def counts(stage: Stage) -> dict[str, int]:
    """Events by type, over all gates."""
    told = [line.event for line in stage.lines if line.event["data"].get("what") != FILLER]
    return dict(Counter(event["type"].removeprefix("qrgate.") for event in told))


# --- what holds in every story ---------------------------------------------------------------------------------


def laws(stage: Stage, gate: StoryGate) -> Iterator[str]:
    """Whatever happens: no gap, one passage a grant, no relay that hangs, and nobody's number in the store."""
    events = [line.event for line in stage.lines if line.gate == gate.id]
    if [int(event["sequence"]) for event in events] != list(range(1, len(events) + 1)):
        yield "the sequence of events has a gap"
    granted = [event["id"] for event in events if event["type"] == "qrgate.decision" and event["data"]["admit"]]
    ended = [event["data"]["decision"] for event in events if "decision" in event["data"] and event["type"] == "qrgate.passage"]
    if sorted(granted) != sorted(ended):
        yield f"{len(granted)} grants, and passages of {len(ended)}"
    if set(gate.opened_for) - set(granted) or len(set(gate.opened_for)) != len(gate.opened_for):
        yield "the lane opened without a grant, or twice for one"
    for on, off in gate.pulses:
        if off is None or off - on > timedelta(seconds=gate.fitting.max_on_s) + PULSE_LATE:
            yield f"the relay was on from {on:%H:%M:%S} to {off}"
    yield from _persons_in(gate, stage.payloads)


def _persons_in(gate: StoryGate, payloads: set[bytes]) -> Iterator[str]:
    stored = b"".join(path.read_bytes() for path in gate.state.iterdir() if path.is_file())
    for payload in payloads:
        for part in {payload, *(part for part in payload.split(b"|") if len(part) >= 9)}:  # a number of nine digits, or a name
            if part in stored:
                yield f"the state folder holds {part!r}"
