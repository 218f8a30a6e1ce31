"""A played story, line by line, for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.scenarios import story
from tests.scenarios.stage import Shown, Stage
from tests.scenarios.story import Step
from tests.scenarios.verdict import counts, decision_of, shadow_counts


def table() -> list[str]:
    """Every story's file and title, as ``docs/scenarios.md`` lists them."""
    stories = [(path.name, story.read(path).title) for path in story.every()]
    return ["| File | Story |", "|---|---|", *(f"| [{name}](../tests/scenarios/{name}) | {title} |" for name, title in stories)]


def lines(stage: Stage) -> Iterator[str]:
    yield stage.story.title
    yield f"  {stage.story.why}"
    yield ""
    told: list[tuple[datetime, int, str]] = [(shown.step.at, 0, _shown(stage, shown)) for shown in stage.shown]
    told += [(step.at, 0, f"{step.gate}  {_happening(step)}") for step in stage.story.steps if step.happens]
    told += [(line.at, 1, f"{line.gate}    {text}") for line in stage.lines if (text := _event(line.event))]
    told += [(on, 1, f"{gate.id}    relay on") for gate in stage.gates.values() for on, _ in gate.pulses]
    told += [(off, 1, f"{gate.id}    relay off") for gate in stage.gates.values() for _, off in gate.pulses if off]
    day = None
    for at, _, text in sorted(told, key=lambda each: each[:2]):
        if at.date() != day:
            day = at.date()
            yield f"  {day:%d/%m/%Y}"
        yield f"  {at:%H:%M:%S}  {text}"
    yield ""
    yield f"  events: {', '.join(f'{n} {kind}' for kind, n in sorted(counts(stage).items())) or 'none'}"
    yield f"  inside: {', '.join(f'{id_} {gate.inside()}' for id_, gate in stage.gates.items())}"
    if shadow := shadow_counts(stage):
        yield f"  the shadow policy would have told: {', '.join(f'{reason} {n}' for reason, n in sorted(shadow.items()))}"


def _shown(stage: Stage, shown: Shown) -> str:
    who = " and ".join(f"{name} ({_held(stage, name)})" for name in shown.step.shows)
    decision = decision_of(stage, shown)
    answer = _decision(decision["data"]) if decision else "nothing is recorded"
    signal = f", signal {shown.signals[0]}" if shown.signals else ""
    return f"{shown.gate.id}  {who}: {answer}{signal}"


def _held(stage: Stage, name: str) -> str:
    claims = stage.story.people[name]
    kind = f"copy of {claims['copies']}'s code" if "copies" in claims else str(claims["holds"])
    return f"forged {kind}" if claims.get("forged") else kind


def _decision(data: dict[str, Any]) -> str:
    words = ["let in" if data["admit"] and data["direction"] == "entry" else "let out" if data["admit"] else "REFUSED", f"({data['reason']})"]
    words += [f"{data['people']} people"] if data.get("people", 1) > 1 else []
    words += [f"reminded: {data['hint']}"] if data.get("hint") else []
    words += [f"broken rules: {' '.join(data['rules'])}"] if data.get("rules") else []
    return " ".join(words)


def _happening(step: Step) -> str:
    more = ", ".join(f"{name} {value}" for name, value in step.more.items())
    return f"--- {step.happens}" + (f" ({more})" if more else "")


def _event(event: dict[str, Any]) -> str:
    data = event["data"]
    match event["type"]:
        case "qrgate.passage":
            people = f", {data['people']} people" if data["people"] > 1 else ""
            way = "" if "decision" in data else f" without a code{', ' + data['direction'] if data['direction'] else ''}"
            return f"passage {data['outcome']}{way}{people}"
        case "qrgate.alarm":
            over = " is over" if data.get("on") is False else ""
            about = f" ({data['about']})" if data.get("about") else ""
            return f"ALARM {data['what']}{about}{over}" + (f", {data['missing']} of {data['expected']} missing" if "missing" in data else "")
        case "qrgate.audit" if data["what"] == "refusals_folded":
            return f"refusals counted together: {data['counts']}"
    return ""
