"""A story as its file tells it, read strictly: a word that is not known is an error, not a check that never runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from device.domain import Direction
from device.events.pseudonyms import VIET_NAM
from tests.scenarios.gate import Fitting

FOLDER = Path(__file__).parent
NEXT_S = 15
"""Between two steps that say nothing of their time."""

HAPPENINGS = frozenset(
    {
        *("crash", "reboot", "power cut", "reader restarts"),
        *("clock is wrong", "clock is right"),
        *("list arrives", "list grows old"),
        *("disk is full", "disk has room"),
        *("junk flood", "code is taken away", "time passes"),
        *("somebody passes", "somebody stands in the lane", "the lane is clear", "exit button"),
        *("fire", "fire is over", "fire is reset"),
        *("out of service", "in service", "relay board is lost", "relay board is back"),
    }
)
DEATHS = frozenset({"before opening", "during the pulse"})


@dataclass(frozen=True)
class Expected:
    """What must come of showing a code. What is not said must not be: no alert, no hint, one person."""

    admit: bool = False
    reason: str | None = None
    direction: str | None = None
    proof: str | None = None
    people: int = 1
    alert: str | None = None
    hint: str | None = None
    signal: str | None = None  # else the one that belongs to the reason
    opens: bool | None = None  # else as admitted
    passage: str | None = None  # else as the step tells who passes
    passed: int | None = None
    trip: str | None = None
    sealed: bool | None = None  # is it kept, for the health department only, who it was?
    rules: list[str] | None = None  # ids of health rules that did not hold
    pulses: int | None = None
    decided: bool = True  # false: nothing is decided, as for a code that was decided already


@dataclass(frozen=True)
class Step:
    at: datetime
    gate: str
    shows: tuple[str, ...] = ()
    holds_for_s: float = 1.0
    stays: bool = False
    passes: bool | int = True
    passes_after_s: float = 1.0
    dies: str | None = None
    happens: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    expect: Expected | None = None


@dataclass(frozen=True)
class Story:
    title: str
    why: str
    start: datetime
    trusted: bool
    policy: Mapping[str, Any]
    gates: tuple[Fitting, ...]
    people: Mapping[str, Mapping[str, Any]]
    steps: tuple[Step, ...]
    at_the_end: Mapping[str, Any]


class StoryError(ValueError):
    """A story that cannot be played as it is written."""


def every() -> list[Path]:
    return sorted(FOLDER.glob("*.toml"))


def read(path: Path) -> Story:
    """Raises StoryError."""
    try:
        return _story(tomllib.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise StoryError(f"{path.name}: {type(error).__name__}: {error}") from error


def _story(document: dict[str, Any]) -> Story:
    known = {"title", "why", "clock", "policy", "gates", "people", "steps", "finally"}
    _only(document, known, "the story")
    clock = document["clock"]
    _only(clock, {"start", "trusted"}, "[clock]")
    start = clock["start"].replace(tzinfo=VIET_NAM)
    gates = tuple(_fitting(id_, keys) for id_, keys in document.get("gates", {"g1": {}}).items())
    people = dict(_people(document.get("people", {})))
    at_the_end = document.get("finally", {})
    _only(at_the_end, {"events", "inside", "alarms", "shadow", "folded"}, "[finally]")
    return Story(
        title=document["title"],
        why=document["why"],
        start=start,
        trusted=clock.get("trusted", True),
        policy={"place": "other", "identity": {"sealed": False}, **document.get("policy", {})},
        gates=gates,
        people=people,
        steps=tuple(_steps(document["steps"], start, gates[0].id, people)),
        at_the_end=at_the_end,
    )


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := table.keys() - known:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")


def _fitting(id_: str, keys: dict[str, Any]) -> Fitting:
    return Fitting(id=id_, **{**keys, "direction": Direction(keys.get("direction", "entry"))})


def _people(tables: Mapping[str, Any]) -> Any:
    """``[people.an]`` holds one code; ``[people.an.card]`` and ``[people.an.phone]`` are two codes of one person."""
    for name, table in tables.items():
        if "holds" in table or "copies" in table:
            yield name, table
        else:
            yield from _people({f"{name}.{thing}": held for thing, held in table.items()})


def _steps(tables: list[dict[str, Any]], start: datetime, first_gate: str, people: Mapping[str, Any]) -> Any:
    last = start - timedelta(seconds=NEXT_S)
    names = {each.name for each in fields(Step)} - {"at", "more", "expect", "shows"}
    for table in tables:
        rest = dict(table)
        at = _moment(rest, last)
        if at < last:
            raise ValueError(f"a step at {at} comes after one at {last}")
        last = at
        shown = rest.pop("shows", ())
        shows = (shown,) if isinstance(shown, str) else tuple(shown)
        if strangers := set(shows) - people.keys():
            raise ValueError(f"nobody is called {', '.join(strangers)}")
        expect = Expected(**rest.pop("expect")) if "expect" in rest else None
        known = {name: rest.pop(name) for name in names & rest.keys()}
        step = Step(**{"at": at, "gate": first_gate, "shows": shows, "expect": expect, "more": rest, **known})
        _check(step)
        yield step


def _check(step: Step) -> None:
    if bool(step.shows) is bool(step.happens):
        raise ValueError(f"at {step.at}: a step has either shows or happens")
    if step.happens and step.happens not in HAPPENINGS:
        raise ValueError(f"at {step.at}: happens = {step.happens!r}; known: {', '.join(sorted(HAPPENINGS))}")
    if step.shows and (step.more or step.expect is None):
        raise ValueError(f"at {step.at}: a step that shows something expects something, and does not know {', '.join(step.more) or 'else'}")
    if step.dies not in {None, *DEATHS}:
        raise ValueError(f"at {step.at}: dies = {step.dies!r}; known: {', '.join(sorted(DEATHS))}")


def _moment(step: dict[str, Any], last: datetime) -> datetime:
    """``at = "06:30"`` is the next time it is half past six, ``at = 2021-07-02T06:30:00`` that very moment, else some seconds later."""
    at = step.pop("at", None)
    if isinstance(at, datetime):
        return at.replace(tzinfo=VIET_NAM)
    if at is None:
        return last + timedelta(seconds=step.pop("after_s", NEXT_S))
    parts = [int(part) for part in at.split(":")]
    hour, minute, second = (*parts, 0)[:3]
    moment = last.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return moment if moment >= last else moment + timedelta(days=1)
