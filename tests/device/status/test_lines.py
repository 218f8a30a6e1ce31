from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.degraded import CONDUCT, HEALTH_IN_WORDS, Trouble, health
from device.gate.act import LaneState
from device.status.found import IN_WORDS, Found, Life
from device.status.lines import _span, lines
from device.turnstile.freedom import Cause
from device.turnstile.machine import Service
from tests.device.status.last_word import gate

SCHEMAS = Path(__file__).parents[3] / "docs/schemas"


def shown(life: Life = Life.RUNS, age_s: float | None = 0.5, **changes: Any) -> list[str]:
    return lines("gate g1", Found(life, *IN_WORDS[life], age_s, gate(**changes)))


def row(subject: str, **changes: Any) -> str:
    """What stands beside ``subject``."""
    (found,) = (each.removeprefix(subject).strip() for each in shown(**changes) if each.startswith(f"{subject} "))
    return found


def troubled(*troubles: Trouble, **about: str) -> dict[str, Any]:
    told = [{"trouble": each.value, **({"about": about[each]} if each in about else {})} for each in troubles]
    return {**gate()["health"], "health": health(troubles).value, "troubles": told}


def test_a_gate_that_is_well_is_ten_lines() -> None:
    assert shown() == [
        "gate g1: all is well",
        "",
        "lane              in service",
        "waiting           1 event for confirmation, the first since 2027-01-02T03:00:00Z; the store is 4 % full, 8,123 MiB of its disk are free",
        "broker            there, for 1 h 1 min",
        "clock             2027-01-02T03:04:05.000+00:00, trusted",
        "in force          policy 7 (mode verify), trust 3, list deny 12 (120,331 entries)",
        "eyes              ok; last frame 0 s ago",
        "lately            last decision 12 s ago; last confirmation 1 d 1 h ago",
        "program           qrgate 1.2.3, running for 1 h 2 min; the machine for 1 h 23 min",
    ]


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_is_told_with_what_happens_to_people_and_what_to_do(trouble: Trouble) -> None:
    conduct = CONDUCT[trouble]
    told = shown(health=troubled(trouble))
    assert told[:5] == [
        f"gate g1: {HEALTH_IN_WORDS[conduct.health]}",
        "",
        f"{trouble:<17} {conduct.when}",
        f"{'':<17} entry: {conduct.entry}; exit: {conduct.exit}",
        f"{'':<17} → {conduct.hint}",
    ]
    assert (told[5:], bool(conduct.hint)) == (shown()[1:], True)


def test_the_gravest_trouble_comes_first_and_what_it_is_about_stands_with_it() -> None:
    told = shown(health=troubled(Trouble.FREE, Trouble.LISTS_STALE, Trouble.BROKER_AWAY, lists_stale="allow, deny"))
    assert [each.split()[0] for each in told[1:-8] if each and not each.startswith(" ")] == ["free", "lists_stale", "broker_away"]
    assert [each.strip() for each in told if each.strip().startswith("here: ")] == ["here: allow, deny"]
    assert told[0] == "gate g1: the lane stands free"


@pytest.mark.parametrize("life", [life for life in IN_WORDS if life is not Life.RUNS])
def test_a_gate_that_does_not_answer_for_itself_is_told_before_its_last_word(life: Life) -> None:
    what, hint = IN_WORDS[life]
    assert shown(life, 125.0)[:4] == [f"gate g1: {what}", f"{'':<17} → {hint}", "", "its last word, of 2 min 5 s ago:"]
    assert shown(life, None)[3] == "its last word, from before this machine started:"
    assert shown(life)[4:] == shown()[1:]


def test_a_gate_of_which_nothing_is_known_is_two_lines() -> None:
    assert lines("gate g1", Found(Life.NOT_TOLD, "status.json is empty", "ask again")) == [
        "gate g1: status.json is empty",
        f"{'':<17} → ask again",
    ]


@pytest.mark.parametrize(
    ("lane", "drill", "words"),
    [
        (LaneState(), False, "in service"),
        (LaneState(serves_entry=False), False, "out of service"),
        (LaneState(free_by=Cause.FIRE), False, "free by fire"),
        (LaneState(free_by=Cause.ORDER), True, "free by order (a drill)"),
        (LaneState(service=Service.LOCKED, serves_entry=False), False, "locked"),
        (LaneState(free_by=Cause.KEY, service=Service.SETUP, serves_entry=False), False, "free by key, setup"),
    ],
)
def test_how_the_lane_stands(lane: LaneState, words: str, *, drill: bool) -> None:
    told = {"service": lane.service.value, "free_by": lane.free_by, "serves_entry": lane.serves_entry}
    assert row("lane", lane=told, drill=drill) == words


def test_what_is_missing_or_fails_is_told_as_such() -> None:
    assert row("broker", broker={"connected": False, "for_s": 59}) == "away, for 59 s"
    assert row("clock", clock="untrusted") == "2027-01-02T03:04:05.000+00:00, untrusted: no date is believed"
    assert row("in force", bundles={}, lists={}) == "no policy (mode verify)"
    stale = {"version": 12, "entries": 1, "age_s": 9, "stale": True}
    assert row("in force", bundles={"delegations": 1}, lists={"deny": stale}) == (
        "no policy (mode verify), delegations 1, list deny 12 (1 entries, too old)"
    )
    assert row("waiting", store={"epoch": "", "last_sequence": 0, "fails": "StoreError"}) == "the store does not tell: StoreError"
    empty = {"epoch": "", "last_sequence": 0, "unconfirmed": 0, "fill": 0.0, "disk_free_mib": 1}
    assert row("waiting", store=empty) == "0 events for confirmation; the store is 0 % full, 1 MiB of its disk are free"
    never = {"frame_s": None, "decision_s": None, "confirmation_s": None}
    assert row("eyes", last=never, eyes="no_reader") == "no_reader; no frame since it began to run"
    assert row("lately", last=never) == "no decision since it began to run; no confirmation since it began to run"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min"), (86_399, "23 h 59 min"), (90_000, "1 d 1 h")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert _span(seconds) == words


def test_nothing_of_the_file_reaches_a_terminal_that_would_obey_it() -> None:
    """A gate that was captured writes for whoever looks as root."""
    evil = "\x1b]0;x\x07\x1b[2J" * 100
    health = troubled(Trouble.LISTS_STALE, lists_stale=evil) | {"outbox": {"waiting": 1, "full_percent": 0, "since": evil}}
    told = shown(
        health=health,
        version=evil,
        time=evil,
        clock=evil,
        policy=evil,
        eyes=evil,
        bundles={evil: 1},
        lists={evil: {"version": 1, "entries": NS, "age_s": None, "stale": None}},
        lane={"service": evil, "free_by": evil, "serves_entry": True},
    )
    assert [each for each in told if not each.isprintable()] == []
    assert max(map(len, told)) < 1000
    failing = shown(store={"epoch": evil, "last_sequence": 0, "fails": evil})
    assert re.search(r"[\x00-\x1f\x7f-\x9f]", "".join(failing)) is None


def test_whoever_stands_there_and_whoever_listens_from_afar_are_told_the_same_words() -> None:
    schema = json.loads((SCHEMAS / "health.schema.json").read_text(encoding="utf-8"))
    assert {health.value: words for health, words in HEALTH_IN_WORDS.items()} == schema["properties"]["health"]["x-words"]
